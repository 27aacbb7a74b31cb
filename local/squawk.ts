import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as z from "zod";
import { type CompiledPlan, RESTORE, type SqlFile, type Step } from "../lambdas/shared/plan.ts";
import { PACKAGE_FOLDER } from "../lib/package.ts";
import { readText } from "../lib/plan/read-text.ts";

// squawk over a plan's SQL as the step engine sends it. Squawk knows files, not steps, so it gets copies in which each
// mark is what the engine does there; every line keeps its number.

/** What squawk says of a line of the plan. */
export interface Finding {
  /** In the plan's folder. */
  file: string;
  /** From 1. */
  line: number;
  rule: string;
  /** The statement cannot be read. */
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

/** A rollback is there to drop what its migration made; that it drops nothing else is proven, not linted. */
const DROPS = ["ban-drop-table", "ban-drop-column", "ban-drop-not-null"];

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
 * All findings, file by file; undefined where squawk is not installed: it is optional.
 * @param folder of the plan
 */
export async function squawkFindings(folder: string, plan: CompiledPlan): Promise<Finding[] | undefined> {
  const program = squawkProgram();
  if (program === undefined) return undefined;
  const copies = await mkdtemp(join(tmpdir(), "sluice-lint-"));
  try {
    const copied = async (files: readonly SqlFile[]): Promise<string[]> => {
      for (const file of files) {
        const to = join(copies, file.path);
        await mkdir(dirname(to), { recursive: true });
        await writeFile(to, asSent(await readText(folder, file.path), file));
      }
      return files.map(({ path }) => path);
    };
    const squawk = (files: readonly string[], ...options: string[]): Finding[] => {
      if (files.length === 0) return [];
      const config = ["--config", join(PACKAGE_FOLDER, ".squawk.toml"), "--reporter", "Json"];
      const version = ["--pg-version", `${plan.server.minimumVersion}.0`];
      const { stdout, stderr, error } = spawnSync(
        process.execPath,
        [program, ...config, ...version, ...options, "--", ...files],
        { cwd: copies, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
      );
      if (error) throw error;
      if (!stdout.trim().startsWith("[")) throw new Error(`squawk gave no findings: ${stderr || stdout}`);
      return z.array(finding).parse(JSON.parse(stdout)).map(toFinding);
    };
    const migrate = await copied([...plan.migrations.map((one) => one.migrate), ...plan.stagingData]);
    const rollback = await copied(
      plan.migrations.flatMap(({ rollback }) => (rollback === RESTORE ? [] : [rollback])),
    );
    return [...squawk(migrate), ...squawk(rollback, ...DROPS.flatMap((rule) => ["--exclude", rule]))];
  } finally {
    await rm(copies, { recursive: true, force: true });
  }
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

function toFinding({ file, line, level, message, help, rule_name }: z.infer<typeof finding>): Finding {
  const text = help ? `${message} ${help}` : message;
  return { file, line: line + 1, rule: rule_name, isError: level === "Error", message: text };
}

const TRANSACTION = /^\s*(?:BEGIN|START|COMMIT|END)(?:\s+(?:WORK|TRANSACTION))?\s*;\s*$/i;

function asSent(text: string, { steps }: SqlFile): string {
  const lines = text.split("\n");
  // BEGIN and COMMIT of the file's own are left out, as the engine does; within a statement they are its own.
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
    // A step that no mark begins, as in a file without them, begins with its first statement.
    const there = lines[line - 1] ?? "";
    lines[line - 1] = /^\s*--+\s*sluice\s*:/i.test(there) ? mark : `${mark} ${there}`;
  }
  const last = steps.at(-1);
  return `${lines.join("\n")}\n${last ? CLOSES[last.kind] : ""}\n`;
}
