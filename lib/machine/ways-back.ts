import { fenceAgain } from "./backup.ts";
import { close } from "./close.ts";
import { gateAfterFailure, type LooksAtBackup } from "./gate.ts";
import { type PhaseTable, phase } from "./phases.ts";
import { countLoss, restore } from "./restore.ts";
import { rollback } from "./rollback.ts";

/** What a machine's state holds about the end, until it is known. */
export const END_TOLD = {
  name: "",
  told: { cause: "The report could not be written: see the run's evidence." },
};

/** Where a failed rollback leads: to the restore gate, if restores are allowed. */
export function stuckAt(mayRestore: boolean): string {
  return mayRestore ? "Count the loss" : "NeedsOperator";
}

/** The ways back and the end, which a run shares with the clean-up after a stopped run. */
export function waysBack(mayRestore: boolean, looks: LooksAtBackup | undefined): PhaseTable {
  const stuck = stuckAt(mayRestore);
  return {
    "Fence again": phase(fenceAgain, { done: "Roll back", failed: stuck }),
    "Roll back": phase(rollback, { done: "RolledBack", restore: stuck, failed: stuck }),
    ...(mayRestore
      ? {
          "Count the loss": phase(countLoss, { done: "Gate: restore" }),
          "Gate: restore": phase(gateAfterFailure("restore", looks), {
            go: "Restore",
            noGo: "NeedsOperator",
          }),
          Restore: phase(restore, { done: "Restored", failed: "NeedsOperator" }),
        }
      : {}),
    Close: phase(close, {}),
  };
}
