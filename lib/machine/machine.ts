import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { admit } from "./admit.ts";
import { fenceAndBackUp, lookForWrites } from "./backup.ts";
import { gate, gateAfter, gateAfterFailure, type LooksAtBackup } from "./gate.ts";
import { migrate } from "./migration-sequence.ts";
import { afterOpening, open, proveProduction } from "./opening.ts";
import { build, noteMachine, type PhaseTable, phase } from "./phases.ts";
import { rehearsal } from "./rehearsal.ts";
import { type FunctionsByCapability, States } from "./states.ts";
import { waysBack } from "./ways-back.ts";

export interface MachineSettings {
  /** Whether the rehearsal comes before the application is stopped, or inside the downtime. */
  rehearse: "before" | "inside";
  /** Whether the final snapshot is copied or exported to other places. */
  archive: boolean;
  /** Whether production may be restored. */
  restore: boolean;
  /** Whether it may be backed up to a moment; preflight decides. */
  moments: boolean;
  /** Whether a snapshot is taken after the opening, and kept. */
  keeps: boolean;
}

export interface MachineProps extends MachineSettings {
  functions: FunctionsByCapability;
  /** Properties for logging, tracing and so on. */
  stateMachineProps?: Omit<sfn.StateMachineProps, "definitionBody">;
}

/** The state machine that runs every plan. */
export class Machine extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: MachineProps) {
    super(scope, id);
    const { functions } = props;
    const states = new States(this, "States", { functions });
    const first = build(states, phasesOfRun(props));
    this.stateMachine = new sfn.StateMachine(this, "Resource", {
      ...props.stateMachineProps,
      definitionBody: sfn.DefinitionBody.fromChainable(sfn.Chain.start(first)),
    });
    noteMachine(this.stateMachine, "run", states);
  }
}

/** The phases of a run, and what follows each. */
function phasesOfRun({ rehearse, archive, restore, moments, keeps }: MachineSettings): PhaseTable {
  const looks = looksAtBackup({ restore, moments });
  const before = rehearse === "before";
  const rehearsed: PhaseTable = {
    Rehearse: phase(rehearsal(before ? "rehearsal" : "final"), {
      done: "Gate: rehearsal",
      failed: "Refused",
    }),
    "Gate: rehearsal": phase(gate("rehearsal"), {
      go: before ? "Fence and back up" : "Look for writes",
      noGo: "Refused",
    }),
  };
  const fenced: PhaseTable = {
    "Fence and back up": phase(fenceAndBackUp({ archive }), {
      done: before ? "Look for writes" : "Rehearse",
      failed: "Refused",
    }),
  };
  return {
    Admit: phase(admit, { done: "Gate: readiness", failed: "Refused" }),
    "Gate: readiness": phase(gate("readiness"), {
      go: before ? "Rehearse" : "Fence and back up",
      noGo: "Refused",
    }),
    ...(before ? { ...rehearsed, ...fenced } : { ...fenced, ...rehearsed }),
    "Look for writes": phase(lookForWrites, { done: "Migrate", failed: "Refused" }, "Migrate"),
    Migrate: phase(migrate, { asked: "Gate: after", done: "Prove", failed: "Roll back" }),
    "Gate: after": phase(gateAfter(looks), { next: "Migrate", done: "Prove", noGo: "Roll back" }, "Migrate"),
    Prove: phase(proveProduction, { done: "Gate: open", failed: "Roll back" }),
    "Gate: open": phase(gate("open", looks), { go: "Open", noGo: "Roll back" }),
    ...opened({ looks, keeps, held: true }),
    ...waysBack(restore, looks),
  };
}

/** Whether gates show the backup: only where a restore to a moment is possible. */
export function looksAtBackup({
  restore,
  moments,
}: Pick<MachineSettings, "restore" | "moments">): LooksAtBackup | undefined {
  return restore && moments ? true : undefined;
}

/**
 * How the application is let in; from its first state on the way back begins with a fence.
 * @param held the run may be one that a rollout holds at `keep`, until people decided on its wave
 */
export function opened({
  looks,
  keeps,
  held,
}: {
  looks: LooksAtBackup | undefined;
  keeps: boolean;
  held: boolean;
}): PhaseTable {
  return {
    Open: phase(open({ held }), { done: "After the opening", unsure: "Gate: keep", failed: "Fence again" }),
    "Gate: keep": phase(
      gateAfterFailure("keep", looks),
      { go: "After the opening", noGo: "Fence again" },
      "Open",
    ),
    "After the opening": phase(afterOpening({ keeps }), { done: "Succeeded" }, "Open"),
  };
}
