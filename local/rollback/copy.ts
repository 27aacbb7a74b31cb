import { randomUUID } from "node:crypto";
import type { Session } from "../../lambdas/shared/session.ts";
import type { World } from "../worlds.ts";

/** A copy of a database that can be put back to a moment as often as it takes. */
export interface Copy {
  withSession<T>(work: (session: Session) => Promise<T>): Promise<T>;
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
 * @param stopped whether to stop before the next piece of work, with Stopped
 */
export function copyIn(
  { fleet, databases, instance, database }: World,
  stopped: () => boolean = () => false,
): Copy {
  let kept: string | undefined;
  return {
    async withSession(work) {
      if (stopped()) throw new Stopped();
      const endpoint = (await fleet.describe(instance))?.endpoint ?? { host: instance, port: 0 };
      return await databases.withSession(endpoint, work, database);
    },
    async keep() {
      if (kept !== undefined) await fleet.deleteSnapshot(kept);
      kept = `sluice-kept-${randomUUID().slice(0, 8)}`;
      await fleet.startSnapshot(kept, instance, {});
    },
    async renew() {
      if (kept === undefined) throw new Error("There is no moment to go back to: call keep first");
      await fleet.startDelete(instance);
      await fleet.startRestore(kept, instance, {}, "staging", {});
    },
    async forget() {
      if (kept !== undefined) await fleet.deleteSnapshot(kept);
      kept = undefined;
    },
  };
}
