import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { fenceAndBackUp, lookForWrites, snapshot } from "./backup.ts";
import { gate } from "./gate.ts";
import { migrationSequence } from "./migration-sequence.ts";
import { open, proveProduction } from "./opening.ts";
import { rehearsal } from "./rehearsal.ts";
import { inOrder, type Segment } from "./segment.ts";
import { type FunctionsByCapability, States } from "./states.ts";
import { END_TOLD, noteMachine, waysBack } from "./ways-back.ts";

export interface MachineProps {
  plan: CompiledPlan;
  /** Whether the rehearsal comes before the application is stopped, or inside the downtime. */
  rehearse: "before" | "inside";
  /** Whether the final snapshot goes to further places. */
  archive: boolean;
  /** Whether production may be restored from its snapshot. */
  restore: boolean;
  functions: FunctionsByCapability;
  /** Logging, tracing and the like. */
  stateMachineProps?: Omit<sfn.StateMachineProps, "definitionBody">;
}

/** The plan as one state machine: see the table in docs/architecture.md. */
export class Machine extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: MachineProps) {
    super(scope, id);
    const { plan, functions } = props;
    const states = new States(this, "States", { functions });

    // Built from the end to the start, since every state names what follows it; the order of phases is told below.
    const { ends, undo, undoOpened } = waysBack(states, props);
    const refuse = ends.Refused;
    const admit = states.phase("Admit", () => this.admit(states, refuse));
    const ready = states.phase("Gate: readiness", () =>
      gate(states, { kind: "readiness", text: plan.gates.readiness, onNoGo: refuse }),
    );
    const rehearse: Segment[] = [
      states.phase("Rehearse", () =>
        props.rehearse === "before"
          ? inOrder(
              snapshot(states, "Snapshot production", "rehearsal", refuse),
              rehearsal(states, { plan, snapshot: "rehearsal", onFailure: refuse }),
            )
          : rehearsal(states, { plan, snapshot: "final", onFailure: refuse }),
      ),
    ];
    const go = states.phase("Gate: rehearsal", () =>
      gate(states, { kind: "rehearsal", text: plan.gates.rehearsal, onNoGo: refuse }),
    );
    const backup = states.phase("Fence and back up", () =>
      fenceAndBackUp(states, { archive: props.archive, onFailure: refuse }),
    );
    const migrate = states.phase("Migrate", () =>
      inOrder(
        lookForWrites(states, refuse),
        migrationSequence(states, {
          target: "production",
          migrations: plan.migrations,
          onFailure: undo,
          after: ({ version }) =>
            gate(states, { kind: "after", version, text: plan.gates.after, onNoGo: undo }),
        }),
      ),
    );
    const prove = states.phase("Prove", () => proveProduction(states, plan, undo));
    const openGate = states.phase("Gate: open", () =>
      gate(states, { kind: "open", text: plan.gates.open, onNoGo: undo }),
    );
    const opening = states.phase("Open", () =>
      open(states, { plan, onBack: undoOpened, onDone: ends.Succeeded }),
    );

    const first = props.rehearse === "before" ? [...rehearse, go, backup] : [backup, ...rehearse, go];
    const whole = inOrder(admit, ready, ...first, migrate, prove, openGate);
    openGate.leadTo(opening);

    this.stateMachine = new sfn.StateMachine(this, "Resource", {
      ...props.stateMachineProps,
      definitionBody: sfn.DefinitionBody.fromChainable(sfn.Chain.start(whole.first)),
    });
    const forward =
      props.rehearse === "before"
        ? ["Rehearse", "Gate: rehearsal", "Fence and back up"]
        : ["Fence and back up", "Rehearse", "Gate: rehearsal"];
    const order = ["Admit", "Gate: readiness", ...forward, "Migrate", "Prove", "Gate: open", "Open"];
    noteMachine(this.stateMachine, "run", states, order);
  }

  /** The operator's input is parsed by the first task and then dropped, so that no state carries it on. */
  private admit(states: States, onFailure: sfn.State): Segment {
    const start = new sfn.Pass(states, "Start", {
      parameters: {
        // Known once the run is admitted: every task is told it.
        plan: { checksum: "" },
        failure: { Error: "", Cause: "" },
        unfinished: {},
        end: END_TOLD,
      },
    });
    const admitted = inOrder(
      states.task("Admit the run", {
        comment:
          "Parses the input, binds the run to its plan, takes the run lock and looks at production from outside.",
        capability: "admit",
        resultPath: "$.plan",
        payload: { action: "admit", input: sfn.JsonPath.objectAt("$$.Execution.Input") },
        onFailure,
      }),
      states.task("Preflight", {
        comment: "Every condition is checked, and all problems are told at once, each with what mends it.",
        capability: "preflight",
        onFailure,
      }),
    );
    start.next(admitted.first);
    return { first: start, leadTo: (next) => admitted.leadTo(next) };
  }
}
