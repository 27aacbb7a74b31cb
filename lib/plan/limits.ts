import { type CompiledPlan, restoreOnlyFrom } from "../../lambdas/shared/plan.ts";
import { documentOf } from "../../lambdas/shared/plan-document.ts";
import { count } from "../../lambdas/shared/text.ts";

/** Step Functions ends an execution with a longer history, and no Catch leads back from that. */
export const MOST_EVENTS = 25_000;

/** Events kept free for the unforeseen: tasks that are tried again, gates that open again. */
const RESERVE = 2_500;

/**
 * The longest history of a run where everything goes as planned and then all of it goes back, from the last gate, by
 * rollbacks and then also by the restore. A test compares these numbers with the machine itself.
 */
export const EVENTS = {
  /** What a run does once, and waiting for RDS: snapshots, staging, the restore. */
  once: 2_500,
  /** For each migration: applied twice and rolled back on staging, applied and rolled back on production. */
  migration: 65,
  /** Where the rehearsal includes the restore: waiting for a second copy, and applying each migration once more. */
  restore: { once: 600, migration: 16 },
  /** For each migration with a gate after it. */
  gate: 37,
  /** For each further worker, where one does not live long enough. */
  worker: 11,
} as const;

/** Minutes that a worker lives at most. */
const WORKER_MINUTES = 15;
/** How often a migration's steps run: four times forward and three times back on staging, once each on production. */
const TIMES = 9;

/**
 * The largest plan document. Each function holds it in memory, as text and as parsed; the smallest functions have
 * 256 MiB.
 */
export const MOST_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** Largest input or output of a state. Step Functions ends an execution that exceeds it, and no Catch leads back. */
export const MOST_STATE_BYTES = 262_144;

/**
 * A state's input without names from the plan: the run's own data, and the causes that the machine caught. A cause has
 * at most 2,000 characters. There may be one in `$.failure`, one for each of seven tasks that closed the run, one for each
 * gate that nobody answered, and the last one. In JSON within JSON a character may become seven.
 */
const STATE_BYTES = 4_000 + 10 * 2_000 * 7;

/** How often a state has a migration's version and title: the next, the current one, and a task's own input. */
const TITLES = 3;

/** Largest template that CloudFormation takes. */
export const MOST_TEMPLATE_BYTES = 1_000_000;

/**
 * The template's size: a part for every plan and any number of databases, a part for each database, and a part for each
 * metric of each database. A test compares these numbers with the template itself.
 */
const TEMPLATE = { once: 475_000, database: 17_000, metric: 1_900, letters: 6 } as const;

export interface PlanLimits {
  /** Most events in a run's history. */
  events: number;
  /** Size of the plan's document. */
  bytes: number;
  /** Size of a state's largest input. */
  stateBytes: number;
}

/** Estimated bytes of the template that deploys a plan for so many databases. */
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

/** Why no run of this plan could end well, in sentences; empty if one could. */
export function limitProblems(plan: CompiledPlan): string[] {
  const { events, bytes, stateBytes } = limitsOf(plan);
  const problems: string[] = [];
  const { migrations } = plan;
  if (events > MOST_EVENTS - RESERVE)
    problems.push(
      `The plan is too long for one run: with ${count(migrations.length, "migration")} its history may have ${events} events. Step Functions ends an execution after ${MOST_EVENTS}, and ${RESERVE} of them are kept for retries. Split it into several plans, and use fewer gates (gates.after).`,
    );
  if (bytes > MOST_DOCUMENT_BYTES)
    problems.push(
      `The plan is too large: compiled it has ${megabytes(bytes)}, and the limit is ${megabytes(MOST_DOCUMENT_BYTES)}. Split it into several plans, or load large data by other means.`,
    );
  if (stateBytes > MOST_STATE_BYTES)
    problems.push(
      `A migration's title is too long: with it a state's input may have ${stateBytes} bytes, and the limit of Step Functions is ${MOST_STATE_BYTES}. Shorten the title.`,
    );
  return problems;
}

/**
 * Lines that show how near a plan is to the limits of a run and of a deployment.
 * @param templateBytes size of the template, if known; otherwise it is estimated
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

/** Length as JSON, without the quotation marks. */
function bytesOf(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

function kilobytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KB`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
