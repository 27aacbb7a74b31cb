import type { DBInstance, RDSClient } from "@aws-sdk/client-rds";
import type { Findings, Tags } from "../ports.ts";
import { ownFindings } from "./rds-own-findings.ts";
import { blueGreen, lifecycle, proxies, quotas, type Subject } from "./rds-surroundings.ts";

/** What is found of one thing; what is left out is nothing. */
export type Found = Partial<Findings>;

/** All that RDS can say of production before a run: what the emergency would meet is known before it. */
export async function findingsOf(client: RDSClient, db: DBInstance, tags: Tags): Promise<Findings> {
  const own = ownFindings(db, tags);
  // What no run can work on has nothing more to be looked at.
  const found = own.refusals.length > 0 ? [] : await around(client, subjectOf(db));
  return together([own, ...found]);
}

export async function around(client: RDSClient, subject: Subject): Promise<Found[]> {
  return [
    await blueGreen(client, subject),
    await quotas(client, subject),
    await proxies(client, subject),
    await lifecycle(client, subject),
  ];
}

export function together(every: readonly Found[]): Findings {
  return {
    refusals: every.flatMap((one) => one.refusals ?? []),
    checks: every.flatMap((one) => one.checks ?? []),
    forGates: every.flatMap((one) => one.forGates ?? []),
    leavesOut: every.flatMap((one) => one.leavesOut ?? []),
    afterRestore: every.flatMap((one) => one.afterRestore ?? []),
  };
}

function subjectOf(db: DBInstance): Subject {
  return {
    id: db.DBInstanceIdentifier ?? "",
    arn: db.DBInstanceArn,
    resourceId: db.DbiResourceId,
    engine: db.Engine,
    engineVersion: db.EngineVersion ?? "",
    lifecycleSupport: db.EngineLifecycleSupport,
    // Staging or a restored production, as large as production is, two snapshots, a group of parameters.
    adds: [
      { quota: "DBInstances", more: 1, of: "DB instances" },
      { quota: "AllocatedStorage", more: db.AllocatedStorage ?? 0, of: "GiB of storage" },
      { quota: "ManualSnapshots", more: 2, of: "manual snapshots" },
      { quota: "DBParameterGroups", more: 1, of: "parameter groups" },
    ],
  };
}
