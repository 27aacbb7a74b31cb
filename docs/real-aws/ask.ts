import { isDeepStrictEqual } from "node:util";
import { type SFNClient, TestStateCommand, type TestStateOutput } from "@aws-sdk/client-sfn";
import type { Definition } from "../../local/definition.ts";
import type { Case } from "./cases.ts";

const EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:sluice:test-state";

/** The context of a state's execution. The token is invalid: with a mock nothing is called. */
const CONTEXT = JSON.stringify({
  Execution: {
    Id: EXECUTION,
    Name: "test-state",
    Input: {},
    StartTime: "2026-01-01T00:00:00.000Z",
    RoleArn: "arn:aws:iam::000000000000:role/none",
  },
  StateMachine: { Id: "arn:aws:states:us-east-1:000000000000:stateMachine:sluice", Name: "sluice" },
  Task: { Token: "a-token" },
});

/** Tests one state in Step Functions. Resolves to the differences, one line each. */
export async function ask(client: SFNClient, { text }: Definition, asked: Case): Promise<string[]> {
  const { state, input, mock, tried, expected } = asked;
  const said = await client.send(
    new TestStateCommand({
      definition: text,
      stateName: state,
      input: JSON.stringify(input),
      inspectionLevel: "DEBUG",
      context: CONTEXT,
      mock:
        "error" in mock
          ? { errorOutput: { error: mock.error, cause: "as the test wants it" }, fieldValidationMode: "NONE" }
          : { result: JSON.stringify(mock.result), fieldValidationMode: "NONE" },
      ...(tried === undefined ? {} : { stateConfiguration: { retrierRetryCount: tried } }),
    }),
  );
  return differences(expected, said);
}

function differences(expected: Case["expected"], said: TestStateOutput): string[] {
  const { status, nextState, output, backoff } = expected;
  const pause = said.inspectionData?.errorDetails?.retryBackoffIntervalSeconds;
  const seen = said.output === undefined ? undefined : (JSON.parse(said.output) as unknown);
  return [
    ...(said.status === status
      ? []
      : [`${status} expected, ${said.status} said (${said.error ?? "no error"}: ${said.cause ?? ""})`]),
    ...(nextState === undefined || said.nextState === nextState
      ? []
      : [`leads to "${nextState}", said to lead to "${said.nextState}"`]),
    ...(output === undefined || isDeepStrictEqual(seen, output)
      ? []
      : [`its output is ${JSON.stringify(output)}, said to be ${JSON.stringify(seen)}`]),
    ...(backoff === undefined || pause === backoff ? [] : [`pauses ${backoff} s, said to pause ${pause} s`]),
  ];
}
