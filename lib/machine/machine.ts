import type { CfnResource } from "aws-cdk-lib";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { fenceAgain, fenceAndBackUp, lookForWrites, snapshot } from "./backup.ts";
import type { MachineCapability } from "./capabilities.ts";
import { close } from "./close.ts";
import { gate } from "./gate.ts";
import { migrationSequence } from "./migration-sequence.ts";
import { open, proveProduction } from "./opening.ts";
import { rehearsal } from "./rehearsal.ts";
import { countLoss, restore } from "./restore.ts";
import { rollback } from "./rollback.ts";
import { inOrder, type Segment } from "./segment.ts";
import { States } from "./states.ts";

export interface MachineProps {
  plan: CompiledPlan;
  /** Whether the rehearsal comes before the application is stopped, or inside the downtime. */
  rehearse: "before" | "inside";
  /** Whether the final snapshot goes to further places. */
  archive: boolean;
  functions: Record<MachineCapability, IFunction>;
  /** Logging, tracing and the like. */
  stateMachineProps?: Omit<sfn.StateMachineProps, "definitionBody">;
}

/** CloudFormation metadata of the state machine: its phases in order, each with the states that do its work. */
export const PHASES_METADATA = "sluice:phases";

/** The plan as one state machine: see the table in docs/architecture.md. */
export class Machine extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: MachineProps) {
    super(scope, id);
    const { plan, functions } = props;
    const states = new States(this, "States", { functions, planChecksum: plan.checksum });

    // Built from the end to the start, since every state names what follows it; the order of phases is told below.
    const ends = states.phase("Close", () => close(states));
    const back = states.phase("Restore", () => restore(states, ends.NeedsOperator));
    back.leadTo(ends.Restored);
    const backGate = states.phase("Gate: restore", () =>
      gate(states, { kind: "restore", text: plan.gates.restore, onNoGo: ends.NeedsOperator }),
    );
    backGate.leadTo(back.first);
    const count = states.phase("Count the loss", () => countLoss(states, backGate.first));
    const undo = states.phase("Roll back", () => {
      const all = rollback(states, plan, count.first);
      all.leadTo(ends.RolledBack);
      return all;
    });
    const undoOpened = states.phase("Fence again", () => fenceAgain(states, count.first));
    undoOpened.leadTo(undo.first);

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
          onFailure: undo.first,
          after: ({ version }) =>
            gate(states, { kind: "after", version, text: plan.gates.after, onNoGo: undo.first }),
        }),
      ),
    );
    const prove = states.phase("Prove", () => proveProduction(states, plan, undo.first));
    const openGate = states.phase("Gate: open", () =>
      gate(states, { kind: "open", text: plan.gates.open, onNoGo: undo.first }),
    );
    const opening = states.phase("Open", () =>
      open(states, { plan, onBack: undoOpened.first, onDone: ends.Succeeded }),
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
    order.push("Fence again", "Roll back", "Count the loss", "Gate: restore", "Restore", "Close");
    const phases = order.map((name) => states.phases.find(({ phase }) => phase === name));
    (this.stateMachine.node.defaultChild as CfnResource).addMetadata(PHASES_METADATA, phases);
  }

  /** The operator's input is parsed by the first task and then dropped, so that no state carries it on. */
  private admit(states: States, onFailure: sfn.State): Segment {
    const start = new sfn.Pass(states, "Start", {
      parameters: {
        failure: { Error: "", Cause: "" },
        unfinished: {},
        end: { name: "", told: { cause: "" } },
      },
    });
    const admitted = inOrder(
      states.task("Admit the run", {
        comment:
          "Parses the input, takes the run lock for this database and looks at production from outside.",
        capability: "admit",
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
