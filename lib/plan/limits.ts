import { count } from "../../lambdas/report/words.ts";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { documentOf } from "../../lambdas/shared/plan-document.ts";

/** Step Functions ends an execution whose history has more events, and no Catch leads back from that. */
export const MOST_EVENTS = 25_000;

/** Of those, what is kept free for what cannot be foreseen: tasks that are tried again, gates that are asked again. */
const RESERVE = 2_500;

/**
 * What a run's history holds at most where everything goes as planned and then all of it goes back, from the last gate,
 * and by the restore too. A test holds these numbers against the machine itself.
 */
export const EVENTS = {
  /** All that a run does once, and waiting for RDS: snapshots, staging, the restore. */
  once: 2_500,
  /** Of each migration: applied twice and rolled back on staging, applied and rolled back on production. */
  migration: 65,
  /** Of each that people are asked about. */
  gate: 40,
  /** Of one more worker, where one does not live long enough. */
  worker: 11,
} as const;

/** Minutes that a worker lives. */
const WORKER_MINUTES = 15;
/** How often a migration's steps are run: four times forth and three times back on staging, once each on production. */
const TIMES = 9;

/**
 * Largest document: each function holds it in its memory, the smallest of which have 256 MiB, as text and as what is
 * read from it.
 */
export const MOST_DOCUMENT_BYTES = 16 * 1024 * 1024;

export interface PlanLimits {
  /** That a run's history may come to. */
  events: number;
  /** Of the plan's document. */
  bytes: number;
}

export function limitsOf(plan: CompiledPlan): PlanLimits {
  const asked = plan.migrations.filter(({ unasked }) => !unasked).length;
  const workers = plan.migrations.reduce(
    (sum, { expectedMinutes = 0 }) => sum + TIMES * Math.floor(expectedMinutes / WORKER_MINUTES),
    0,
  );
  return {
    events:
      EVENTS.once + EVENTS.migration * plan.migrations.length + EVENTS.gate * asked + EVENTS.worker * workers,
    bytes: Buffer.byteLength(documentOf(plan)),
  };
}

/** Why no run could end well with this plan; empty: one could. A sentence each, the same wherever a plan is looked at. */
export function limitProblems(plan: CompiledPlan): string[] {
  const { events, bytes } = limitsOf(plan);
  const problems: string[] = [];
  const { migrations } = plan;
  if (events > MOST_EVENTS - RESERVE)
    problems.push(
      `The plan is too long for one run: with ${count(migrations.length, "migration")} its history may come to ${events} events, and Step Functions ends an execution after ${MOST_EVENTS}; ${RESERVE} of them are kept for what has to be tried again. Make several plans of it, and ask at fewer gates (gates.after).`,
    );
  if (bytes > MOST_DOCUMENT_BYTES)
    problems.push(
      `The plan is too large: compiled it has ${megabytes(bytes)}, and may have ${megabytes(MOST_DOCUMENT_BYTES)}. Make several plans of it, or load large data by other means.`,
    );
  return problems;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
