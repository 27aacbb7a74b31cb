import { randomUUID } from "node:crypto";
import type { Session } from "../../lambdas/shared/session.ts";
import { identifier } from "../../lambdas/shared/sql-text.ts";
import type { Environment } from "../environments.ts";

/** A copy of a database that can be put back to a moment as often as it takes. */
export interface Copy {
  /** As the role that the plan's steps are done as. */
  withSession<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** As the role that logs in, which may read every row. */
  reading<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** From now on `renew` goes back to this moment. */
  keep(): Promise<void>;
  renew(): Promise<void>;
  /** Takes away what `keep` made; the rest is the world's. */
  forget(): Promise<void>;
}

/** It was asked to stop: by Ctrl-C, or a terminal that closed. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/**
 * Production of a local run, which is a copy itself.
 * @param runAs the role that the plan's steps are done as, where it is not the one that logs in
 * @param stopped whether to stop before the next piece of work, with Stopped
 */
export function copyIn(
  { instances, databases, instance, database }: Environment,
  runAs?: string,
  stopped: () => boolean = () => false,
): Copy {
  let kept: string | undefined;
  const reading: Copy["reading"] = async (work) => {
    if (stopped()) throw new Stopped();
    const endpoint = (await instances.describe(instance))?.endpoint ?? { host: instance, port: 0 };
    return await databases.withSession(endpoint, work, database);
  };
  return {
    reading,
    withSession: (work) =>
      reading(async (session) => {
        if (runAs !== undefined) await session.exec(`SET ROLE ${identifier(runAs)}`);
        return await work(session);
      }),
    async keep() {
      if (kept !== undefined) await instances.deleteSnapshot(kept);
      kept = `sluice-kept-${randomUUID().slice(0, 8)}`;
      await instances.startSnapshot(kept, instance, {});
    },
    async renew() {
      if (kept === undefined) throw new Error("There is no moment to go back to: call keep first");
      await instances.startDelete(instance);
      await instances.startRestore(kept, instance, {}, "staging", {});
    },
    async forget() {
      if (kept !== undefined) await instances.deleteSnapshot(kept);
      kept = undefined;
    },
  };
}
