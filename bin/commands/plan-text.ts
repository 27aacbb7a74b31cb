import { checklistOf } from "../../lambdas/gate/task.ts";
import { type CompiledPlan, noticeText, RESTORE } from "../../lambdas/shared/plan.ts";
import { count, duration } from "../../lambdas/shared/text.ts";
import { thresholdText } from "../../lambdas/watch/thresholds.ts";
import { limitsText } from "../../lib/plan/limits.ts";
import { gateNames } from "../../local/terminal/phases.ts";

/**
 * Describes a plan for people.
 * @param databases how many databases a deployment of it has
 */
export function planText(plan: CompiledPlan, databases: number): string[] {
  const { schema, server, extensions, migrations, gates, benchmarks } = plan;
  return [
    `${plan.title} (${plan.name}, ${plan.checksum.slice(0, 12)})`,
    schema
      ? `  Starts from version ${schema.expectedVersion} in ${schema.table}${schema.tool === undefined ? "" : `, as ${schema.tool} has it`}, on PostgreSQL ${server.minimumVersion} or newer`
      : `  Starts from any version, and writes no version table of yours; on PostgreSQL ${server.minimumVersion} or newer`,
    ...(extensions.length === 0 ? [] : [`  Needs ${extensions.map(extensionText).join(", ")}`]),
    `  Roles kept out while it migrates: ${keptOut(plan)}`,
    ...section(
      "Read otherwise than written",
      (plan.notices ?? []).map((notice) => [noticeText(notice)]),
    ),
    ...section(
      "Migrations",
      migrations.map(({ version, title, migrate, validate, rollback, leaves, expectedMinutes }) => [
        version,
        title,
        [
          count(migrate.steps.length, "step"),
          validate.checks.length > 0 ? count(validate.checks.length, "check") : "compared with the rehearsal",
          rollback === RESTORE
            ? "the restore is the way back"
            : `${count(rollback.steps.length, "step")} back`,
          ...(leaves ? [`leaves ${leaves.join(" and ")}`] : []),
          ...(expectedMinutes === undefined ? [] : [`${duration(expectedMinutes * 60)} planned`]),
        ].join(", "),
      ]),
    ),
    ...section(
      "Gates",
      gateNames(plan).map((name) => {
        const version = /^after-(.*)$/.exec(name)?.[1];
        const kind = (version === undefined ? name : "after") as keyof typeof gates;
        const checklist = checklistOf(plan, kind, version ?? null);
        return [
          name,
          gates[kind].question.replaceAll("{version}", version ?? ""),
          `${checklist.length} to tick, ${duration(gates[kind].minutes * 60)} to answer`,
        ];
      }),
    ),
    ...section(
      "Benchmarks",
      benchmarks.map(({ name, title, sloMs }) => [name, title, `p95 within ${sloMs} ms`]),
    ),
    ...section(
      "Watched after a success",
      (plan.watch?.metrics ?? []).map(({ title, unit, target, alert }) => [
        title,
        `target ${thresholdText(target, unit)}`,
        `alert at ${thresholdText(alert, unit)}`,
      ]),
    ),
    "",
    ...limitsText(plan, { databases }),
    "No mistakes found.",
  ];
}

function keptOut({ applicationRoles, findRoles }: CompiledPlan): string {
  if (applicationRoles.length > 0) return applicationRoles.join(", ");
  return findRoles
    ? "those that preflight finds and the first gate shows, as applicationRoles is not given"
    : "none: applicationRoles is empty, so every role that may connect can still write";
}

function extensionText({ name, minimumVersion }: CompiledPlan["extensions"][number]): string {
  return minimumVersion === undefined ? name : `${name} ${minimumVersion} or newer`;
}

/** A title, and rows in columns below it. */
function section(title: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ");
  return ["", title, ...rows.map((row) => `  ${line(row).trimEnd()}`)];
}
