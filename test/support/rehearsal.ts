import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { evidenceOf, type RunEvidence } from "../../lambdas/shared/evidence.ts";
import type { LocalEnd, RehearseOptions, RunEvent } from "../../local/events.ts";
import { fileEvidence } from "../../local/file-evidence.ts";
import { rehearse } from "../../local/rehearse.ts";

export const TINY_PLAN = new URL("../plans/tiny", import.meta.url).pathname;

/** Creates a temporary folder, which is deleted after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Returns the tiny plan with changed files: each change maps the file's text to another. */
export async function changedPlan(
  changes: Readonly<Record<string, (text: string) => string>>,
): Promise<string> {
  const folder = join(await temporaryFolder(), "tiny");
  await cp(TINY_PLAN, folder, { recursive: true });
  for (const [file, change] of Object.entries(changes)) {
    const before = await readFile(join(folder, file), "utf8");
    const after = change(before);
    if (after === before) throw new Error(`The change to ${file} changes nothing`);
    await writeFile(join(folder, file), after);
  }
  return folder;
}

export interface RanRehearsal {
  end: LocalEnd;
  events: RunEvent[];
  evidence: RunEvidence;
  /** Task states in the order in which they were entered. */
  states: string[];
}

export interface RunOptions extends Partial<RehearseOptions> {
  /** Gates that are answered with a No-Go; all others get a Go. */
  noGo?: readonly string[];
  /** Called with each event before the run acts on it. */
  onEvent?: (event: RunEvent, stop: () => void) => void | Promise<void>;
}

/** Runs a plan to its end on the embedded Postgres. */
export async function runPlan({ noGo = [], onEvent, ...options }: RunOptions): Promise<RanRehearsal> {
  const run = await rehearse({
    plan: TINY_PLAN,
    out: await temporaryFolder(),
    rehearse: "before",
    fence: "connect",
    apply: false,
    startedBy: "a test",
    ...options,
  });
  const events: RunEvent[] = [];
  for await (const event of run.events) {
    events.push(event);
    await onEvent?.(event, run.stop);
    if (event.type !== "gate") continue;
    const no = noGo.includes(event.gate.doc.gate);
    const answer = (by: string) => event.gate.decide(no ? "NoGo" : "Go", by, no ? "the test wants it" : "");
    if ((await answer("an approver")) === "counted") await answer("another approver");
  }
  const end = await run.end;
  return {
    end,
    events,
    evidence: evidenceOf(fileEvidence(end.evidence), run.run),
    states: events.flatMap((event) => (event.type === "entered" ? [event.state] : [])),
  };
}
