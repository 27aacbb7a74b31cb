import { type CompiledPlan, restoreOnlyFrom } from "../../lambdas/shared/plan.ts";
import { documentOf } from "../../lambdas/shared/plan-document.ts";
import { count } from "../../lambdas/shared/text.ts";

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
  /** Where the restore is rehearsed as the way back: waiting for one more copy, and applying each once more. */
  restore: { once: 600, migration: 16 },
  /** Of each that people are asked about. */
  gate: 37,
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

/** What a state's input or output may have; Step Functions ends an execution that passes it, and no Catch leads back. */
export const MOST_STATE_BYTES = 262_144;

/**
 * Of what a state is given beside names out of the plan: the run's own, and what the machine caught. A cause has 2,000
 * characters at most; there may be one in `$.failure`, one for each of seven tasks that closed the run, one for each gate
 * that nobody answered, and the last one; as JSON in JSON a character may become seven.
 */
const STATE_BYTES = 4_000 + 10 * 2_000 * 7;

/** How often a migration's version and title stand in a state: what comes next, what is worked on, and a task's own input. */
const TITLES = 3;

/** What CloudFormation takes of a template. */
export const MOST_TEMPLATE_BYTES = 1_000_000;

/**
 * Of the template: what is there for every plan and any number of databases, what each database adds by itself, and what
 * it adds for each metric that the plan watches. A test holds these numbers against the template itself.
 */
const TEMPLATE = { once: 475_000, database: 17_000, metric: 1_900, letters: 6 } as const;

export interface PlanLimits {
  /** That a run's history may come to. */
  events: number;
  /** Of the plan's document. */
  bytes: number;
  /** That a state's input may come to. */
  stateBytes: number;
}

/** Bytes that the template has, about, which deploys that plan for so many databases. */
export function templateBytesOf({ watch }: CompiledPlan, databases: number): number {
  const metrics = (watch?.metrics ?? []).map(
    ({ title, unit }) => TEMPLATE.metric + TEMPLATE.letters * bytesOf(title + unit),
  );
  return TEMPLATE.once + databases * (TEMPLATE.database + metrics.reduce((sum, each) => sum + each, 0));
}

export function limitsOf(plan: CompiledPlan): PlanLimits {
  const { length } = plan.migrations;
  const restores = restoreOnlyFrom(plan) !== undefined;
  const asked = plan.migrations.filter(({ unasked }) => !unasked).length;
  const workers = plan.migrations.reduce(
    (sum, { expectedMinutes = 0 }) =>
      sum + (restores ? TIMES + 1 : TIMES) * Math.floor(expectedMinutes / WORKER_MINUTES),
    0,
  );
  return {
    events:
      EVENTS.once +
      EVENTS.migration * length +
      (restores ? EVENTS.restore.once + EVENTS.restore.migration * length : 0) +
      EVENTS.gate * asked +
      EVENTS.worker * workers,
    bytes: Buffer.byteLength(documentOf(plan)),
    stateBytes:
      STATE_BYTES +
      TITLES * Math.max(0, ...plan.migrations.map(({ version, title }) => bytesOf(version) + bytesOf(title))),
  };
}

/** Why no run could end well with this plan; empty: one could. A sentence each, the same wherever a plan is looked at. */
export function limitProblems(plan: CompiledPlan): string[] {
  const { events, bytes, stateBytes } = limitsOf(plan);
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
  if (stateBytes > MOST_STATE_BYTES)
    problems.push(
      `A migration's title is too long: with it a state's input may come to ${stateBytes} bytes, and Step Functions takes ${MOST_STATE_BYTES}. Give it a shorter title.`,
    );
  return problems;
}

/**
 * How near the plan comes to what a run and a deployment may have: the same lines wherever a plan is looked at.
 * @param templateBytes of the template, where it is at hand; otherwise it is estimated
 */
export function limitsText(
  plan: CompiledPlan,
  { databases, templateBytes }: { databases: number; templateBytes?: number },
): string[] {
  const { events, bytes, stateBytes } = limitsOf(plan);
  const template = templateBytes ?? templateBytesOf(plan, databases);
  return [
    `Up to ${events} of ${MOST_EVENTS} events in a run's history; ${kilobytes(bytes)} compiled, of ${kilobytes(MOST_DOCUMENT_BYTES)}.`,
    `Up to ${kilobytes(stateBytes)} in a state's input, of ${kilobytes(MOST_STATE_BYTES)}; deployed for ${count(databases, "database")} a template of ${templateBytes === undefined ? "about " : ""}${kilobytes(template)}, of ${kilobytes(MOST_TEMPLATE_BYTES)}.`,
  ];
}

/** As JSON, without the quotation marks. */
function bytesOf(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

function kilobytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KB`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
