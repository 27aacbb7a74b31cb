import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { inOrder, type Segment } from "./segment.ts";
import type { States } from "./states.ts";

/** Brings production back by the migrations' own rollbacks, newest first, and proves that it is back. */
export function rollback(states: States, plan: CompiledPlan, onFailure: sfn.State): Segment {
  const begin = states.task("Begin rollback", {
    comment: "Notes why, and asks the ledger which migrations have left anything behind.",
    capability: "rollback",
    payload: { action: "begin", failure: sfn.JsonPath.objectAt("$.failure") },
    resultPath: "$.rollback",
    onFailure,
  });
  const fromWhere = new sfn.Choice(states, "Roll back from where?");
  begin.leadTo(fromWhere);

  const prove = states.loop("Prove production rolled back", {
    comment: "Catalog and every table's content must be exactly what was recorded.",
    capability: "prove",
    payload: { proof: "production-rolled-back" },
    limitMinutes: 6 * 60,
    onFailure,
  });
  const newestFirst = [...plan.migrations].reverse().map((migration) => ({
    version: migration.version,
    segment: states.loop(`Roll back ${migration.version}`, {
      comment: `Runs ${migration.rollback.path} on production.`,
      capability: "rollback",
      payload: { action: "rollBack", target: "production", version: migration.version },
      limitMinutes: 6 * 60,
      onFailure,
    }),
  }));
  for (const { version, segment } of newestFirst)
    fromWhere.when(sfn.Condition.stringEquals("$.rollback.from", version), segment.first);
  fromWhere.otherwise(prove.first);
  inOrder(...(newestFirst.map(({ segment }) => segment) as [Segment, ...Segment[]]), prove);
  return { first: begin.first, leadTo: (next) => prove.leadTo(next) };
}
