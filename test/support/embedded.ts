import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll } from "vitest";
import type { Session } from "../../lambdas/shared/session.ts";
import { createEmbedded, embeddedSession } from "../../local/embedded-session.ts";

/** Returns one embedded Postgres for the tests of the calling file or `describe`, after running `setUp` in it. */
export function useEmbedded(setUp = ""): Session {
  let db: PGlite | undefined;
  let session: Session | undefined;
  beforeAll(async () => {
    db = await createEmbedded();
    session = embeddedSession(db);
    await session.exec(setUp);
  });
  afterAll(() => db?.close());
  const started = (): Session => {
    if (!session)
      throw new Error("The embedded Postgres starts in beforeAll: use it from a test or a later hook");
    return session;
  };
  return {
    query: (text, params) => started().query(text, params),
    exec: (text) => started().exec(text),
    together: (statements) => started().together(statements),
  };
}
