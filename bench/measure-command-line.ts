import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { FORMER, withBuilds } from "./builds.ts";
import { duration, median } from "./stats.ts";
import type { Measurement, Result } from "./types.ts";

const run = promisify(execFile);
const HERE = fileURLToPath(new URL("..", import.meta.url));
const PLAN = "sql/knowledge-graph";
const TIMES = 7;

/** Measures the process time of the most frequent commands: from the package, and from a former build's sources. */
export const commandLine: Measurement = {
  name: "command-line",
  async measure(bench) {
    bench.progress("building the package");
    await run("npm", ["run", "build"], { cwd: HERE });
    return await withBuilds(FORMER.package, async ({ before }) => [
      await sideBySide("sluice --help", ["--help"], before.folder, 250),
      await sideBySide("sluice check of the bundled plan", ["check", PLAN], before.folder, 800),
    ]);
  },
};

async function sideBySide(what: string, args: string[], former: string, most: number): Promise<Result> {
  const [before, now]: [number[], number[]] = [[], []];
  for (let time = 0; time < TIMES; time++) {
    before.push(await processTime(["bin/sluice.js", ...args], former));
    now.push(await processTime(["dist/bin/sluice.js", ...args], HERE));
  }
  return {
    what: `${what}, process time`,
    asWritten: `${duration(median(before))} (build before)`,
    ours: duration(median(now)),
    ratio: median(before) / median(now),
    target: `under ${most} ms`,
    reached: median(now) < most,
    figures: { before, now },
  };
}

/** Returns the milliseconds of a Node process, including its threads and the system's part. */
async function processTime(args: readonly string[], cwd: string): Promise<number> {
  const { stderr } = await run(
    "bash",
    ["-c", 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1', "bash", process.execPath, ...args],
    {
      cwd,
    },
  );
  const [user = 0, system = 0] = stderr.trim().split(" ").map(Number);
  return (user + system) * 1000;
}
