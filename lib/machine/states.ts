import { Duration } from "aws-cdk-lib";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import * as tasks from "aws-cdk-lib/aws-stepfunctions-tasks";
import { Construct } from "constructs";
import { FINAL, RETRYABLE } from "../../lambdas/shared/errors.ts";
import type { MachineCapability } from "./capabilities.ts";
import { retryOfLambdaErrors, WAYS_BACK } from "./retries.ts";
import type { Segment } from "./segment.ts";

export interface TaskOptions {
  /** What the state does, for whoever clicks on it in the console. */
  comment: string;
  capability: MachineCapability;
  /** What the capability needs beside the run's own fields. */
  payload?: Record<string, unknown>;
  /** Where any failure leads. */
  onFailure: sfn.State;
  /** Where the failure is put in the state; `$.failure` unless told. */
  failurePath?: string;
  /** Where the answer is put in the state; dropped unless told. */
  resultPath?: string;
  /** How often it is tried again at most, whatever it meets of its own; as the kind of error deserves unless told. */
  retries?: number;
}

export interface LoopOptions extends TaskOptions {
  /** After this long the capability gives up with TookTooLong. */
  limitMinutes: number;
}

// A Lambda lives at most 15 minutes; five seconds more let its own answer arrive first.
const TASK_TIMEOUT = Duration.seconds(905);

/** The functions that are deployed, by the capability that each serves. */
export type FunctionsByCapability = Readonly<Partial<Record<MachineCapability, IFunction>>>;

export interface StatesProps {
  functions: FunctionsByCapability;
  /** What each task is told of the run; the execution itself is the run unless told. */
  run?: Readonly<Record<string, string>>;
  /** All its states are ways back. */
  leadsBack?: boolean;
}

/** Makes a machine's states and notes which phase each belongs to. */
export class States extends Construct {
  readonly phases: { phase: string; states: string[] }[] = [];
  private readonly functions: FunctionsByCapability;
  private readonly run: Readonly<Record<string, string>>;
  private readonly leadsBack: boolean;

  constructor(scope: Construct, id: string, { functions, run, leadsBack }: StatesProps) {
    super(scope, id);
    this.functions = functions;
    this.leadsBack = leadsBack ?? false;
    this.run = {
      ...(run ?? {
        run: sfn.JsonPath.stringAt("$$.Execution.Name"),
        execution: sfn.JsonPath.stringAt("$$.Execution.Id"),
        started: sfn.JsonPath.stringAt("$$.Execution.StartTime"),
      }),
      planChecksum: sfn.JsonPath.stringAt("$.plan.checksum"),
    };
  }

  /** States made by `build` belong to this phase. */
  phase<T>(phase: string, build: () => T): T {
    this.phases.push({ phase, states: [] });
    return build();
  }

  /** A Lambda task, called once. */
  task(name: string, options: TaskOptions): Segment {
    const state = this.invoke(name, options);
    return { first: state, leadTo: (next) => void state.next(next) };
  }

  /** A Lambda task that is called until it says that it is done. */
  loop(name: string, options: LoopOptions): Segment {
    const state = this.invoke(name, {
      ...options,
      payload: { ...options.payload, limitMinutes: options.limitMinutes },
      resultPath: "$.loop",
    });
    const wait = new sfn.Wait(this, `Wait: ${name}`, {
      time: sfn.WaitTime.secondsPath("$.loop.waitSeconds"),
    });
    const choice = new sfn.Choice(this, `Done: ${name}`);
    state.next(choice);
    choice.when(sfn.Condition.stringEquals("$.loop.status", "running"), wait);
    wait.next(state);
    return { first: state, leadTo: (next) => void choice.otherwise(next) };
  }

  /** A Lambda task that hands its task token on and waits for somebody to answer it. */
  waitForAnswer(
    name: string,
    options: TaskOptions & {
      /** Where in the state the seconds stand that it may take. */
      secondsPath: string;
      onTimeout: sfn.State;
      /** Where it is noted that nobody answered. */
      timeoutPath: string;
    },
  ): Segment {
    const state = new tasks.LambdaInvoke(this, name, {
      comment: options.comment,
      lambdaFunction: this.function(options.capability),
      integrationPattern: sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
      payload: sfn.TaskInput.fromObject({
        ...this.run,
        state: name,
        ...options.payload,
        token: sfn.JsonPath.taskToken,
      }),
      resultPath: options.resultPath ?? sfn.JsonPath.DISCARD,
      taskTimeout: sfn.Timeout.at(options.secondsPath),
      retryOnServiceExceptions: false,
    });
    // The task has said what is wrong and that doing the same again will not mend it.
    state.addRetry({ errors: [...FINAL], maxAttempts: 0 });
    this.addRetryOfLambdaErrors(state);
    // The worker died or lost its connection before it had asked. Asking again is safe: a newer link supersedes the
    // older. States.TaskFailed leaves out States.Timeout, which would ask the same people again when their time is over.
    state.addRetry({
      errors: [sfn.Errors.TASKS_FAILED],
      interval: Duration.seconds(2),
      maxAttempts: 4,
      backoffRate: 2,
    });
    // Nobody answered in time: that is no failure.
    state.addCatch(options.onTimeout, {
      errors: [sfn.Errors.TIMEOUT],
      resultPath: options.timeoutPath,
    });
    state.addCatch(options.onFailure, { errors: [sfn.Errors.ALL], resultPath: "$.failure" });
    this.note(name);
    return { first: state, leadTo: (next) => void state.next(next) };
  }

  private invoke(name: string, options: TaskOptions): sfn.TaskStateBase {
    const state = new tasks.LambdaInvoke(this, name, {
      comment: options.comment,
      lambdaFunction: this.function(options.capability),
      payload: sfn.TaskInput.fromObject({ ...this.run, state: name, ...options.payload }),
      payloadResponseOnly: true,
      resultPath: options.resultPath ?? sfn.JsonPath.DISCARD,
      taskTimeout: sfn.Timeout.duration(TASK_TIMEOUT),
      retryOnServiceExceptions: false,
    });
    // The task has said what is wrong and that doing the same again will not mend it.
    state.addRetry({ errors: [...FINAL], maxAttempts: 0 });
    // A failover takes a minute or two, and others may hold a lock for as long; a restore would take far longer still.
    state.addRetry({
      errors: [...RETRYABLE],
      interval: Duration.seconds(5),
      maxAttempts: options.retries ?? 10,
      backoffRate: 2,
      maxDelay: Duration.seconds(60),
    });
    this.addRetryOfLambdaErrors(state);
    // Anything else (a killed worker, a throttled API) may pass. Every task first looks
    // at what is there already, so that doing it twice does nothing twice.
    state.addRetry({
      errors: [sfn.Errors.ALL],
      interval: Duration.seconds(2),
      maxAttempts: options.retries ?? 4,
      backoffRate: 2,
      maxDelay: Duration.seconds(60),
      jitterStrategy: sfn.JitterType.FULL,
    });
    state.addCatch(options.onFailure, {
      errors: [sfn.Errors.ALL],
      resultPath: options.failurePath ?? "$.failure",
    });
    this.note(name);
    return state;
  }

  private addRetryOfLambdaErrors(state: sfn.TaskStateBase): void {
    const back = this.leadsBack || WAYS_BACK.includes(this.phases.at(-1)?.phase ?? "");
    state.addRetry(retryOfLambdaErrors(back ? "long" : "usual"));
  }

  private function(capability: MachineCapability): IFunction {
    const found = this.functions[capability];
    if (!found) throw new Error(`No function is deployed for ${capability}`);
    return found;
  }

  private note(name: string): void {
    const phase = this.phases.at(-1);
    if (!phase) throw new Error(`State "${name}" was made outside any phase`);
    phase.states.push(name);
  }
}
