import * as z from "zod";
import type { MigrationReport, Report } from "../lambdas/report/schema.ts";
import { bytes as bytesText, duration, oneLine, visible } from "../lambdas/shared/text.ts";

const figuresOfOne = z.strictObject({
  version: z.string(),
  title: z.string(),
  seconds: z.number().nullable(),
  lock: z.strictObject({ relation: z.string(), mode: z.string(), seconds: z.number() }).nullable(),
  rows: z.number().nullable(),
  bytes: z.number().nullable(),
  changes: z.string().nullable(),
  wayBack: z.string(),
});

type MigrationFigures = z.infer<typeof figuresOfOne>;

const figuresSchema = z.strictObject({ end: z.string(), migrations: z.array(figuresOfOne) });

/** The figures that are compared between pushes. */
export type Figures = z.infer<typeof figuresSchema>;

export function figuresOf({ end, migrations, staging }: Report): Figures {
  return {
    end,
    migrations: migrations.map((migration) => figuresOfMigration(migration, staging.rollbacks)),
  };
}

function figuresOfMigration(
  { version, title, staging, changes, wayBack }: MigrationReport,
  rollbacks: Report["staging"]["rollbacks"],
): MigrationFigures {
  const applied = staging.passes.find(({ direction }) => direction === "migrate");
  const back = staging.passes.find(({ direction }) => direction === "rollback");
  const steps = applied?.steps ?? [];
  const [lock = null] = steps.flatMap(({ locks }) => locks).sort((a, b) => b.seconds - a.seconds);
  const proven = rollbacks.find((one) => one.version === version)?.equal ?? null;
  return {
    version,
    title,
    seconds: applied?.seconds ?? null,
    lock,
    rows: sum(steps.map(({ rows }) => rows)),
    bytes: sum(steps.map(({ sizeBytes }) => sizeBytes)),
    changes: changes?.text ?? null,
    wayBack: wayBackText(wayBack, back?.seconds, proven),
  };
}

function wayBackText(
  wayBack: "restore" | undefined,
  seconds: number | undefined,
  proven: boolean | null,
): string {
  if (wayBack === "restore") return "the restore";
  if (seconds === undefined) return "not tried";
  const took = `rolled back in ${duration(seconds)}`;
  if (proven === null) return `${took}, not proven`;
  return proven ? `${took}, proven back` : `${took}, **not as before**`;
}

/** Sum of the measured values; null if there are none. */
function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}

/**
 * A rehearsal in GitHub's Markdown, for a pull request or elsewhere: what each migration took and did, its way back, the
 * gates, and what changed since an earlier rehearsal. Names from outside are shown as code, so that none of them becomes a
 * link, a mention or markup.
 */
export function markdownOf(report: Report, before?: Figures): string {
  const now = figuresOf(report);
  const { verdict, cause, plan } = report;
  const blocks = [
    `### Sluice: ${text(plan.title)}`,
    `**${text(verdict.title)}.** ${text(verdict.meaning)}`,
    ...(cause === null || report.end === "Succeeded" ? [] : [quote(cause)]),
    table(now),
    ...changesText(now),
    ...checksText(report),
    ...gatesText(report),
    ...(before ? [sinceText(before, now)] : []),
    hidden(now),
  ];
  return `${blocks.join("\n\n")}\n`;
}

const HIDDEN = /<!-- sluice-figures ([\w+/=]+) -->/;

/** Splits a text into its visible part and its hidden figures. */
export function figuresAsideOf(markdown: string): { shown: string; figures: string } {
  const [figures = ""] = HIDDEN.exec(markdown) ?? [];
  return { shown: markdown.replace(figures, ""), figures };
}

/** Adds an earlier text's figures to a text without figures, so that the next text has something to compare with. */
export function keepingFigures(markdown: string, before: Figures | undefined): string {
  return before === undefined || figuresIn(markdown) ? markdown : `${markdown}\n${hidden(before)}\n`;
}

/** The figures for the next comparison, in a comment that readers do not see and that no text from outside can end. */
function hidden(figures: Figures): string {
  return `<!-- sluice-figures ${Buffer.from(JSON.stringify(figures)).toString("base64")} -->`;
}

/** The figures in an earlier text; undefined if it has none, or if they are of another version of Sluice. */
export function figuresIn(markdown: string): Figures | undefined {
  const [, encoded] = HIDDEN.exec(markdown) ?? [];
  if (encoded === undefined) return undefined;
  try {
    return figuresSchema.parse(JSON.parse(Buffer.from(encoded, "base64").toString("utf8")));
  } catch {
    return undefined;
  }
}

/** The text for a plan with mistakes, which did not run. */
export function markdownOfMistakes(plan: string, mistakes: readonly string[]): string {
  const lines = mistakes.map((mistake) => `- ${text(mistake)}`);
  return [
    `### Sluice: ${code(plan)}`,
    "",
    "**The plan has mistakes. It was not run.**",
    "",
    ...lines,
    "",
  ].join("\n");
}

/**
 * The text for a run without a report.
 * @param why the reason, if known here
 */
export function markdownWithoutResult(plan: string, why?: string): string {
  const shown = why === undefined ? "The job's log shows why." : text(why);
  return `### Sluice: ${nameOf(plan)}\n\n**The rehearsal has no result.** It did not start, or it was interrupted. ${shown}\n`;
}

/** The text while a run is under way. */
export function markdownUnderWay(plan: string): string {
  return `### Sluice: ${nameOf(plan)}\n\n**The rehearsal is under way.** If the job has ended, it was interrupted.\n`;
}

const nameOf = (plan: string) => (plan === "" ? "migrations" : code(plan));

function table({ migrations }: Figures): string {
  return [
    "| migration | time | longest lock | rows changed | growth | way back |",
    "|---|---|---|---|---|---|",
    ...migrations.map((one) => `| ${cellsOf(one).join(" | ")} |`),
  ].join("\n");
}

function cellsOf({ version, title, seconds, lock, rows, bytes, wayBack }: MigrationFigures): string[] {
  return [
    `${code(version)} ${text(title)}`,
    seconds === null ? "not run" : duration(seconds),
    lock === null ? "none" : `${lock.mode} on ${code(lock.relation)}, ${duration(lock.seconds)}`,
    rows === null ? "not counted" : String(rows),
    bytes === null ? "not measured" : growthText(bytes),
    wayBack,
  ];
}

function growthText(bytes: number): string {
  return bytes < 0 ? `−${bytesText(-bytes)}` : bytesText(bytes);
}

function changesText({ migrations }: Figures): string[] {
  const lines = migrations.flatMap(({ version, changes }) =>
    changes === null ? [] : [`- ${code(version)} ${text(changes)}`],
  );
  return lines.length === 0 ? [] : [["**What happens to existing data**", "", ...lines].join("\n")];
}

/** Failed checks and proofs, and exceeded limits. */
function checksText({ migrations, proofs, benchmarks }: Report): string[] {
  const lines = [
    ...migrations.flatMap(({ staging, production }) =>
      [...staging.checks, ...production.checks].flatMap(({ results }) =>
        results
          .filter(({ passed }) => !passed)
          .map(
            ({ at, name, expected, seen }) =>
              `- ${code(at)} ${text(name)}: expected ${code(expected)}, found ${code(seen)}`,
          ),
      ),
    ),
    ...proofs
      .filter(({ equal }) => !equal)
      .flatMap(({ title, differences }) =>
        differences.slice(0, MOST).map((line) => `- ${text(title)}: ${code(line)}`),
      ),
    ...benchmarks.flatMap(({ title, sloMs, staging }) =>
      staging?.passed === false
        ? [`- ${text(title)}: p95 ${staging.p95Ms} ms, the limit is ${sloMs} ms`]
        : [],
    ),
  ];
  const once = [...new Set(lines)];
  return once.length === 0 ? [] : [["**What failed**", "", ...once].join("\n")];
}

const MOST = 20;

function gatesText({ gates }: Report): string[] {
  const asked = gates.filter(({ attempt, escalation }) => attempt === 1 && !escalation);
  if (asked.length === 0) return [];
  const lines = asked.flatMap(({ gate, question, checklist }) => [
    `- ${code(gate)} ${text(question)}`,
    ...checklist.map(({ item }) => `  - ${text(item)}`),
  ]);
  const list = ["<details><summary>The gates</summary>", "", ...lines, "", "</details>"];
  return [list.join("\n")];
}

function sinceText(before: Figures, now: Figures): string {
  const lines = changesSince(before, now);
  return [
    "**Since the last push that was rehearsed**",
    "",
    ...(lines.length === 0 ? ["- nothing that is shown here"] : lines),
  ].join("\n");
}

/** Times vary between runs: only times that doubled or halved, by more than a second, are shown. */
function changesSince(before: Figures, now: Figures): string[] {
  const was = new Map(before.migrations.map((one) => [one.version, one]));
  const is = new Map(now.migrations.map((one) => [one.version, one]));
  return [
    ...(before.end === now.end ? [] : [`- it ended ${text(before.end)}, and now ends ${text(now.end)}`]),
    ...before.migrations
      .filter(({ version }) => !is.has(version))
      .map(({ version }) => `- ${code(version)} is gone`),
    ...now.migrations.flatMap((one) => {
      const former = was.get(one.version);
      return former ? differences(former, one) : [`- ${code(one.version)} is new`];
    }),
  ];
}

function differences(before: MigrationFigures, now: MigrationFigures): string[] {
  // A migration that did not run has nothing to compare.
  if (now.seconds === null) return before.seconds === null ? [] : [`- ${code(now.version)} was not run`];
  if (before.seconds === null) return [`- ${code(now.version)} was run, unlike before`];
  const parts = [
    ...(before.changes === now.changes ? [] : ["changes data differently"]),
    ...(before.rows === now.rows
      ? []
      : [`changes ${now.rows ?? "an unknown number of"} rows, not ${before.rows ?? "an unknown number"}`]),
    ...timeText("takes", before.seconds, now.seconds),
    ...timeText("locks others out for", before.lock?.seconds ?? 0, now.lock?.seconds ?? 0),
    ...(kindOf(before.wayBack) === kindOf(now.wayBack) ? [] : [`way back: ${now.wayBack}`]),
  ];
  return parts.length === 0 ? [] : [`- ${code(now.version)} ${parts.join("; ")}`];
}

function timeText(what: string, before: number | null, now: number | null): string[] {
  if (before === null || now === null) return [];
  const much = Math.abs(now - before) > 1 && (now > 2 * before || before > 2 * now);
  return much ? [`${what} ${duration(now)}, not ${duration(before)}`] : [];
}

/** The way back without its time, which varies between runs. */
const kindOf = (wayBack: string) => wayBack.replace(/ in [^,]+/, "");

/** Prose from outside, escaped: no markup, mention or link. */
function text(value: string): string {
  return visible(oneLine(value))
    .replace(/[\\`*_{}[\]<>()#+!|~@&]/g, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(/(https?):/gi, "$1&#58;")
    .replace(/\bwww\./gi, "www&#46;");
}

/** Text as code, in more backticks than it contains. */
function code(value: string): string {
  const plain = visible(oneLine(value)).replaceAll("|", "\\|");
  const longest = Math.max(0, ...[...plain.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `${fence}${plain}${fence}` : `${fence} ${plain} ${fence}`;
}

function quote(value: string): string {
  return value
    .split("\n")
    .map((line) => `> ${text(line)}`)
    .join("\n");
}
