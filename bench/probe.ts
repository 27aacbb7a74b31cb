import { setTimeout as sleep } from "node:timers/promises";
import type { Session } from "../lambdas/shared/session.ts";
import type { Database } from "./harness.ts";

/** A statement that is sent repeatedly while other work runs. */
export interface Probe {
  name: string;
  tenant: string | undefined;
  /** "superuser" where the application may not look. */
  as: "application" | "superuser";
  sql: string;
}

export interface Watched {
  /** Milliseconds from sending to the answer. */
  latencies: number[];
  failed: number;
  firstFailure: string | undefined;
}

const WARM_UP_MS = 300;
/** Pause between two statements. Short, as shorter locks may be missed. */
const PAUSE_MS = 1;

/** Does the work while each probe runs in its own session. Returns how long each of their statements took. */
export async function watch<T>(
  database: Database,
  probes: readonly Probe[],
  work: () => Promise<T>,
): Promise<{ value: T; ms: number; watched: Map<string, Watched> }> {
  const watched = new Map(
    probes.map(({ name }) => [name, { latencies: [], failed: 0, firstFailure: undefined } as Watched]),
  );
  let state: "warming up" | "watching" | "over" = "warming up";
  const loops = probes.map((probe) =>
    inSession(database, probe, async (session) => {
      const seen = watched.get(probe.name) as Watched;
      while (state !== "over") {
        const began = performance.now();
        const inWork = state === "watching";
        try {
          await session.query(probe.sql);
        } catch (error) {
          if (inWork) {
            seen.failed++;
            seen.firstFailure ??= (error as Error).message;
          }
        }
        // A statement that was sent during the work and answered after it waited for the work.
        if (inWork) seen.latencies.push(performance.now() - began);
        await sleep(PAUSE_MS);
      }
    }),
  );
  await sleep(WARM_UP_MS);
  state = "watching";
  const began = performance.now();
  let ms: number;
  let value: T;
  try {
    value = await work();
    ms = performance.now() - began;
  } finally {
    state = "over";
    await Promise.all(loops);
  }
  return { value, ms, watched };
}

function inSession(
  database: Database,
  probe: Probe,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  return probe.as === "superuser" ? database.asSuperuser(work) : database.asApplication(probe.tenant, work);
}
