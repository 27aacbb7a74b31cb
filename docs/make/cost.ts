import { METRICS } from "../../lambdas/shared/names.ts";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { waitSeconds } from "../../lambdas/shared/task.ts";
import { CAPABILITIES } from "../../lib/functions/specs.ts";
import type { Template } from "../../local/definition.ts";
import type { UsualRun } from "./usual-run.ts";

/** List prices in us-east-1 in US dollars, as of November 2026. */
const PRICE = {
  transition: 0.025 / 1_000,
  lambdaGibSecond: 0.0000133334,
  lambdaCall: 0.2 / 1_000_000,
  keyMonth: 1,
  alarmMonth: 0.1,
  dashboardMonth: 3,
  metricMonth: 0.3,
};

/** Minutes that RDS takes for a database of about 100 GiB. The machine polls these states. */
const RDS_MINUTES: Readonly<Record<string, number>> = {
  "Snapshot production": 10,
  "Restore staging": 25,
  "Delete staging": 10,
};

/** Seconds of a call that waits for nothing, its start included. */
const SHORT_CALL_SECONDS = 2;

/** Returns how many times a polling loop repeats while something takes that long. */
export function rounds(minutes: number): number {
  let count = 0;
  for (let now = 0; now < minutes * 60_000; count++) now += waitSeconds(0, now) * 1_000;
  return count;
}

/** Returns the cost of a full run with its arithmetic, as a Markdown table. */
export function costText({ entered: states, called: tasks }: UsualRun, plan: CompiledPlan): string {
  const waited = Object.entries(RDS_MINUTES).filter(([state]) => states.includes(state));
  const again = waited.reduce((sum, [, minutes]) => sum + rounds(minutes), 0);
  // Each round enters three states: task, choice and wait.
  const transitions = states.length + 3 * again;
  const calls = tasks.length + again;

  const minutes = plan.migrations.reduce((sum, { expectedMinutes = 0 }) => sum + expectedMinutes, 0);
  // Staging applies each migration twice, production once.
  const working = 3 * minutes * 60;
  const gib = CAPABILITIES.migrate.memoryMiB / 1024;
  const gibSeconds = Math.round((working + calls * SHORT_CALL_SECONDS) * gib);
  const lambda = gibSeconds * PRICE.lambdaGibSecond + calls * PRICE.lambdaCall;
  return `| item | amount | US dollars |
|---|---|---|
| states from "Start" to "Succeeded", gates answered at once | ${states.length} | |
| polling rounds for RDS: ${waited.map(([state, time]) => `${state}, ${time} min: ${rounds(time)}`).join("; ")} | ${again} rounds of 3 states | |
| **state transitions** | ${states.length} + 3 × ${again} = **${transitions}** | ${transitions} × ${PRICE.transition.toFixed(6)} = ${money(transitions * PRICE.transition)} |
| function calls: one for each task, one for each round | ${tasks.length} + ${again} = ${calls} | ${calls} × ${PRICE.lambdaCall.toFixed(7)} = ${money(calls * PRICE.lambdaCall)} |
| function time at ${gib} GiB: ${SHORT_CALL_SECONDS} s for each call, and the planned time of the migrations (${minutes} min) three times: twice on staging, once on production | (${calls} × ${SHORT_CALL_SECONDS} + 3 × ${minutes} × 60) s × ${gib} = ${gibSeconds} GiB-s | ${gibSeconds} × ${PRICE.lambdaGibSecond} = ${money(gibSeconds * PRICE.lambdaGibSecond)} |
| **Step Functions and Lambda** | | **${money(transitions * PRICE.transition + lambda)}** |
`;
}

/** Days that a watch reads: one day every five minutes, seven days hourly. AWS charges for metrics by the hour. */
const WATCH_DAYS = 8;
const DAYS_OF_A_MONTH = 30;

/** Returns the cost of the stack between runs, as Markdown. */
export function idleText({ Resources }: Template): string {
  const all = Object.values(Resources);
  const of = (type: string) => all.filter(({ Type }) => Type === type);
  const keys = of("AWS::KMS::Key").length;
  const alarms = of("AWS::CloudWatch::Alarm");
  const month = keys * PRICE.keyMonth + alarms.length * PRICE.alarmMonth;
  const metrics = alarms.filter(({ Properties }) => Properties.Namespace === METRICS.namespace).length;
  const watch = (metrics * PRICE.metricMonth * WATCH_DAYS) / DAYS_OF_A_MONTH;
  const sentences = [
    `Between runs the stack costs about $${money(month)} a month: ${keys} KMS keys and ${alarms.length} alarms.`,
    ...of("AWS::CloudWatch::Dashboard").map(
      () =>
        `The dashboard is free in an account with fewer than three other dashboards. Otherwise it costs $${money(PRICE.dashboardMonth)} a month.`,
    ),
    `The ${metrics} metrics of a watch cost $${money(watch)} for its ${WATCH_DAYS} days.`,
    "With the setting `network.endpoints` the stack also has three interface endpoints in each zone.",
  ];
  return `${sentences.join(" ")}\n`;
}

function money(dollars: number): string {
  return dollars < 0.005 ? "less than 0.01" : dollars.toFixed(2);
}
