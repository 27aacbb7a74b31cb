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

/** The failure is noted and otherwise ignored: the state leads where it always leads. */
export const GOES_ON = "goes on";

/**
 * Where the machine's state holds a gate's time, and then its answer. Step Functions reads a timeout from a state's input,
 * other interpreters from the state's arguments: both have it at this path.
 */
export const GATE_TIME = "$.Payload";

/**
 * The migrations that a state works on, if not all: those with a rollback; those that are rolled back on production, which
 * are all before the first restore-only one; or all, if the rehearsal includes the restore, and otherwise none.
 */
export type Only = "with a rollback" | "rolled back" | "after the restore";

export interface TaskOptions {
  /** What the state does, shown when it is clicked in the console. */
  comment: string;
  capability: MachineCapability;
  /** Name for people, if several states do the same and lead elsewhere. Default: the state's name. */
  called?: string;
  /** Absent: the state is entered for every migration, or for every plan. */
  only?: Only | undefined;
  /** Input of the capability beside the run's own fields. */
  payload?: Record<string, unknown>;
  /** The gate that it leads to. Its answer has the gate's time, in `GATE_TIME` unless `resultPath` is set. */
  asks?: GateKind;
  /** Where a failure leads. */
  onFailure: Way | typeof GOES_ON;
  /** Path of the failure in the machine's state. Default: `$.failure`. */
  failurePath?: string;
  /** Path of the answer. Default: `$.loop` for a loop; otherwise the answer is dropped. */
  resultPath?: string;
  /** Most retries after the task's own errors. Default: by the kind of error. */
  retries?: number;
  /** Most retries while the database is unreachable. Default: as for other errors. */
  connectionRetries?: number;
}

export interface LoopOptions extends TaskOptions {
  /** After so many minutes the capability gives up with TookTooLong. */
  limitMinutes: number;
}

// A Lambda lives at most 15 minutes; five more seconds let its answer arrive first.
const TASK_TIMEOUT = Duration.seconds(905);

/** The functions as deployed now, by capability. */
export type FunctionsByCapability = Readonly<Partial<Record<MachineCapability, IFunction>>>;

export interface StatesProps {
  functions: FunctionsByCapability;
  /** What each task receives about the run. Default: the execution itself is the run. */
  run?: Readonly<Record<string, string>>;
  /** Whether all its states are ways back. */
  leadsBack?: boolean;
}

/** Makes a machine's states, and notes the phase of each. */
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

  /** Assigns the states that `build` makes to this phase. */
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

  /** A Lambda task that is called until it reports that it is done. */
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

  /** A Lambda task that passes its task token on and waits for an answer. */
  waitForAnswer(
    name: string,
    options: TaskOptions & {
      /** Path of the seconds that it may take. */
      secondsPath: string;
      onTimeout: sfn.State;
      /** Path where a timeout is noted. */
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
        ...this.context(name),
        ...options.payload,
        token: sfn.JsonPath.taskToken,
      }),
      resultPath: options.resultPath ?? sfn.JsonPath.DISCARD,
      taskTimeout: sfn.Timeout.at(options.secondsPath),
      retryOnServiceExceptions: false,
    });
    // The task has reported what is wrong, and a retry would not fix it.
    state.addRetry({ errors: [...FINAL], maxAttempts: 0 });
    // It needs no answer of anybody's.
    state.addRetry({ errors: [ANSWERED_BY_WAVE], maxAttempts: 0 });
    this.addRetryOfLambdaErrors(state);
    // The worker died or lost its connection before the gate opened. Opening it again is safe: a newer link replaces the
    // older. States.TaskFailed leaves out States.Timeout, where a retry would ask the same people after their time.
    state.addRetry({
      errors: [sfn.Errors.TASKS_FAILED],
      interval: Duration.seconds(2),
      maxAttempts: 4,
      backoffRate: 2,
    });
    // Nobody answered in time, which is no failure.
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
        ...this.context(options.called ?? name),
        ...options.payload,
        ...(options.asks === undefined ? {} : { asks: options.asks }),
      }),
      payloadResponseOnly: true,
      resultPath: options.resultPath ?? (options.asks === undefined ? sfn.JsonPath.DISCARD : GATE_TIME),
      taskTimeout: sfn.Timeout.duration(TASK_TIMEOUT),
      retryOnServiceExceptions: false,
    });
    // The task has reported what is wrong, and a retry would not fix it.
    state.addRetry({ errors: [...FINAL], maxAttempts: 0 });
    // A failover takes a minute or two, and a lock may be held for as long; a restore would take far longer.
    state.addRetry({
      errors: [...RETRYABLE],
      interval: Duration.seconds(5),
      maxAttempts: options.connectionRetries ?? options.retries ?? 10,
      backoffRate: 2,
      maxDelay: Duration.seconds(60),
    });
    this.addRetryOfLambdaErrors(state);
    // Anything else may pass, such as a killed worker or a throttled API. Every task first looks at what exists already,
    // so a second call does nothing twice.
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

  /** What every task receives: the run, and the state that calls it. */
  private context(name: string): Record<string, string> {
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
