import { PGlite } from "@electric-sql/pglite";
import { pg_trgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { pgcrypto } from "@electric-sql/pglite/contrib/pgcrypto";
import { uuid_ossp } from "@electric-sql/pglite/contrib/uuid_ossp";
import { vector } from "@electric-sql/pglite-pgvector";
import { type Session, StatementFailed } from "../lambdas/shared/session.ts";
import { sha256 } from "../lambdas/shared/sha256.ts";
import { pinnedVersion } from "../lib/package.ts";
import { keptInCache } from "./cache.ts";

const INT8_OID = 20;
const asText = (value: string) => value;

// The files are in memory already, so keeping parts of them twice costs time when an instance starts. Recycled segments
// of the log would be in every dump.
const SETTINGS = ["shared_buffers=32MB", "wal_recycle=off", "min_wal_size=32MB"];
const START = [...PGlite.defaultStartParams, ...SETTINGS.flatMap((setting) => ["-c", setting])];

/** Template databases are not needed here, and each would be in every dump. */
const WITHOUT_TEMPLATES = [
  "UPDATE pg_database SET datistemplate = false",
  "DROP DATABASE template0",
  "DROP DATABASE template1",
];

/** A new embedded Postgres, in memory; with `data`, from a dump of another one's data directory. */
export async function createEmbedded(data?: Blob): Promise<PGlite> {
  return await start(data ?? (await emptyDirectory()));
}

async function start(loadDataDir?: Blob): Promise<PGlite> {
  return await PGlite.create({
    extensions: { vector, pg_trgm, pgcrypto, uuid_ossp },
    // int8 as text, as in node-postgres.
    parsers: { [INT8_OID]: asText },
    startParams: START,
    ...(loadDataDir ? { loadDataDir } : {}),
  });
}

let empty: Promise<Blob> | undefined;

/** A data directory as initdb makes it. Making one takes seconds, loading one a fraction of a second. */
function emptyDirectory(): Promise<Blob> {
  const recipe = JSON.stringify([pinnedVersion("@electric-sql/pglite"), START, WITHOUT_TEMPLATES]);
  empty ??= keptInCache(`embedded-${sha256(recipe).slice(0, 16)}.tar`, async () => {
    const created = await start();
    for (const statement of WITHOUT_TEMPLATES) await created.exec(statement);
    const directory = await created.dumpDataDir("none");
    await created.close();
    return directory;
  });
  return empty;
}

/** The embedded Postgres as a Session. It has only one session, so the caller must be its sole user. */
export function embeddedSession(db: PGlite): Session {
  return {
    async query<Row>(text: string, params: readonly unknown[] = []) {
      const result = await db.query<Row>(text, [...params]);
      return result.rows;
    },
    async exec(text: string) {
      await db.exec(text);
    },
    // It ends with its process, so no other worker can carry on.
    async together(statements) {
      const rows: Record<string, unknown>[][] = [];
      for (const [index, statement] of statements.entries())
        try {
          rows.push((await db.exec(statement))[0]?.rows ?? []);
        } catch (error) {
          throw new StatementFailed(index, error as Error);
        }
      return rows;
    },
  };
}
