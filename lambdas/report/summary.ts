import { scopeInWords } from "../proof/scope.ts";
import { count, cutLines, duration, grouped, list, lockText, milliseconds, moment } from "../shared/text.ts";
import { predictedDowntime } from "./downtime.ts";
import { longestLocks } from "./migrations.ts";
import type { Report } from "./schema.ts";
import { causeAlone, verdictOf } from "./verdict.ts";
import { lossLines, lossTitle, restoredFrom, wayBackLines } from "./way-back.ts";

export interface Summary {
  title: string;
  lines: string[];
}

/** Returns the facts so far as short plain text, for gate pages, messages and the terminal. Empty parts are left out. */
export function summaryLines(report: Report): Summary[] {
  return [
    { title: "Run", lines: runLines(report) },
    { title: "Preflight", lines: preflightLines(report) },
    { title: "Rehearsal on staging", lines: rehearsalLines(report) },
    { title: "Production", lines: productionLines(report) },
    { title: "Benchmarks", lines: benchmarkLines(report) },
    { title: "Time", lines: [...timeLines(report), ...wayBackLines(report)] },
    ...(report.loss ? [{ title: lossTitle(report.loss), lines: lossLines(report) }] : []),
    { title: "Gates", lines: gateLines(report) },
    { title: "Watch", lines: watchLines(report) },
    { title: "Left to do", lines: report.leftToDo },
  ]
    .filter(({ lines }) => lines.length > 0)
    .map(({ title, lines }) => ({ title, lines: cutLines(lines) }));
}

function runLines(report: Report): string[] {
  const { end, request, plan, cause, criteria } = report;
  const { title, meaning } = verdictOf(report);
  return [
    `${title}: ${meaning}`,
    ...(cause === null ? [] : [causeAlone(cause, end)]),
    plan.checksum === "" ? plan.title : `Plan ${plan.title} (${plan.name}, ${plan.checksum.slice(0, 12)})`,
    ...(request ? [`Database ${databaseText(request)}`, ...copyLines(request)] : []),
    ...(end === "running" || end === "Refused" ? [] : [criteriaText(criteria)]),
  ];
}

/** Returns a text such as `13 of 13 success criteria met`. */
export function criteriaText(criteria: Report["criteria"]): string {
  return `${criteria.filter(({ status }) => status === "met").length} of ${criteria.length} success criteria met`;
}

/** Returns the name of the database, and whether it is a copy. */
export function databaseText({ database, instance, copyOf }: NonNullable<Report["request"]>): string {
  if (copyOf === undefined) return `${database} on ${instance}`;
  return copyOf === null ? "embedded, made from the plan's baseline" : `${instance}, a copy of ${copyOf}`;
}

/** Returns how the database was copied, and what a copy of this kind cannot show. */
export function copyLines({ copies }: NonNullable<Report["request"]>): string[] {
  if (copies === undefined) return [];
  const what =
    copies.how === "dump"
      ? "Copied by pg_dump and pg_restore: a logical copy. It does not show bloat, the layout of files and rows, production's statistics (they were collected again), or the ages of row versions and transactions. Times on it tend to be shorter than on production."
      : "Copied by pg_basebackup: a physical copy on its own server, where subscriptions and pg_cron's jobs were stopped. Times on it are those of this machine, not of production's.";
  return [what, ...copies.notes];
}

function preflightLines({ preflight }: Report): string[] {
  if (!preflight) return [];
  const of = (passed: boolean | null) => preflight.checks.filter((check) => check.passed === passed);
  const [unknown, failed] = [of(null), of(false)];
  return [
    `${count(of(true).length, "check")} passed${failed.length > 0 ? `, ${failed.length} failed` : ""}`,
    ...failed.map(({ name, expected, seen }) => `${name}: expected ${expected}, seen ${seen}`),
    ...(unknown.length > 0
      ? [`For you to check: ${unknown.map(({ name, seen }) => `${name} (${seen})`).join(", ")}`]
      : []),
  ];
}

function rehearsalLines({ staging, migrations, snapshots }: Report): string[] {
  const cloned = snapshots.some(({ purpose, clone }) => purpose === "rehearsal" && clone);
  const what = cloned ? "clone" : "restored backup";
  const { verified, rollbackTested } = staging;
  const tested = rollbackTested !== "not yet" || staging.completedAt !== null;
  return [
    ...(verified
      ? [
          verified.equal
            ? `The ${what} equals production: ${grouped(verified.rows)} rows in ${count(verified.tables, "table")} were read${cloned ? ". This did not test a backup" : ""}`
            : `The ${what} differs from production: ${verified.differences[0] ?? "see the evidence"}`,
        ]
      : []),
    ...migrations.flatMap((migration) => [
      ...sideLine(migration, "staging"),
      ...(migration.changes ? [`${migration.version} ${migration.changes.text}`] : []),
    ]),
    ...(tested
      ? [
          `Rollback tested: ${rollbackTested === "success" ? "success, proven back each time" : rollbackTested}`,
        ]
      : []),
    ...(verified || tested
      ? [`Issues: ${staging.issues.length === 0 ? "none" : staging.issues.join("; ")}`]
      : []),
  ];
}

function productionLines({ migrations, proofs, rollback, restore }: Report): string[] {
  return [
    ...migrations.flatMap((migration) => sideLine(migration, "production")),
    ...proofs
      .filter(({ name }) => name.startsWith("production-"))
      .map(({ title, equal, tables, differences, left = [], scope }) => {
        const agreed = tables.filter((table) => table.agreed !== null).length;
        const compared = tables.filter(({ rowsBefore }) => rowsBefore !== null).length - agreed;
        const changed = agreed === 0 ? "" : `, ${agreed} changed as the rehearsal showed`;
        return equal
          ? `${title}: ${count(compared, "table")} equal${changed}${left.length > 0 ? `, except ${list(left)}` : ""}${scope ? `. ${scopeInWords(scope)}` : ""}`
          : `${title}: ${differences[0] ?? "differs"}`;
      }),
    ...(rollback?.seconds != null
      ? [
          `Rolled back and proven in ${duration(rollback.seconds)}; the plan allows ${duration(rollback.sloSeconds)}`,
        ]
      : []),
    ...(restore ? [`Restored ${restoredFrom(restore)}; the former production is ${restore.aside}`] : []),
  ];
}

function sideLine(migration: Report["migrations"][number], target: "staging" | "production"): string[] {
  const { passes, checks } = migration[target];
  const applied = passes.findLast(({ direction }) => direction === "migrate");
  const rolledBack = passes.findLast(({ direction }) => direction === "rollback");
  const results = checks.at(-1)?.results ?? [];
  const failed = results.filter(({ passed }) => !passed).map(({ name }) => `'${name}'`);
  const gaveWay = (applied?.steps ?? []).reduce((sum, step) => sum + step.gaveWay, 0);
  const [longest] = longestLocks(applied?.steps ?? []);
  const parts = [
    ...(applied ? [`applied in ${duration(applied.seconds)}`] : []),
    ...(gaveWay > 0 ? [`gave way to locks ${count(gaveWay, "time")}`] : []),
    ...(longest ? [`longest lock ${lockText(longest)}`] : []),
    ...(results.length > 0
      ? [
          failed.length > 0
            ? `failed ${list(cutLines(failed, 10, 200))}`
            : `${count(results.length, "check")} passed`,
        ]
      : []),
    ...(rolledBack ? [`rolled back in ${duration(rolledBack.seconds)}`] : []),
  ];
  return parts.length === 0 ? [] : [`${migration.version} ${migration.title}: ${parts.join(", ")}`];
}

function watchLines({ watch }: Report): string[] {
  if (!watch || watch.at === null) return [];
  const { schedule } = watch;
  return [
    ...watch.metrics.map(({ title, first, note, staging, standing, target, alert, runbook }) => {
      const stands = {
        target: `within its target of ${target}`,
        between: `misses its target of ${target}`,
        alert: `ALERT at ${alert}: see ${runbook}`,
        unknown: `target ${target}`,
      }[standing];
      const rehearsed = first === "not measured" && staging !== null ? `; on staging ${staging}` : "";
      return `${title}: ${first}${note === null ? "" : ` (${note}${rehearsed})`}, ${stands}`;
    }),
    ...(schedule
      ? [
          `Read every ${schedule.everyMinutes} minutes until ${moment(schedule.until)}, then every ${schedule.thenEveryMinutes} until ${moment(schedule.ends)}`,
        ]
      : []),
  ];
}

function benchmarkLines({ benchmarks }: Report): string[] {
  return benchmarks.flatMap(({ title, sloMs, staging, production }) => {
    const figure = (target: string, measured: typeof staging) => {
      if (!measured) return [];
      if (measured.p95Ms === null)
        return [`${target} not measured${measured.note ? ` (${measured.note})` : ""}`];
      return [`${target} ${milliseconds(measured.p95Ms)}${measured.passed === false ? ", too slow" : ""}`];
    };
    const figures = [...figure("production", production), ...figure("staging", staging)];
    return figures.length === 0 ? [] : [`${title}, p95 within ${milliseconds(sloMs)}: ${figures.join("; ")}`];
  });
}

function timeLines({ timeline, downtime }: Report): string[] {
  const predicted = predictedDowntime(downtime);
  const waited = timeline.waitedSeconds > 0 ? `, including ${duration(timeline.waitedSeconds)} at gates` : "";
  return [
    `${duration(timeline.seconds)}${timeline.endedAt ? "" : " so far"}${waited}`,
    ...(downtime.seconds === null
      ? predicted === undefined
        ? []
        : [`Downtime ${predicted}, gates not counted`]
      : [
          `Downtime ${duration(downtime.seconds)}${downtime.waitedSeconds ? `, including ${duration(downtime.waitedSeconds)} at gates` : ""}${predicted === undefined ? "" : `; ${predicted}, gates not counted`}`,
        ]),
  ];
}

function gateLines({ gates }: Report): string[] {
  return gates.map(({ gate, decision, by, decidedAt, comment, expiresAt, withheld, objections }) => {
    if (!decision || !decidedAt) return `${gate}: not answered (until ${moment(expiresAt)})`;
    const after = objections
      .map((no) => `; after the Go a No-Go by ${no.by}, ${moment(no.at)}: "${no.comment}"`)
      .join("");
    const said = `${gate}: ${decision === "Go" ? "Go" : "No-Go"} by ${by}, ${moment(decidedAt)}`;
    return `${said}${comment ? `: "${comment}"` : ""}${withheld ? ` (did not take effect: ${withheld.join(" ")})` : ""}${after}`;
  });
}
