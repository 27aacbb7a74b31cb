import validate from "asl-validator";
import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { rolloutDefinition, type State, type StateMachine } from "../../lib/rollout/definition.ts";
import { makeApp } from "../support/stack.ts";

const FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:rollout:1";
const RUNS = "arn:aws:states:eu-central-1:123456789012:stateMachine:Sluice";

const definition = rolloutDefinition({
  function: FUNCTION,
  runs: RUNS,
  partition: "aws",
  bucket: "evidence",
});
const wave = definition.States["Run the wave"] as State & { Branches: [StateMachine, StateMachine] };
const [eachDatabase, decides] = wave.Branches;
const map = eachDatabase.States["Each database"] as State;
const items = map.ItemProcessor as StateMachine;

interface Caught {
  ErrorEquals: string[];
  Next: string;
}

const catches = (state: State | undefined) => (state?.Catch ?? []) as Caught[];
const tasksOf = ({ States }: StateMachine) =>
  Object.entries(States).filter(([, { Type }]) => Type === "Task");

describe("the rollout's definition", () => {
  test("is valid", () => {
    expect(validate(JSON.parse(JSON.stringify(definition)))).toMatchObject({ isValid: true });
  });

  test("has no failure of an item that could end the Map: Step Functions would abort the runs under way", () => {
    expect(map).toMatchObject({ ToleratedFailurePercentage: 100 });
    for (const [name, state] of tasksOf(items)) {
      const all = catches(state).find(({ ErrorEquals }) => ErrorEquals.includes("States.ALL"));
      expect([name, all?.Next]).toEqual([name, expect.stringMatching(/Note its end|Database is noted/)]);
    }
  });

  test("has no failure beside the Map that could end it: the branch that asks people always comes to its end", () => {
    for (const [name, state] of tasksOf(decides))
      expect([name, catches(state).at(-1)?.ErrorEquals]).toEqual([name, ["States.ALL"]]);
    expect(Object.values(decides.States).filter(({ Type }) => Type === "Fail")).toEqual([]);
  });

  test("keeps nothing of an item or of a wave in the state", () => {
    expect(items.States["Database is noted"]).toEqual({ Type: "Pass", Result: {}, End: true });
    expect([map.ResultPath, wave.ResultPath]).toEqual([null, null]);
    expect(items.States["Start the run"]?.ResultPath).toBeNull();
  });

  test("asks people again for nothing that only took its time", () => {
    for (const [machine, name] of [
      [definition, "Gate: start"],
      [decides, "Gate: keep"],
    ] as const) {
      const { Retry, TimeoutSecondsPath } = machine.States[name] as State;
      const again = (Retry as { ErrorEquals: string[]; MaxAttempts: number }[]).filter(
        ({ MaxAttempts }) => MaxAttempts > 0,
      );
      expect(again.map(({ ErrorEquals }) => ErrorEquals)).toEqual([["States.TaskFailed"]]);
      expect(TimeoutSecondsPath).toBe("$.gate.seconds");
    }
  });
});

test("the rollout's machine may start runs and see them, and stop none", async () => {
  const { Resources } = Template.fromStack((await makeApp()).stack).toJSON() as {
    Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  };
  const statements = Object.values(Resources)
    .filter(
      ({ Type, Properties }) =>
        Type === "AWS::IAM::Policy" &&
        /"RolloutRole|"\w*Rollout\w*Role/.test(JSON.stringify(Properties.Roles)),
    )
    .flatMap(
      ({ Properties }) =>
        (Properties.PolicyDocument as { Statement: { Action: string | string[]; Resource: unknown }[] })
          .Statement,
    );
  const on = (action: string) =>
    statements
      .filter(({ Action }) => [Action].flat().includes(action))
      .map(({ Resource }) => JSON.stringify(Resource));
  expect(on("states:StartExecution").join()).toMatch(/"Machine\w+".*"Rollout\w+"|"Rollout\w+".*"Machine\w+"/);
  expect(on("states:StopExecution").join()).toMatch(/"Rollout\w+","Name"\]\},"\/\*"/);
  expect(on("states:StopExecution").join()).not.toMatch(/"Machine\w+"/);
});
