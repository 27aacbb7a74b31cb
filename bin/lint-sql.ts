import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RESTORE, type SqlFile, type Step } from "../lambdas/shared/plan.ts";
import { loadPlan } from "../lib/plan/compile.ts";
import { USAGE } from "./commands/exit-codes.ts";
import { mistakeIn } from "./commands/mistake.ts";

// `npm run lint:sql [PLAN]`: squawk over the plan's SQL as the step engine sends it. Squawk knows files, not steps, so it
// gets copies in which each mark is what the engine does there; every line keeps its number.

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SQUAWK = join(ROOT, "node_modules/.bin/squawk");
const CONFIG = join(ROOT, ".squawk.toml");

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

function asSent(text: string, { steps }: SqlFile): string {
  const lines = text.split("\n");
  for (const [index, { kind, line }] of steps.entries()) {
    const before = steps[index - 1];
    const mark = `${before ? CLOSES[before.kind] : ""}${OPENS[kind]}`;
    // A file without marks begins with its first statement.
    lines[line - 1] =
      steps.length === 1 && !/sluice:/.test(lines[line - 1] ?? "") ? `${mark} ${lines[line - 1]}` : mark;
  }
  const last = steps.at(-1);
  return `${lines.join("\n")}\n${last ? CLOSES[last.kind] : ""}\n`;
}

const folder = process.argv[2] ?? "sql/knowledge-graph";
const { plan } = await loadPlan(folder).catch((error: unknown) => {
  const mistake = mistakeIn(error);
  if (mistake === undefined) throw error;
  console.error(`error: ${mistake}`);
  process.exit(USAGE);
});
const copies = await mkdtemp(join(tmpdir(), "sluice-lint-"));
try {
  const copied = async (files: readonly SqlFile[]): Promise<string[]> => {
    for (const file of files) {
      const to = join(copies, file.path);
      await mkdir(dirname(to), { recursive: true });
      await writeFile(to, asSent(await readFile(join(folder, file.path), "utf8"), file));
    }
    return files.map(({ path }) => path);
  };
  const squawk = (files: readonly string[], ...options: string[]) =>
    spawnSync(
      SQUAWK,
      ["--config", CONFIG, "--pg-version", `${plan.server.minimumVersion}.0`, ...options, ...files],
      {
        cwd: copies,
        stdio: "inherit",
      },
    ).status ?? 1;
  const migrate = await copied([
    ...plan.migrations.map((migration) => migration.migrate),
    ...plan.stagingData,
  ]);
  const rollback = await copied(
    plan.migrations.flatMap(({ rollback }) => (rollback === RESTORE ? [] : [rollback])),
  );
  const failed = [squawk(migrate), squawk(rollback, ...DROPS.flatMap((rule) => ["--exclude", rule]))];
  process.exitCode = failed.some((status) => status !== 0) ? 1 : 0;
} finally {
  await rm(copies, { recursive: true, force: true });
}
