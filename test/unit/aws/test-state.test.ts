import { SFNClient, TestStateCommand, type TestStateCommandInput } from "@aws-sdk/client-sfn";
import { mockClient } from "aws-sdk-client-mock";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ask } from "../../../docs/real-aws/ask.ts";
import { type Case, casesOf } from "../../../docs/real-aws/cases.ts";
import { FINAL, RETRYABLE } from "../../../lambdas/shared/errors.ts";
import { LAMBDA_ERRORS } from "../../../lib/machine/retries.ts";
import { compilePlan } from "../../../lib/plan/compile.ts";
import { type Definition, definitionOf } from "../../../local/definition.ts";
import { templateOf } from "../../../local/synthesize.ts";

const sfn = mockClient(SFNClient);
let run: Definition;
let cases: Case[];
beforeAll(async () => {
  const template = await templateOf(await compilePlan("test/plans/tiny"), { rehearse: "before" });
  run = definitionOf(template);
  cases = [...casesOf("run", run), ...casesOf("clean-up", definitionOf(template, "clean-up"))];
});
beforeEach(() => sfn.reset());

const named = (title: string) => cases.find((one) => one.title === title) as Case;
const sent = () => sfn.commandCalls(TestStateCommand)[0]?.args[0].input as TestStateCommandInput;

describe("the questions", () => {
  test("cover every error name, a time by a path, and a path that leads nowhere", () => {
    const errors = new Set(cases.flatMap(({ mock }) => ("error" in mock ? mock.error : [])));
    expect([...errors].sort()).toEqual(
      [...FINAL, ...RETRYABLE, ...LAMBDA_ERRORS, "TypeError", "States.Timeout"].sort(),
    );
    const states = run.parsed.States as unknown as Record<string, { TimeoutSecondsPath?: string }>;
    const byPath = cases.filter(({ state }) => states[state]?.TimeoutSecondsPath !== undefined);
    expect(byPath.map(({ title }) => title)).toEqual(
      expect.arrayContaining(["it succeeds", "a path leads nowhere"]),
    );
    // When a gate's time is over, it is not opened again.
    expect(
      byPath.filter(({ title }) => title === "States.Timeout").map(({ expected }) => expected.status),
    ).toContain("CAUGHT_ERROR");
  });

  test("are few for states of the same type, and cover every state on request", () => {
    const tasks = [...run.capabilities.keys()];
    const asked = (all: boolean) => new Set(casesOf("run", run, all).map(({ state }) => state));
    expect(asked(true).size).toBe(tasks.length);
    expect(asked(false).size).toBeLessThan(tasks.length / 4);
  });
});

describe("TestState is called", () => {
  test("with a mock in the documented shape, and without a role", async () => {
    sfn
      .on(TestStateCommand)
      .resolves({ status: "CAUGHT_ERROR", nextState: named("RequestInvalid").expected.nextState });
    expect(await ask(sfn as unknown as SFNClient, run, named("RequestInvalid"))).toEqual([]);
    const input = sent();
    expect(input).toMatchObject({
      definition: run.text,
      stateName: named("RequestInvalid").state,
      inspectionLevel: "DEBUG",
      mock: { errorOutput: { error: "RequestInvalid" }, fieldValidationMode: "NONE" },
    });
    expect(input).not.toHaveProperty("roleArn");
    expect(input.mock).not.toHaveProperty("result");
    expect(JSON.parse(input.context as string)).toMatchObject({ Execution: { Name: "test-state" } });
  });

  test("with the number of tries, and the pause is compared with the definition", async () => {
    const asked = named("ConnectionLost, the first time");
    const inspectionData = { errorDetails: { retryIndex: 1, retryBackoffIntervalSeconds: 5 } };
    sfn.on(TestStateCommand).resolves({ status: "RETRIABLE", inspectionData });
    expect(await ask(sfn as unknown as SFNClient, run, asked)).toEqual([]);
    expect(sent().stateConfiguration).toEqual({ retrierRetryCount: 0 });
    sfn.on(TestStateCommand).resolves({
      status: "RETRIABLE",
      inspectionData: { errorDetails: { retryBackoffIntervalSeconds: 50 } },
    });
    expect(await ask(sfn as unknown as SFNClient, run, asked)).toEqual(["pauses 5 s, said to pause 50 s"]);
  });

  test("with a result as text, which must be where the state puts it", async () => {
    const asked = named("it succeeds");
    const { nextState, output } = asked.expected;
    sfn.on(TestStateCommand).resolves({ status: "SUCCEEDED", nextState, output: JSON.stringify(output) });
    expect(await ask(sfn as unknown as SFNClient, run, asked)).toEqual([]);
    expect(JSON.parse(sent().mock?.result as string)).toEqual({ status: "done", seconds: 60 });
    sfn.on(TestStateCommand).resolves({ status: "SUCCEEDED", nextState: "Elsewhere", output: "{}" });
    expect(await ask(sfn as unknown as SFNClient, run, asked)).toHaveLength(2);
  });

  test("and another status is reported with its error", async () => {
    sfn.on(TestStateCommand).resolves({ status: "FAILED", error: "States.Runtime", cause: "no such path" });
    expect((await ask(sfn as unknown as SFNClient, run, named("RequestInvalid")))[0]).toBe(
      "CAUGHT_ERROR expected, FAILED said (States.Runtime: no such path)",
    );
  });
});
