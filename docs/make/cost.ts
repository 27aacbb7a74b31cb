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

/** What takes RDS its time with a database of some 100 GiB, in minutes: the machine looks at it again and again. */
const RDS_MINUTES: Readonly<Record<string, number>> = {
  "Snapshot production": 10,
  "Restore staging": 25,
  "Delete staging": 10,
};

/** Seconds that a call takes which has nothing to wait for, its start included. */
const SHORT_CALL_SECONDS = 2;

/** How often a loop is gone through again while something takes so long. */
export function rounds(minutes: number): number {
  let count = 0;
  for (let now = 0; now < minutes * 60_000; count++) now += waitSeconds(0, now) * 1_000;
  return count;
}

/** What a full run costs, with the arithmetic, as Markdown. */
export function costText({ entered: states, called: tasks }: UsualRun, plan: CompiledPlan): string {
  const waited = Object.entries(RDS_MINUTES).filter(([state]) => states.includes(state));
  const again = waited.reduce((sum, [, minutes]) => sum + rounds(minutes), 0);
  // Task, choice and wait.
  const transitions = states.length + 3 * again;
  const calls = tasks.length + again;

  const minutes = plan.migrations.reduce((sum, { expectedMinutes = 0 }) => sum + expectedMinutes, 0);
  // Twice on staging, once on production.
  const working = 3 * minutes * 60;
  const gib = CAPABILITIES.migrate.memoryMiB / 1024;
  const gibSeconds = Math.round((working + calls * SHORT_CALL_SECONDS) * gib);
  const lambda = gibSeconds * PRICE.lambdaGibSecond + calls * PRICE.lambdaCall;
  return `| what | how much | US dollars |
|---|---|---|
| states that a run enters from "Start" to "Succeeded", gates answered at once | ${states.length} | |
| rounds of waiting for RDS: ${waited.map(([state, time]) => `${state}, ${time} min: ${rounds(time)}`).join("; ")} | ${again} rounds of 3 states | |
| **state transitions** | ${states.length} + 3 × ${again} = **${transitions}** | ${transitions} × ${PRICE.transition.toFixed(6)} = ${money(transitions * PRICE.transition)} |
| calls of functions: one for each task, one for each round | ${tasks.length} + ${again} = ${calls} | ${calls} × ${PRICE.lambdaCall.toFixed(7)} = ${money(calls * PRICE.lambdaCall)} |
| their time: ${SHORT_CALL_SECONDS} s a call, and the migrations as long as they are planned (${minutes} min), twice on staging and once on production, with ${gib} GiB | (${calls} × ${SHORT_CALL_SECONDS} + 3 × ${minutes} × 60) s × ${gib} = ${gibSeconds} GiB-s | ${gibSeconds} × ${PRICE.lambdaGibSecond} = ${money(gibSeconds * PRICE.lambdaGibSecond)} |
| **Step Functions and Lambda** | | **${money(transitions * PRICE.transition + lambda)}** |
`;
}

/** Days that a watch reads: one of them often, seven hourly. Metrics are paid for by the hour. */
const WATCH_DAYS = 8;
const DAYS_OF_A_MONTH = 30;

/** What the stack costs when no run is on, as Markdown. */
export function idleText({ Resources }: Template): string {
  const all = Object.values(Resources);
  const of = (type: string) => all.filter(({ Type }) => Type === type);
  const keys = of("AWS::KMS::Key").length;
  const alarms = of("AWS::CloudWatch::Alarm");
  const month = keys * PRICE.keyMonth + alarms.length * PRICE.alarmMonth;
  const metrics = alarms.filter(({ Properties }) => Properties.Namespace === METRICS.namespace).length;
  const watch = (metrics * PRICE.metricMonth * WATCH_DAYS) / DAYS_OF_A_MONTH;
  const told = [
    `Between runs the stack costs its ${keys} KMS keys and ${alarms.length} alarms, about $${money(month)} a month.`,
    ...of("AWS::CloudWatch::Dashboard").map(
      () =>
        `Its dashboard is free in an account with fewer than three others, and $${money(PRICE.dashboardMonth)} a month in another.`,
    ),
    `The ${metrics} metrics of a watch come to $${money(watch)} for its ${WATCH_DAYS} days.`,
    "Where the settings ask for them there are three interface endpoints in each zone.",
  ];
  return `${told.join(" ")}\n`;
}

function money(dollars: number): string {
  return dollars < 0.005 ? "less than 0.01" : dollars.toFixed(2);
}
