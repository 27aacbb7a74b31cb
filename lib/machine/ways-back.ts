import type { CfnResource } from "aws-cdk-lib";
import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import type { End } from "../../lambdas/shared/documents.ts";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { fenceAgain } from "./backup.ts";
import { close } from "./close.ts";
import { gate } from "./gate.ts";
import { countLoss, restore } from "./restore.ts";
import { WAYS_BACK } from "./retries.ts";
import { rollback } from "./rollback.ts";
import type { States } from "./states.ts";

/** CloudFormation metadata of a state machine: its phases in order, each with the states that do its work. */
export const PHASES_METADATA = "sluice:phases";

/** CloudFormation metadata of a state machine: which of the two it is. */
export const MACHINE_METADATA = "sluice:machine";

export type MachineName = "run" | "clean-up";

/** What a machine's state holds of the end, until it is known. */
export const END_TOLD = {
  name: "",
  told: { cause: "The report could not be written: see the run's evidence." },
};

export interface WaysBack {
  ends: Readonly<Record<End, sfn.State>>;
  /** Rolls production back. */
  undo: sfn.State;
  /** The same where the application is in, or may be. */
  undoOpened: sfn.State;
  /** Where rolling back is not enough: people are asked whether to restore, where it may be restored. */
  stuck: sfn.State;
  /** Goes on with a restore, or begins one; undefined where it may not be restored. */
  restoring: sfn.State | undefined;
}

/** The ways back and the ends, which a run and the clean-up after a stopped one have in common. */
export function waysBack(
  states: States,
  { plan, restore: may }: { plan: CompiledPlan; restore: boolean },
): WaysBack {
  const ends = states.phase("Close", () => close(states));
  const restoring = may ? restored(states, ends) : undefined;
  const stuck = restoring
    ? askedFirst(states, plan, { restoring, onNoGo: ends.NeedsOperator })
    : ends.NeedsOperator;
  const undo = states.phase("Roll back", () => {
    const all = rollback(states, plan, stuck);
    all.leadTo(ends.RolledBack);
    return all.first;
  });
  const undoOpened = states.phase("Fence again", () => {
    const fencing = fenceAgain(states, stuck);
    fencing.leadTo(undo);
    return fencing.first;
  });
  return { ends, undo, undoOpened, stuck, restoring };
}

/** People are told what a restore would lose, and asked. */
function askedFirst(
  states: States,
  plan: CompiledPlan,
  { restoring, onNoGo }: { restoring: sfn.State; onNoGo: sfn.State },
): sfn.State {
  const asked = states.phase("Gate: restore", () =>
    gate(states, { kind: "restore", text: plan.gates.restore, onNoGo }),
  );
  asked.leadTo(restoring);
  return states.phase("Count the loss", () => countLoss(states, asked.first)).first;
}

function restored(states: States, ends: WaysBack["ends"]): sfn.State {
  return states.phase("Restore", () => {
    const back = restore(states, { onFailure: ends.NeedsOperator, onProven: ends.Restored });
    back.leadTo(ends.Restored);
    return back.first;
  });
}

/** Notes in the template which machine this is, and its phases: those of `order` that there are, then the ways back. */
export function noteMachine(
  machine: sfn.StateMachine,
  name: MachineName,
  states: States,
  order: readonly string[],
): void {
  const phases = [...order, ...WAYS_BACK].flatMap((wanted) =>
    states.phases.filter(({ phase }) => phase === wanted),
  );
  const resource = machine.node.defaultChild as CfnResource;
  resource.addMetadata(MACHINE_METADATA, name);
  resource.addMetadata(PHASES_METADATA, phases);
}
