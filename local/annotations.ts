import { relative, resolve } from "node:path";
import type { Report } from "../lambdas/report/schema.ts";
import type { PlanError } from "../lib/plan/plan-error.ts";
import { portable } from "../lib/portable.ts";
import type { Finding } from "./squawk.ts";

/** A message shown at a line of a pull request. */
export interface Annotation {
  level: "error" | "warning";
  /** Path within the plan's folder. */
  file: string;
  line?: number | undefined;
  title: string;
  message: string;
}

/** Annotations for mistakes of a plan, at their places. */
export function ofMistakes(mistakes: readonly PlanError[]): Annotation[] {
  return mistakes.map(({ file, where, reason }) => ({
    level: "error",
    file,
    line: lineIn(where) ?? lineIn(reason),
    title: "Sluice: mistake in the plan",
    message: `${where}: ${reason}`,
  }));
}

/** Annotations for a linter's findings. */
export function ofFindings(findings: readonly Finding[]): Annotation[] {
  return findings.map(({ file, line, rule, isError, message }) => ({
    level: isError ? "error" : "warning",
    file,
    line,
    title: `squawk: ${rule}`,
    message,
  }));
}

/** Annotations for checks that failed in a rehearsal, and for what ended it, if that names a place in the plan. */
export function ofReport({ migrations, failures, end, cause }: Report): Annotation[] {
  const checks = migrations.flatMap(({ staging, production }) =>
    [...staging.checks, ...production.checks].flatMap(({ results }) =>
      results
        .filter(({ passed }) => !passed)
        .flatMap(({ at, name, expected, seen }) =>
          placed(at, `Sluice: ${name}`, `Expected ${expected}, found ${seen}.`),
        ),
    ),
  );
  const failed = failures.flatMap(({ state, message }) => placed(message, `Sluice: ${state}`, message));
  const all = [...checks, ...failed];
  if (all.length === 0 && end !== "Succeeded")
    return [{ level: "error", file: "plan.yaml", title: `Sluice: ${end}`, message: cause ?? end }];
  return all.filter((one, i) => all.findIndex((other) => textOf(other) === textOf(one)) === i);
}

const PLACE = /(?<file>[\w.-]+(?:\/[\w.-]+)*\.(?:sql|yaml)):(?<line>\d+)/;

function placed(text: string, title: string, message: string): Annotation[] {
  const { file, line } = PLACE.exec(text)?.groups ?? {};
  return file === undefined ? [] : [{ level: "error", file, line: Number(line), title, message }];
}

function lineIn(text: string): number | undefined {
  const [, line] = /\bline (\d+)/.exec(text) ?? [];
  return line === undefined ? undefined : Number(line);
}

/**
 * GitHub's workflow commands, a line each, which Actions reads from a job's output.
 * @param folder of the plan, relative to the repository or absolute in it
 */
export function githubCommands(folder: string, annotations: readonly Annotation[]): string[] {
  const root = process.env.GITHUB_WORKSPACE ?? process.cwd();
  return annotations.map((one) => {
    const file = portable(relative(root, resolve(folder, one.file)));
    const place = [`file=${property(file)}`, ...(one.line === undefined ? [] : [`line=${one.line}`])];
    return `::${one.level} ${[...place, `title=${property(one.title)}`].join(",")}::${data(one.message)}`;
  });
}

const textOf = ({ file, line, title, message }: Annotation) => [file, line, title, message].join("\n");

// Escaped as in GitHub's own toolkit: no text may end a command or begin another.
function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
