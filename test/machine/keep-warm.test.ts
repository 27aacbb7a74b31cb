import { Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { serve } from "../../lambdas/shared/aws/serve.ts";
import { PING } from "../../lambdas/shared/deployment.ts";
import { DONE, type Task } from "../../lambdas/shared/task.ts";
import { CALLED_IN_DOWNTIME } from "../../lib/keep-warm.ts";
import { allStates, type Definition } from "../../local/definition.ts";
import { interpret } from "../../local/interpreter.ts";
import { synthesize } from "../../local/synthesize.ts";
import { planOf } from "../support/plans.ts";
import { makeApp } from "../support/stack.ts";

describe("what keeps the functions warm", () => {
  let definition: Definition;
  beforeAll(async () => {
    definition = await synthesize(planOf(1), { rehearse: "before" });
  });

  test("calls every function that a run needs from the last Go before the downtime to its end", () => {
    const within = [
      "Fence and back up",
      "Look for writes",
      "Migrate",
      "Gate: after",
      "Prove",
      "Gate: open",
      "Open",
    ];
    const needed = definition.phases
      .filter(({ phase }) => [...within, "Roll back"].includes(phase))
      .flatMap(({ states }) => states)
      .map((state) => definition.capabilities.get(state));
    expect([...CALLED_IN_DOWNTIME].sort()).toEqual([...new Set(needed)].sort());
  });
});

describe("its state machine", () => {
  let template: Template;
  let text: string;
  beforeAll(async () => {
    template = Template.fromStack((await makeApp()).stack);
    const [found] = Object.entries(template.findResources("AWS::StepFunctions::StateMachine")).flatMap(
      ([id, { Properties }]) => (id.startsWith("KeepWarm") ? [Properties.DefinitionString] : []),
    );
    const parts: unknown[] = found["Fn::Join"][1];
    text = parts.map((part) => (typeof part === "string" ? part : "x")).join("");
  });

  /** @param statuses the run's status at each look, in order; the last look fails */
  async function play(statuses: string[]): Promise<{ looks: number; calls: number }> {
    const seen = { looks: 0, calls: 0 };
    const { States } = JSON.parse(text) as { States: Record<string, { Branches?: { StartAt: string }[] }> };
    const called = States["Call the functions"]?.Branches?.map(({ StartAt }) => StartAt) ?? [];
    const tasks = ["Look at the run", ...called];
    const end = await interpret({
      definition: {
        text,
        parsed: JSON.parse(text),
        states: allStates(JSON.parse(text)),
        phases: [],
        capabilities: new Map(tasks.map((name) => [name, "gate"])),
      } as unknown as Definition,
      input: { run: "run-1" },
      run: "run-1",
      execution: "arn:x",
      waitMs: 0,
      async task(name) {
        if (name !== "Look at the run") {
          seen.calls += 1;
          if (name === "Call migrate") throw new Error("TooManyRequests");
          return {};
        }
        const Status = statuses[seen.looks++];
        if (Status === undefined) throw new Error("ExecutionDoesNotExist");
        return { Status };
      },
      onEvent: () => undefined,
    });
    expect(end).toBe("Succeeded");
    return seen;
  }

  test.each(["SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"])(
    "calls them while the run is under way, and ends when it has ended as %s",
    async (end) => {
      expect(await play(["RUNNING", "RUNNING", end])).toEqual({
        looks: 3,
        calls: 2 * CALLED_IN_DOWNTIME.length,
      });
    },
  );

  test("ends where there is no such run: the gate was another deployment's", async () => {
    expect(await play([])).toEqual({ looks: 1, calls: 0 });
  });

  test("begins with the gate before the downtime, and ends by itself whatever happens", () => {
    const rules = Object.values(template.findResources("AWS::Events::Rule"));
    expect(rules.map(({ Properties }) => Properties.EventPattern)).toContainEqual({
      source: ["sluice"],
      "detail-type": ["Gate Opened", "Gate Decided"],
      detail: { gate: ["rehearsal"] },
    });
    expect(JSON.parse(text)).toMatchObject({ TimeoutSeconds: 12 * 3600 });
  });
});

test("a call that only keeps a function warm does nothing, and needs nothing", async () => {
  const task: Task<never> = {
    name: "fence",
    event: { safeParse: () => expect.fail("It was taken for an event") } as never,
    run: () => expect.fail("It ran"),
  };
  expect(await serve(task)(PING, {} as never)).toEqual(DONE);
});
