import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Report } from "../lambdas/report/schema.ts";

const run = promisify(execFile);
const HERE = fileURLToPath(new URL("..", import.meta.url));

/** Commits of former builds, for comparison. */
export const FORMER = {
  /** The last build whose records and proofs read every value. */
  rowVersions: "4dedd479945d69c156230ceed7a66c78a21f0cc5",
  /** The last build that made a machine for each plan, with a gate after each migration. */
  oneMachine: "d36dc8e7c492a129625b908552a91b9b81498f16",
  /** The last build that ran only from its sources. */
  package: "10dc6d55bb354567a4d08d76d57b43f974676404",
} as const;

/** A runnable checkout of Sluice. */
export interface Build {
  name: "before" | "now";
  folder: string;
}

export interface Builds {
  before: Build;
  now: Build;
}

/** Runs `work` with this build and a former one from the repository's history. */
export async function withBuilds<T>(
  former: (typeof FORMER)[keyof typeof FORMER],
  work: (builds: Builds) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-before-"));
  try {
    const archive = join(folder, "before.tar");
    await run("git", ["-C", HERE, "archive", "--output", archive, former]).catch((error) => {
      throw new Error(
        `The bench compares with commit ${former.slice(0, 12)}, which this clone does not have. Fetch the whole history.`,
        { cause: error },
      );
    });
    await run("tar", ["-xf", archive, "-C", folder]);
    await symlink(join(HERE, "node_modules"), join(folder, "node_modules"));
    return await work({ before: { name: "before", folder }, now: { name: "now", folder: HERE } });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A plan of one migration, written for the bench. */
export interface SmallPlan {
  migrate: string;
  rollback: string;
  /** More migrations, by index. */
  further?: readonly { migrate: string; rollback: string }[];
}

/** Stands for each build's own bundled plan: a former build may not read the present one. */
export const BUNDLED = "bundled";

/** Figures of a whole run, from its own evidence. In seconds unless stated otherwise. */
export interface WholeRun {
  end: string;
  cause: string;
  /** From the fence to the opening. */
  downtime: number;
  /** The rehearsal's prediction of the downtime. */
  predictedDowntime: number;
  /** The migration's own steps on production. */
  steps: number;
  /** "Record production" and "Prove the data" together. */
  recordAndProof: number;
  files: number;
  bytes: number;
}

/** Rehearses a plan on a copy of that database with the build's own command line. Every gate is answered at once. */
export async function wholeRun(
  build: Build,
  plan: SmallPlan | typeof BUNDLED,
  databaseUrl: string,
): Promise<WholeRun> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-run-"));
  const evidence = join(folder, "evidence");
  try {
    const planFolder = plan === BUNDLED ? "sql/knowledge-graph" : join(folder, "plan");
    if (plan !== BUNDLED) await writePlan(planFolder, plan);
    const { stdout } = await run(
      process.execPath,
      ["bin/sluice.js", "rehearse", "--yes", "--json", "--plan", planFolder, "--out", evidence].concat([
        "--database-url",
        databaseUrl,
      ]),
      { cwd: build.folder, maxBuffer: 1e9 },
    ).catch((error: { stdout?: string; stderr?: string }) => {
      // Other ends than Succeeded also write a report, and have their own exit codes.
      if (error.stdout) return { stdout: error.stdout };
      throw new Error(`The build ${build.name} could not run: ${error.stderr}`, { cause: error });
    });
    return await read(evidence, JSON.parse(stdout) as Report);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function read(evidence: string, report: Report): Promise<WholeRun> {
  const { files, bytes } = await sizeOf(evidence);
  const passes = report.migrations.flatMap(({ production }) => production.passes);
  const steps = passes.reduce((sum, { seconds }) => sum + seconds, 0);
  return {
    end: report.end,
    cause: report.cause ?? "",
    downtime: report.downtime.seconds ?? Number.NaN,
    predictedDowntime: report.downtime.predictedSeconds ?? 0,
    steps,
    recordAndProof: stateSeconds(report, "Record production") + stateSeconds(report, "Prove the data"),
    files,
    bytes,
  };
}

function stateSeconds({ timeline }: Report, name: string): number {
  const states = timeline.phases.flatMap(({ states }) => states);
  const { enteredAt, doneAt } = states.find(({ state }) => state === name) ?? {};
  return (Date.parse(doneAt ?? "") - Date.parse(enteredAt ?? "")) / 1000;
}

async function sizeOf(folder: string): Promise<{ files: number; bytes: number }> {
  let [files, bytes] = [0, 0];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    files++;
    bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return { files, bytes };
}

async function writePlan(folder: string, { migrate, rollback, further = [] }: SmallPlan): Promise<void> {
  const migrations = [{ migrate, rollback }, ...further];
  const names = migrations.map((_, index) => `${String(index + 2).padStart(3, "0")}_bench`);
  for (const [index, files] of migrations.entries()) {
    const at = join(folder, names[index] as string);
    await mkdir(at, { recursive: true });
    await writeFile(join(at, "migrate.sql"), files.migrate);
    await writeFile(join(at, "rollback.sql"), files.rollback);
    await writeFile(
      join(at, "validate.sql"),
      "-- sluice: check \"it ran\"\nSELECT true AS passed, 'yes' AS expected, 'yes' AS seen;\n",
    );
  }
  const folders = names.map((name) => `  - { folder: ${name}, title: Bench, expectedMinutes: 1 }`);
  await writeFile(
    join(folder, "plan.yaml"),
    `title: A plan of the bench
schema: { table: versions, expectedVersion: "1" }
server: { minimumVersion: 15, minimumConnections: 5, minimumFreeGiB: 0 }
applicationRoles: [v2_app]
rollbackSloMinutes: 60
expectedMinutes: { admit: 1, prove: 1, open: 1 }
migrations:
${folders.join("\n")}
gates:
  readiness: { question: "begin?" }
  rehearsal: { question: "touch production?" }
  after: { question: "continue after {version}?" }
  open: { question: "open?" }
  keep: { question: "keep?" }
  restore: { question: "restore?" }
`,
  );
}
