import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import * as z from "zod";
import { type CompiledPlan, RESTORE, type SqlFile, type Step } from "../lambdas/shared/plan.ts";
import { readText } from "../lib/plan/read-text.ts";
import { portable } from "../lib/portable.ts";
import { UsageError } from "./events.ts";

// Runs squawk on a plan's SQL as the step engine sends it. Squawk has no notion of steps, so it gets copies in which each
// mark is replaced by the engine's own statements; every line keeps its number.

/** A finding of squawk, at a line of the plan. */
export interface Finding {
  /** Path within the plan's folder. */
  file: string;
  /** From 1. */
  line: number;
  rule: string;
  /** Whether the statement cannot be parsed. */
  isError: boolean;
  message: string;
}

const finding = z.object({
  file: z.string(),
  line: z.number(),
  level: z.string(),
  message: z.string(),
  help: z.string().nullish(),
  rule_name: z.string(),
});

/** Never applies: a step runs once, as its ledger row commits with it, and IF NOT EXISTS would accept an object of another shape. */
const FOR_NO_PLAN = ["prefer-robust-stmts"];
/** A rollback must drop what its migration made; the proof shows that it drops nothing else. */
const DROPS = ["ban-drop-table", "ban-drop-column", "ban-drop-not-null"];

const CONFIG = ".squawk.toml";

const OPENS: Readonly<Record<Step["kind"], string>> = {
  transaction: "BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '12h';",
  batches: "BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '12h';",
  outside: "SET lock_timeout = '2s'; SET statement_timeout = '12h';",
};
const CLOSES: Readonly<Record<Step["kind"], string>> = {
  transaction: "COMMIT; ",
  batches: "COMMIT; ",
  outside: "",
};

/**
 * All findings, by file; undefined if squawk is not installed, as it is optional. The settings are those that squawk itself
 * would find: the nearest .squawk.toml at or above the plan's folder. Paths in it are relative to its own folder.
 * @param folder of the plan
 * @throws UsageError for settings that squawk refuses
 */
export async function squawkFindings(folder: string, plan: CompiledPlan): Promise<Finding[] | undefined> {
  const program = squawkProgram();
  if (program === undefined) return undefined;
  const copies = await mkdtemp(join(tmpdir(), "sluice-lint-"));
  const config = configFor(resolve(folder));
  const place = config === undefined ? "" : portable(relative(dirname(config), resolve(folder)));
  const copyOf = (file: string) => (place === "" ? file : `${place}/${file}`);
  try {
    const copied = async (files: readonly SqlFile[]): Promise<string[]> => {
      for (const file of files) {
        const to = join(copies, copyOf(file.path));
        await mkdir(dirname(to), { recursive: true });
        await writeFile(to, asSent(await readText(folder, file.path), file));
      }
      return files.map(({ path }) => path);
    };
    const squawk = (files: readonly string[], ...without: readonly string[]): Finding[] => {
      const copyOfWhich = new Map(files.map((file) => [copyOf(file), file]));
      if (files.length === 0) return [];
      const args = [
        ...(config === undefined ? [] : ["--config", config]),
        ...["--pg-version", `${plan.server.minimumVersion}.0`],
        // The settings may exclude all files.
        ...["--reporter", "Json", "--no-error-on-unmatched-pattern", "--", ...copyOfWhich.keys()],
      ];
      const { stdout, stderr, error } = spawnSync(process.execPath, [program, ...args], {
        cwd: copies,
        encoding: "utf8",
        maxBuffer: 64 * 1024 * 1024,
      });
      if (error) throw error;
      if (!stdout.trim().startsWith("[")) throw noFindings(config, stderr || stdout);
      // Not by --exclude, which would replace the settings' own exclusions.
      return z
        .array(finding)
        .parse(JSON.parse(stdout))
        .filter(({ rule_name }) => !without.includes(rule_name))
        .map((one) => toFinding(one, copyOfWhich.get(one.file.replaceAll("\\", "/")) ?? one.file));
    };
    const migrate = await copied([...plan.migrations.map((one) => one.migrate), ...plan.stagingData]);
    const rollback = await copied(
      plan.migrations.flatMap(({ rollback }) => (rollback === RESTORE ? [] : [rollback])),
    );
    return [...squawk(migrate, ...FOR_NO_PLAN), ...squawk(rollback, ...FOR_NO_PLAN, ...DROPS)];
  } finally {
    await rm(copies, { recursive: true, force: true });
  }
}

function configFor(folder: string): string | undefined {
  const here = join(folder, CONFIG);
  if (existsSync(here)) return here;
  const above = dirname(folder);
  return above === folder ? undefined : configFor(above);
}

function noFindings(config: string | undefined, output: string): UsageError {
  const where = config === undefined ? "" : ` with ${config}`;
  return new UsageError(`squawk failed${where}: ${output.trim() || "it printed no reason"}`);
}

function squawkProgram(): string | undefined {
  const require = createRequire(import.meta.url);
  try {
    const { bin } = require("squawk-cli/package.json") as { bin: Record<string, string> };
    return join(dirname(require.resolve("squawk-cli/package.json")), bin.squawk ?? "");
  } catch {
    return undefined;
  }
}

function toFinding(
  { line, level, message, help, rule_name }: z.infer<typeof finding>,
  file: string,
): Finding {
  const text = help ? `${message} ${help}` : message;
  return { file, line: line + 1, rule: rule_name, isError: level === "Error", message: text };
}

const TRANSACTION = /^\s*(?:BEGIN|START|COMMIT|END)(?:\s+(?:WORK|TRANSACTION))?\s*;\s*$/i;

function asSent(text: string, { steps }: SqlFile): string {
  const lines = text.split("\n");
  // BEGIN and COMMIT of the file are left out, as the engine does; within a statement they stay.
  const within = new Set(
    steps.flatMap(({ statements }) =>
      statements.flatMap(({ sql, line }) => sql.split("\n").map((_, index) => line + index)),
    ),
  );
  for (const [index, line] of lines.entries())
    if (!within.has(index + 1) && TRANSACTION.test(line)) lines[index] = "";
  for (const [index, { kind, line }] of steps.entries()) {
    const before = steps[index - 1];
    const mark = `${before ? CLOSES[before.kind] : ""}${OPENS[kind]}`;
    // A step without a mark begins with its first statement.
    const there = lines[line - 1] ?? "";
    lines[line - 1] = /^\s*--+\s*sluice\s*:/i.test(there) ? mark : `${mark} ${there}`;
  }
  const last = steps.at(-1);
  return `${lines.join("\n")}\n${last ? CLOSES[last.kind] : ""}\n`;
}
