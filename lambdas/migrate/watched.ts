import type { Ports } from "../shared/ports.ts";
import type { OpenSession } from "../shared/session.ts";
import { mustLeave } from "../shared/task.ts";
import { look, type Sight } from "./sight.ts";

/** A worker that only waits needs little time to answer and to let its session go. */
export const WORKER_MARGIN_MS = 5_000;

const LONGEST_PAUSE_MS = 2_000;

export interface Watch {
  ports: Ports;
  /** The session that the statement was sent on. */
  pid: number;
  /** Another session on the same database; none where there can be only one. */
  beside: OpenSession | undefined;
  /** When to look first. What is done by then is not looked at. */
  firstLookMs: number;
  onSight(sight: Sight, cancel: () => Promise<void>): void | Promise<void>;
}

/**
 * Waits for what was sent, and looks at it from beside meanwhile. Near its worker's end it is left alone: the server goes
 * on with it, and its session is of no further use.
 * @returns "left", or what was sent has resolved to
 */
export async function watched<T>(sent: Promise<T>, watch: Watch): Promise<T | "left"> {
  let ended = false;
  const end = sent.then(
    () => {
      ended = true;
    },
    () => {
      ended = true;
    },
  );
  const isEnded = () => ended;
  await within(end, watch.firstLookMs);
  // Where it cannot be looked at, it is waited for.
  if (!isEnded()) await lookOn(end, isEnded, watch);
  while (!isEnded()) {
    if (mustLeave(watch.ports, WORKER_MARGIN_MS)) return "left";
    await within(end, 250);
  }
  return await sent;
}

/** Looks again and again until it has ended, the worker must leave, or there is no way to look. */
async function lookOn(end: Promise<void>, isEnded: () => boolean, watch: Watch): Promise<void> {
  const { ports, pid, beside, firstLookMs, onSight } = watch;
  await beside?.(async (session) => {
    for (let pause = firstLookMs; !isEnded(); pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
      const sight = await look(session, pid);
      if (sight && !isEnded())
        await onSight(sight, async () => {
          await session.query("SELECT pg_cancel_backend($1)", [pid]);
        });
      if (mustLeave(ports, WORKER_MARGIN_MS)) return;
      await within(end, pause);
    }
    // A watch that fails says nothing of what it watched.
  }).catch(() => undefined);
}

/** Resolves with `end` or after so long, whichever comes first. */
async function within(end: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([end, late]);
  clearTimeout(timer);
}
