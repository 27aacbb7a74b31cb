import type { DBInstance, RDSClient } from "@aws-sdk/client-rds";
import type { Findings, Tags } from "../ports.ts";
import { ownFindings } from "./rds-own-findings.ts";
import { blueGreen, lifecycle, proxies, quotas } from "./rds-surroundings.ts";

/** What is found of one thing; what is left out is nothing. */
export type Found = Partial<Findings>;

/** All that RDS can say of production before a run: what the emergency would meet is known before it. */
export async function findingsOf(client: RDSClient, db: DBInstance, tags: Tags): Promise<Findings> {
  const own = ownFindings(db, tags);
  // What no run can work on has nothing more to be looked at.
  const found =
    own.refusals.length > 0
      ? []
      : [
          await blueGreen(client, db),
          await quotas(client, db),
          await proxies(client, db),
          await lifecycle(client, db),
        ];
  const every = [own, ...found];
  return {
    refusals: every.flatMap((one) => one.refusals ?? []),
    checks: every.flatMap((one) => one.checks ?? []),
    forGates: every.flatMap((one) => one.forGates ?? []),
    leavesOut: every.flatMap((one) => one.leavesOut ?? []),
    afterRestore: every.flatMap((one) => one.afterRestore ?? []),
  };
}
