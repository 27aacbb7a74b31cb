import { randomUUID } from "node:crypto";
import type { Session } from "../../lambdas/shared/session.ts";
import { identifier } from "../../lambdas/shared/sql-text.ts";
import type { Environment } from "../environments.ts";

/** A copy of a database that can be reset to a moment any number of times. */
export interface Copy {
  /** As the role that runs the plan's steps. */
  withSession<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** As the login role, which may read every row. */
  reading<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Makes this the moment that `renew` goes back to. */
  keep(): Promise<void>;
  renew(): Promise<void>;
  /** Removes what `keep` made; the database itself has another owner. */
  forget(): Promise<void>;
}

/** A person stopped the command: by Ctrl-C, or by closing the terminal. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/**
 * Production of a local run, which is itself a copy.
 * @param runAs the role that runs the plan's steps, if it is not the login role
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
