import type { Difference } from "../lambdas/proof/difference.ts";
import { docName, type StilledDoc } from "../lambdas/shared/documents.ts";
import type { RunEvidence } from "../lambdas/shared/evidence.ts";

// The record was taken while subscriptions were disabled and jobs stood still. Where the fence is lifted they are as they
// were before it: whoever proves by hand, with or without the fence, must not take that for a difference.

/** pg_cron's own table, whose rows say which jobs are active. */
const JOBS = "cron.job";

export interface GivenBack {
  /** Tables whose rows the fence changes, and its lifting changes back. */
  tables: readonly string[];
  /** Nothing differs but that a subscription is enabled again, or still disabled. */
  isIt(difference: Difference): boolean;
}

export async function givenBack(evidence: RunEvidence): Promise<GivenBack> {
  const stopped: StilledDoc[] = [];
  for (const name of await evidence.list("stilled/"))
    stopped.push(await evidence.require(docName<StilledDoc>(name)));
  const subscribed = stopped.some(({ kind }) => kind === "subscription");
  return {
    tables: stopped.some(({ kind }) => kind === "job") ? [JOBS] : [],
    isIt: ({ kind, change, before = "", after = "" }) =>
      subscribed && kind === "subscription" && change === "changed" && without(before) === without(after),
  };
}

const without = (definition: string) => definition.replace(/^enabled: .*$/m, "");
