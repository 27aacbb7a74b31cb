import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { usualAnswer } from "../../docs/make/usual-run.ts";
import type { Milestone } from "../../lambdas/clean-up/task.ts";
import { stateInWords } from "../../lambdas/shared/names.ts";
import { type Definition, definitionOf } from "../../local/definition.ts";
import { interpret } from "../../local/interpreter.ts";
import { planOf } from "../support/plans.ts";
import { fullSettings, makeApp } from "../support/stack.ts";

const PLAN = planOf(2, 2);
const EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:Machine:run-1";
const CLEAN_UP = "arn:aws:states:eu-central-1:123456789012:execution:CleanUp:1";

let cleanUp: Definition;
let withoutRestore: Definition;
beforeAll(async () => {
  cleanUp = await deployed({});
  withoutRestore = await deployed({ restore: false });
});

async function deployed(settings: object): Promise<Definition> {
  const { app, stack } = await makeApp({ settings: { ...fullSettings, ...settings } });
  const { templateFile } = app.synth().getStackArtifact(stack.artifactId);
  return definitionOf(JSON.parse(readFileSync(join(app.outdir, templateFile), "utf8")), "clean-up");
}

interface Played {
  end: string;
  states: string[];
  events: Record<string, unknown>[];
}

const CHECKSUM = "a".repeat(64);

/** Plays the clean-up after a run that reached this milestone. */
async function play(
  came: Milestone,
  {
    definition = cleanUp,
    failing = [],
    go = "clean up",
  }: { definition?: Definition; failing?: string[]; go?: string } = {},
): Promise<Played> {
  const states: string[] = [];
  const events: Record<string, unknown>[] = [];
  const end = await interpret({
    definition,
    input: { run: "run-1", execution: EXECUTION, status: "ABORTED" },
    run: "1",
    execution: CLEAN_UP,
    retryPauseMs: 0,
    async task(name, event) {
      const state = stateInWords(String(event.state), event.version as string | undefined);
      states.push(state);
      events.push(event);
      if (failing.includes(state)) throw Object.assign(new Error("no"), { name: "RollbackFailed" });
      if (state === "Begin to clean up")
        return { Error: "Stopped", Cause: "It was stopped.", go, plan: CHECKSUM };
      if (state === "Look how far it came") return { status: "done", came };
      return usualAnswer(definition.capabilities.get(name), event, PLAN);
    },
    onEvent: () => undefined,
  });
  return { end, states, events };
}

const CLOSED = [
  "Leave no fence",
  "Leave the application running",
  "Leave no alarm silenced",
  "Delete staging",
  "Release the run lock",
  "Write the report",
  "Tell everyone",
];

// Each waits for a second or so.
describe.concurrent("the clean-up after a run that was stopped", () => {
  test.each<[Milestone, string, string[]]>([
    ["untouched", "Refused", []],
    [
      "changed",
      "RolledBack",
      ["Begin rollback", "Roll back 003", "Roll back 002", "Prove production rolled back"],
    ],
    ["opened", "Succeeded", ["Lift the fence", "Start the application", "Smoke-test the application"]],
    ["reopened", "RolledBack", ["Fence production again", "Record production again", "Roll back 003"]],
    ["restoring", "Restored", ["Move production aside", "Restore production", "Prove production restored"]],
    ["rolled back", "RolledBack", []],
    ["restored", "Restored", []],
    ["given up", "NeedsOperator", []],
  ])("that came as far as %s ends %s, by the run's own ways, and closes it", async (came, end, way) => {
    const played = await play(came);
    expect(played.end).toBe(end);
    expect(played.states).toEqual(expect.arrayContaining(way));
    expect(played.states.slice(-CLOSED.length)).toEqual(CLOSED);
    if (way.length === 0)
      expect(played.states).toEqual(["Begin to clean up", "Look how far it came", ...CLOSED]);
  });

  test("gives every task the run, the run's plan, and the clean-up as the caller", async () => {
    const [first, ...others] = (await play("changed")).events;
    const about = { run: "run-1", execution: EXECUTION, cleanUp: CLEAN_UP };
    expect(first).toMatchObject({ ...about, planChecksum: "" });
    for (const event of others) expect(event).toMatchObject({ ...about, planChecksum: CHECKSUM });
  });

  test("opens the gate for the restore where the rollback fails, or where its progress is unknown", async () => {
    for (const state of ["Roll back 003", "Look how far it came"]) {
      const played = await play("changed", { failing: [state] });
      expect(played.states).toContain("Gate: restore");
      expect(played.end).toBe("Restored");
    }
  });

  test("leaves production to an operator there where it may not be restored", async () => {
    const played = await play("changed", { definition: withoutRestore, failing: ["Roll back 003"] });
    expect(played.end).toBe("NeedsOperator");
    expect(played.states.filter((state) => /restore/i.test(state))).toEqual([]);
  });

  test("does nothing where there is nothing to do", async () => {
    const played = await play("changed", { go: "nothing to do" });
    expect(played).toMatchObject({ end: "Succeeded", states: ["Begin to clean up"] });
  });

  test("that cannot even begin touches nothing and notifies people", async () => {
    const played = await play("changed", { failing: ["Begin to clean up"] });
    expect(played.end).toBe("CleanUpFailed");
    expect(new Set(played.states)).toEqual(new Set(["Begin to clean up", "Tell that nobody cleans up"]));
  });
});
