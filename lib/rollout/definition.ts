import { FINAL } from "../../lambdas/shared/errors.ts";

/** A state machine, or a part of one, as the States Language has it. */
export interface StateMachine {
  StartAt: string;
  States: Record<string, State>;
  ProcessorConfig?: { Mode: "DISTRIBUTED"; ExecutionType: "STANDARD" };
  Comment?: string;
}

export interface State {
  Type: string;
  [field: string]: unknown;
}

export interface RolloutArns {
  /** Version of the function that every task calls. */
  function: string;
  /** State machine of the runs. */
  runs: string;
  partition: string;
  bucket: string;
}

/** How a rollout ends. The last two are Fail states of these names. */
export const ROLLOUT_ENDS = ["Succeeded", "Refused", "Incomplete"] as const;

const ALL = ["States.ALL"];

/** A Lambda lives at most 15 minutes; five seconds more let its own answer arrive first. */
const TASK_SECONDS = 905;

/** As long as the retries of `long` last, an outage of Lambda passes. */
const RETRIES = {
  final: { ErrorEquals: [...FINAL], MaxAttempts: 0 },
  usual: { ErrorEquals: ALL, IntervalSeconds: 2, MaxAttempts: 6, BackoffRate: 2, MaxDelaySeconds: 60 },
  long: {
    ErrorEquals: ALL,
    IntervalSeconds: 5,
    MaxAttempts: 34,
    BackoffRate: 2,
    MaxDelaySeconds: 120,
  },
} as const;

/**
 * The rollout's machine. Its state names the wave; lists, ends and decisions are in the rollout's evidence. So its size
 * is the same for ten databases and for ten thousand.
 */
export function rolloutDefinition(arns: RolloutArns): StateMachine {
  const { task, loop } = tasksOf(arns);
  const failed = [{ ErrorEquals: ALL, ResultPath: "$.failure", Next: "Write the page" }];
  return {
    Comment: "One plan on many databases, in waves.",
    StartAt: "Start",
    States: {
      Start: {
        Type: "Pass",
        Parameters: {
          rollout: { "name.$": "$$.Execution.Name", "execution.$": "$$.Execution.Id" },
          wave: { number: 0 },
          gate: {},
          end: {},
          failure: { Error: "", Cause: "" },
        },
        Next: "Admit the rollout",
      },
      "Admit the rollout": task("admit", {
        comment:
          "Parses the input, finds the databases, computes limits and costs, and refuses what cannot be.",
        payload: { "input.$": "$$.Execution.Input", "started.$": "$$.Execution.StartTime", runs: arns.runs },
        ResultPath: "$.rollout",
        Catch: failed,
        Next: "Next wave",
      }),
      "Next wave": task("next", {
        comment: "The databases of the next wave, by what the evidence shows as done.",
        payload: { "ran.$": "$.wave.number" },
        ResultPath: "$.wave",
        Catch: failed,
        Next: "What is next?",
      }),
      "What is next?": choice("$.wave.next", { ask: "Time: start", run: "Run the wave" }, "Write the page"),
      "Time: start": {
        Type: "Pass",
        Parameters: { "until.$": "$.wave.until", "seconds.$": "$.wave.seconds", escalation: "no" },
        ResultPath: "$.gate",
        Next: "Gate: start",
      },
      ...gate("start", arns, { go: "Run the wave", noGo: "Write the page", failed }),
      "Run the wave": {
        Type: "Parallel",
        Comment:
          "The runs of the wave, and beside them what waits for all of them and asks whether the wave stays.",
        Branches: [eachDatabase(arns), decidesOnWave(arns)],
        // What became of the wave is in the evidence.
        ResultPath: null,
        Catch: failed,
        Next: "Next wave",
      },
      "Write the page": task("report", {
        comment: "One page with a line for each database, and how the rollout ends.",
        payload: { "failure.$": "$.failure" },
        ResultPath: "$.end",
        Next: "How did it end?",
      }),
      "How did it end?": choice("$.end.name", { Succeeded: "Succeeded", Refused: "Refused" }, "Incomplete"),
      Succeeded: { Type: "Succeed" },
      Refused: { Type: "Fail", Error: "Refused", CausePath: "$.end.cause" },
      Incomplete: { Type: "Fail", Error: "Incomplete", CausePath: "$.end.cause" },
    },
  };

  /** The runs of one wave. The Map never fails: Step Functions would stop the runs that are under way. */
  function eachDatabase({ runs, partition, bucket }: RolloutArns): StateMachine {
    const goesOn = [{ ErrorEquals: ALL, ResultPath: "$.failure", Next: "Database is noted" }];
    return {
      StartAt: "Each database",
      States: {
        "Each database": {
          Type: "Map",
          Label: "EachDatabase",
          ItemReader: {
            Resource: `arn:${partition}:states:::s3:getObject`,
            ReaderConfig: { InputType: "JSON" },
            Parameters: { Bucket: bucket, "Key.$": "$.wave.key" },
          },
          ItemSelector: {
            "rollout.$": "$.rollout",
            "wave.$": "$.wave",
            "item.$": "$$.Map.Item.Value",
            failure: { Error: "", Cause: "" },
          },
          MaxConcurrencyPath: "$.wave.atATime",
          ToleratedFailurePercentage: 100,
          ItemProcessor: {
            ProcessorConfig: { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" },
            StartAt: "May it start?",
            States: {
              ...loop(
                "May it start?",
                "begin",
                {
                  comment:
                    "Not where too many failed, or it is done; waits while another database of its instance is under way.",
                  payload: { "wave.$": "$.wave.number", "item.$": "$.item", runs },
                  ResultPath: "$.run",
                  // Its end is that it was not started.
                  Catch: [{ ErrorEquals: ALL, ResultPath: "$.failure", Next: "Note its end" }],
                },
                "Is it to start?",
              ),
              "Is it to start?": choice(
                "$.run.start",
                { yes: "Start the run", follow: "Note its end" },
                "Database is noted",
              ),
              "Start the run": {
                Type: "Task",
                Comment: "The run as it is: it ends by itself, whatever becomes of the others.",
                Resource: `arn:${partition}:states:::states:startExecution.sync:2`,
                Parameters: { StateMachineArn: runs, "Name.$": "$.run.name", "Input.$": "$.run.input" },
                ResultPath: null,
                // A failed end, or a run of this name that is there already: the evidence shows what became of it.
                Catch: [{ ErrorEquals: ALL, ResultPath: "$.failure", Next: "Note its end" }],
                Next: "Note its end",
              },
              ...loop(
                "Note its end",
                "end",
                {
                  comment: "Notes how the run ended, once it has.",
                  payload: {
                    "wave.$": "$.wave.number",
                    "item.$": "$.item",
                    "failure.$": "$.failure",
                    runs,
                  },
                  ResultPath: "$.noted",
                  Retry: [RETRIES.final, RETRIES.long],
                  Catch: goesOn,
                },
                "Has it begun?",
              ),
              "Has it begun?": choice("$.noted.status", { again: "May it start?" }, "Database is noted"),
              // Outputs of all items are one document, which Step Functions holds to 256 KiB.
              "Database is noted": { Type: "Pass", Result: {}, End: true },
            },
          },
          ResultPath: null,
          End: true,
        },
      },
    };
  }

  /** Waits until each run of the wave is held or has ended, and asks whether the wave stays, where any is held. */
  function decidesOnWave(of: RolloutArns): StateMachine {
    const givenUp = [{ ErrorEquals: ALL, ResultPath: "$.failure", Next: "Wave is decided" }];
    return {
      StartAt: "Look at the wave",
      States: {
        ...loop(
          "Look at the wave",
          "look",
          {
            comment: "Until every run of the wave has ended, or waits for the decision on the wave.",
            payload: { "wave.$": "$.wave.number" },
            ResultPath: "$.gate",
            Retry: [RETRIES.final, RETRIES.long],
            Catch: givenUp,
          },
          "Is the wave held?",
        ),
        "Is the wave held?": choice(
          "$.gate.ask",
          { yes: "Gate: keep", release: "Answer the held runs" },
          "Wave is decided",
        ),
        ...gate("keep", of, {
          go: "Answer the held runs",
          noGo: "Answer the held runs",
          failed: [{ ErrorEquals: ALL, ResultPath: "$.failure", Next: "Answer the held runs" }],
        }),
        "Answer the held runs": task("release", {
          comment: "Answers the gate keep of each held run as people decided on the wave.",
          payload: { "wave.$": "$.wave.number" },
          ResultPath: null,
          Retry: [RETRIES.final, RETRIES.long],
          Catch: givenUp,
          Next: "Wave is decided",
        }),
        "Wave is decided": { Type: "Pass", Result: {}, End: true },
      },
    };
  }
}

/** Asks until there is a decision. The answer of a page is but a wake-up call: what counts is in the evidence. */
function gate(
  kind: "start" | "keep",
  arns: RolloutArns,
  { go, noGo, failed }: { go: string; noGo: string; failed: unknown[] },
): Record<string, State> {
  const [ask, confirm, decided] = [`Gate: ${kind}`, `Confirm: ${kind}`, `Decided: ${kind}`];
  const { task } = tasksOf(arns);
  return {
    [ask]: {
      Type: "Task",
      Comment: "Sends the approvers a link and waits for a Go or a No-Go.",
      Resource: `arn:${arns.partition}:states:::lambda:invoke.waitForTaskToken`,
      Parameters: {
        FunctionName: arns.function,
        Payload: {
          ...ALWAYS,
          action: "open",
          gate: kind,
          "wave.$": "$.wave.number",
          "token.$": "$$.Task.Token",
          "until.$": "$.gate.until",
          "escalation.$": "$.gate.escalation",
        },
      },
      TimeoutSecondsPath: "$.gate.seconds",
      ResultPath: "$.gate.answer",
      Retry: [
        RETRIES.final,
        // Leaves out States.Timeout, which would ask the same people again when their time is over.
        { ...RETRIES.usual, ErrorEquals: ["States.TaskFailed"] },
      ],
      Catch: [{ ErrorEquals: ["States.Timeout"], ResultPath: "$.gate.unanswered", Next: confirm }, ...failed],
      Next: confirm,
    },
    [confirm]: task("confirm", {
      comment:
        "Before a decision takes effect: did people take it, and does what it was given for still hold?",
      payload: { gate: kind, "wave.$": "$.wave.number", "answer.$": "$.gate" },
      ResultPath: "$.gate",
      Catch: failed,
      Next: decided,
    }),
    [decided]: choice("$.gate.decision", { Go: go, Ask: ask }, noGo),
  };
}

/** What every task is sent. */
const ALWAYS = { "run.$": "$.rollout.name", "execution.$": "$.rollout.execution" };

interface TaskFields {
  comment: string;
  payload: Record<string, unknown>;
  [field: string]: unknown;
}

function tasksOf(arns: RolloutArns) {
  const task = (action: string, { comment, payload, ...fields }: TaskFields): State => ({
    Type: "Task",
    Comment: comment,
    Resource: arns.function,
    Parameters: { ...ALWAYS, action, ...payload },
    TimeoutSeconds: TASK_SECONDS,
    Retry: [RETRIES.final, RETRIES.usual],
    ...fields,
  });
  /** A task that is called again as long as it answers that it is `running`. */
  const loop = (name: string, action: string, fields: TaskFields, next: string): Record<string, State> => {
    const at = fields.ResultPath as string;
    return {
      [name]: task(action, { ...fields, Next: `Done: ${name}` }),
      [`Done: ${name}`]: choice(`${at}.status`, { running: `Wait: ${name}` }, next),
      [`Wait: ${name}`]: { Type: "Wait", SecondsPath: `${at}.waitSeconds`, Next: name },
    };
  };
  return { task, loop };
}

function choice(path: string, leads: Readonly<Record<string, string>>, otherwise: string): State {
  return {
    Type: "Choice",
    Choices: Object.entries(leads).map(([is, Next]) => ({ Variable: path, StringEquals: is, Next })),
    Default: otherwise,
  };
}
