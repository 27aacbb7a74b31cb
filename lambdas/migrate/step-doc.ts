import type { HeldLockDoc, StepDoc, WaitDoc } from "../shared/documents.ts";
import type { SqlFile, Step } from "../shared/plan.ts";
import type { StepRow, Wait } from "./ledger.ts";
import { placeOf } from "./statement-error.ts";

/** A step that is done, as the evidence has it. */
export function stepDoc(file: SqlFile, row: StepRow): StepDoc {
  const endedAt = row.endedAt ?? row.startedAt;
  const step = file.steps[row.ordinal] as Step;
  return {
    name: row.name,
    at: placeOf(file, step),
    startedAt: row.startedAt.toISOString(),
    seconds: secondsBetween(row.startedAt, endedAt),
    gaveWay: row.gaveWay,
    rows: row.rows,
    walBytes: row.walBytes,
    sizeBytes: row.sizeBytes,
    locks: heldLocks(row.locks, endedAt),
    waits: row.waits.map(waitDoc),
    notes: row.notes,
    ...(row.rewrites.length > 0 ? { rewrites: { tables: row.rewrites, meant: step.rewrites === true } } : {}),
  };
}

/** Longest first. */
function heldLocks(locks: Readonly<Record<string, string>>, endedAt: Date): HeldLockDoc[] {
  return Object.entries(locks)
    .map(([lock, since]) => {
      const space = lock.lastIndexOf(" ");
      return {
        relation: lock.slice(0, space),
        mode: lock.slice(space + 1),
        seconds: secondsBetween(new Date(since), endedAt),
      };
    })
    .sort((a, b) => b.seconds - a.seconds);
}

function waitDoc({ at, relation, mode, seconds, blockers }: Wait): WaitDoc {
  return {
    at: new Date(at).toISOString(),
    relation,
    mode,
    seconds,
    blockers: blockers.map(({ pid, user, queryStart }) => ({ pid, user, queryStart })),
  };
}

function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, to.getTime() - from.getTime()) / 1000;
}
