import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { ONLY_RESTORE } from "../../lambdas/shared/next-migration.ts";
import { about, thereIsNone } from "./migration-sequence.ts";
import type { States } from "./states.ts";
import { ending, type Way } from "./way.ts";

/** Where the machine's state holds the next migration to roll back, or that there is none. */
const TO_UNDO = "$.rollback";

/** Brings production back by the migrations' rollbacks, newest first, and proves that it is back. */
export function rollback(
  states: States,
  /** `restore`: a restore-only migration has begun, so only the restore leads back. */
  { done, restore, failed }: Readonly<Record<"done" | "restore" | "failed", Way>>,
): sfn.State {
  const onFailure = failed;
  const begin = states.task("Begin rollback", {
    comment:
      "Notes the reason, and reads in the ledger which migrations began: the newest, and whether all have a rollback.",
    capability: "rollback",
    payload: { action: "begin", failure: sfn.JsonPath.objectAt("$.failure") },
    resultPath: TO_UNDO,
    onFailure,
  });
  const any = new sfn.Choice(states, "Is there anything to roll back?");
  const back = states.loop("Roll back", {
    comment: "Runs its rollback.sql on production. Returns the migration before it.",
    capability: "rollback",
    only: "rolled back",
    payload: { action: "rollBack", target: "production", ...about(TO_UNDO) },
    limitMinutes: 6 * 60,
    resultPath: TO_UNDO,
    onFailure,
  });
  const prove = states.loop("Prove production rolled back", {
    comment: "Catalog and every table's content must be exactly as recorded.",
    capability: "prove",
    payload: { proof: "production-rolled-back" },
    limitMinutes: 6 * 60,
    onFailure,
  });
  begin.leadTo(any);
  restore.from((to) => void any.when(sfn.Condition.stringEquals(`${TO_UNDO}.way`, ONLY_RESTORE), to));
  any.when(thereIsNone(TO_UNDO), prove.first);
  any.otherwise(back.first);
  back.when(thereIsNone(TO_UNDO), prove.first);
  back.leadTo(back.first);
  return ending({ ...prove, first: begin.first }, done);
}
