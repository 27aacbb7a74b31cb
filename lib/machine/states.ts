import { Duration } from "aws-cdk-lib";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import * as tasks from "aws-cdk-lib/aws-stepfunctions-tasks";
import { Construct } from "constructs";
import { ANSWERED_BY_WAVE, FINAL, RETRYABLE } from "../../lambdas/shared/errors.ts";
import type { GateKind } from "../../lambdas/shared/gates.ts";
import type { MachineCapability } from "./capabilities.ts";
import { retryOfLambdaErrors, WAYS_BACK } from "./retries.ts";
import type { Loop, Segment } from "./segment.ts";
import type { Way } from "./way.ts";

/** A failure is noted and passed by: it leads where the state leads. */
export const GOES_ON = "goes on";

/**
 * Where the machine's state holds a gate's time, and then its answer. Step Functions looks up a timeout in a state's
 * input, other interpreters in what the state sends: in both it is at this path.
 */
export const GATE_TIME = "$.Payload";

/**
 * Which migrations a state works on, where not on all: those that have a rollback; those that are rolled back on
 * production, which are all before the first restore-only one; none, unless the restore is rehearsed as the way back.
 */
export type Only = "with a rollback" | "rolled back" | "after the restore";

export interface TaskOptions {
  /** What the state does, for whoever clicks on it in the console. */
  comment: string;
  capability: MachineCapability;
  /** What people call it, where several states do the same and lead elsewhere; its name unless told. */
  called?: string;
  /** Absent: it is entered for every migration, or whatever the plan is. */
  only?: Only | undefined;
  /** What the capability needs beside the run's own fields. */
  payload?: Record<string, unknown>;
  /** The gate that it leads to: its answer says how long that may be open, in `GATE_TIME` unless told otherwise. */
  asks?: GateKind;
  /** Where any failure leads. */
  onFailure: Way | typeof GOES_ON;
  /** Where the failure is put in the state; `$.failure` unless told. */
  failurePath?: string;
  /** Where the answer is put in the state; a loop's at `$.loop`, another's dropped unless told. */
  resultPath?: string;
  /** How often it is tried again at most, whatever it meets of its own; as the kind of error deserves unless told. */
  retries?: number;
  /** How often it is tried again where the database cannot be reached; as often as all else unless told. */
  connectionRetries?: number;
}

export interface LoopOptions extends TaskOptions {
  /** After this long the capability gives up with TookTooLong. */
  limitMinutes: number;
}

// A Lambda lives at most 15 minutes; five seconds more let its own answer arrive first.
const TASK_TIMEOUT = Duration.seconds(905);

/** The functions as they are deployed now, by the capability that each serves. */
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
  readonly phases: { phase: string; within?: string; states: string[]; only: Record<string, Only> }[] = [];
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
  phase<T>(phase: string, within: string | undefined, build: () => T): T {
    this.phases.push({ phase, ...(within === undefined ? {} : { within }), states: [], only: {} });
    return build();
  }

  /** A Lambda task, called once. */
  task(name: string, options: TaskOptions): Segment {
    const state = this.invoke(name, options);
    return {
      first: state,
      leadTo: (next) => {
        state.next(next);
        this.goOn(state, options, next);
      },
    };
  }

  /** A Lambda task that is called until it says that it is done. */
  loop(name: string, options: LoopOptions): Loop {
    const answer = options.resultPath ?? "$.loop";
    const state = this.invoke(name, {
      ...options,
      payload: { ...options.payload, limitMinutes: options.limitMinutes },
      resultPath: answer,
    });
    const wait = new sfn.Wait(this, `Wait: ${name}`, {
      time: sfn.WaitTime.secondsPath(`${answer}.waitSeconds`),
    });
    const choice = new sfn.Choice(this, `Done: ${name}`);
    state.next(choice);
    choice.when(sfn.Condition.stringEquals(`${answer}.status`, "running"), wait);
    wait.next(state);
    return {
      first: state,
      when: (answered, next) => void choice.when(answered, next),
      leadTo: (next) => {
        choice.otherwise(next);
        this.goOn(state, options, next);
      },
    };
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
      /** Where it is noted that people's decision on a wave answers it; it leads where nobody's answer leads. */
      byWavePath: string;
    },
  ): Segment {
    const state = new tasks.LambdaInvoke(this, name, {
      comment: options.comment,
      lambdaFunction: this.function(options.capability),
      integrationPattern: sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
      payload: sfn.TaskInput.fromObject({
        ...this.told(name),
        ...options.payload,
        token: sfn.JsonPath.taskToken,
      }),
      resultPath: options.resultPath ?? sfn.JsonPath.DISCARD,
      taskTimeout: sfn.Timeout.at(options.secondsPath),
      retryOnServiceExceptions: false,
    });
    // The task has said what is wrong and that doing the same again will not mend it.
    state.addRetry({ errors: [...FINAL], maxAttempts: 0 });
    // It needs no answer of anybody's.
    state.addRetry({ errors: [ANSWERED_BY_WAVE], maxAttempts: 0 });
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
    state.addCatch(options.onTimeout, {
      errors: [ANSWERED_BY_WAVE],
      resultPath: options.byWavePath,
    });
    this.catchAll(state, options);
    this.note(name, options.only);
    return { first: state, leadTo: (next) => void state.next(next) };
  }

  private invoke(name: string, options: TaskOptions): sfn.TaskStateBase {
    const state = new tasks.LambdaInvoke(this, name, {
      comment: options.comment,
      lambdaFunction: this.function(options.capability),
      payload: sfn.TaskInput.fromObject({
        ...this.told(options.called ?? name),
        ...options.payload,
        ...(options.asks === undefined ? {} : { asks: options.asks }),
      }),
      payloadResponseOnly: true,
      resultPath: options.resultPath ?? (options.asks === undefined ? sfn.JsonPath.DISCARD : GATE_TIME),
      taskTimeout: sfn.Timeout.duration(TASK_TIMEOUT),
      retryOnServiceExceptions: false,
    });
    // The task has said what is wrong and that doing the same again will not mend it.
    state.addRetry({ errors: [...FINAL], maxAttempts: 0 });
    // A failover takes a minute or two, and others may hold a lock for as long; a restore would take far longer still.
    state.addRetry({
      errors: [...RETRYABLE],
      interval: Duration.seconds(5),
      maxAttempts: options.connectionRetries ?? options.retries ?? 10,
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
    this.catchAll(state, options);
    this.note(name, options.only);
    return state;
  }

  private catchAll(state: sfn.TaskStateBase, { onFailure, failurePath = "$.failure" }: TaskOptions): void {
    if (onFailure === GOES_ON) return;
    onFailure.from((to) => void state.addCatch(to, { errors: [sfn.Errors.ALL], resultPath: failurePath }));
  }

  private goOn(
    state: sfn.TaskStateBase,
    { onFailure, failurePath = "$.failure" }: TaskOptions,
    next: sfn.State,
  ): void {
    if (onFailure !== GOES_ON) return;
    state.addCatch(next, { errors: [sfn.Errors.ALL], resultPath: failurePath });
  }

  /** What every task is told: the run, and where in it this is. */
  private told(name: string): Record<string, string> {
    return { ...this.run, state: name, phase: this.phaseNow().phase };
  }

  private addRetryOfLambdaErrors(state: sfn.TaskStateBase): void {
    const back = this.leadsBack || WAYS_BACK.includes(this.phaseNow().phase);
    state.addRetry(retryOfLambdaErrors(back ? "long" : "usual"));
  }

  private function(capability: MachineCapability): IFunction {
    const found = this.functions[capability];
    if (!found) throw new Error(`No function is deployed for ${capability}`);
    return found;
  }

  private note(name: string, only: Only | undefined): void {
    const { states, only: onlySome } = this.phaseNow();
    states.push(name);
    if (only !== undefined) onlySome[name] = only;
  }

  private phaseNow() {
    const phase = this.phases.at(-1);
    if (!phase) throw new Error("A state was made outside any phase");
    return phase;
  }
}
