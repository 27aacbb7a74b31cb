import type { Difference } from "../lambdas/proof/difference.ts";
import { docName, type StilledDoc } from "../lambdas/shared/documents.ts";
import type { RunEvidence } from "../lambdas/shared/evidence.ts";

// At the record subscriptions were disabled and jobs stood still. Lifting the fence sets them back. A proof by hand, with
// or without the fence, must not report that as a difference.

/** pg_cron's own table, whose rows show which jobs are active. */
const JOBS = "cron.job";

export interface GivenBack {
  /** Tables with rows that the fence changes, and that lifting it changes back. */
  tables: readonly string[];
  /** Whether the difference is only a subscription that is enabled again, or still disabled. */
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
