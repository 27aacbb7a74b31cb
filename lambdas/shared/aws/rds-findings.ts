import { type CloudWatchClient, GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import type { DBInstance, RDSClient } from "@aws-sdk/client-rds";
import type { Findings, PreflightCheck, Tags } from "../ports.ts";
import { storageText } from "../text.ts";
import { clusterOf, foreignEngine, MOST_TAGS } from "./rds-calls.ts";
import { restoreDifferences } from "./rds-restore.ts";
import { type RdsSettings, settingsOf } from "./rds-settings.ts";
import { storageWork } from "./rds-status.ts";
import { blueGreen, lifecycle, proxies, quotas, type Subject } from "./rds-surroundings.ts";

/** Findings about one aspect; absent fields are empty. */
export type Found = Partial<Findings>;

/** Returns everything that RDS reports about production before a run, so that a restore meets no surprise. */
export async function findingsOf(client: RDSClient, db: DBInstance, tags: Tags): Promise<Findings> {
  const own = ownFindings(db, tags);
  // A refusal ends the run anyway, so the surroundings do not matter.
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
    names: every.flatMap((one) => one.names ?? []),
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
    // Staging or a restored production of the same size, two snapshots, and one parameter group.
    adds: [
      { quota: "DBInstances", more: 1, of: "DB instances" },
      { quota: "AllocatedStorage", more: db.AllocatedStorage ?? 0, of: "GiB of storage" },
      { quota: "ManualSnapshots", more: 2, of: "manual snapshots" },
      { quota: "DBParameterGroups", more: 1, of: "parameter groups" },
    ],
  };
}

/** Returns the findings in the instance's own description. */
export function ownFindings(db: DBInstance, tags: Tags): Findings {
  const like = settingsOf(db);
  const replicas = replicasOf(db);
  return {
    refusals: instanceRefusals(db),
    checks: [
      restoreOf(restoreDifferences(like)),
      autoscaling(db, like),
      tagsOf(like, tags),
      pending(db),
      storage(db),
      ...(replicas.length === 0 ? [] : [replicaCheck(replicas)]),
    ],
    forGates:
      replicas.length === 0
        ? []
        : [
            `After a restore the read replicas stay with the former instance: ${replicas.join(", ")}. Create new ones then.`,
          ],
    names: [db.DBInstanceIdentifier ?? [], replicas].flat(),
    leavesOut: [
      "Stopping jobs and subscriptions on the instance that is moved aside: at most 15 minutes.",
      "Waiting until AWS has capacity for the instance class.",
      "Slow reads until the new volume is filled from the snapshot. The proof of staging read at the same speed.",
      "Giving the remaining settings back after production is proven: at most 30 minutes.",
      ...(like.multiAz
        ? [
            "The conversion to Multi-AZ. It happens while production is in use again; until it ends there is no standby.",
          ]
        : []),
    ],
    // Replicas are reported when production is restored (handOverText).
    afterRestore: [],
  };
}

/** Returns why a run cannot work on the instance, a sentence or two each. */
export function instanceRefusals(db: DBInstance): string[] {
  const name = db.DBInstanceIdentifier ?? "";
  const engine = foreignEngine(name, db.Engine);
  // With a foreign engine nothing else matters.
  if (engine !== undefined) return [engine];
  const cluster = clusterOf(db);
  const source =
    db.ReadReplicaSourceDBInstanceIdentifier || db.ReadReplicaSourceDBClusterIdentifier || undefined;
  return [
    ...(cluster === undefined
      ? []
      : [
          `${name} is a member of the ${cluster.kind} cluster ${cluster.id}: snapshots and restores work on the whole cluster. Set database.cluster to ${cluster.id} instead of database.instance.`,
        ]),
    ...(source === undefined
      ? []
      : [
          `${name} is a read replica of ${source} and cannot be migrated. Set database.instance to the source, or promote the replica first.`,
        ]),
  ];
}

/**
 * Compares the request that restores production with the one that restores staging: the rehearsal tries the common part.
 * @param differences between the two requests
 */
export function restoreOf(differences: readonly string[]): PreflightCheck {
  return {
    name: "restore of production",
    passed: true,
    expected: "the same request as for staging, except for what keeps staging apart",
    seen: `the same request except for its names, its tags, staging's own parameter group, and ${differences.join(", ")}`,
    mend: "",
  };
}

/** RDS refuses a maximum that is less than 10 % above the allocated storage. */
function autoscaling(db: DBInstance, like: RdsSettings): PreflightCheck {
  const allocated = db.AllocatedStorage ?? 0;
  const least = Math.ceil(allocated * 1.1);
  const { maximumGiB } = like.storage;
  const fits = maximumGiB === undefined || maximumGiB >= least;
  return {
    name: "storage autoscaling",
    passed: fits ? true : null,
    expected: "off, or a maximum at least 10 % above the allocated storage",
    seen:
      maximumGiB === undefined
        ? "off"
        : `a maximum of ${maximumGiB} GiB, with ${allocated} GiB allocated${fits ? "" : ": RDS refuses this maximum for a restored instance, so staging and a restored production cannot grow"}`,
    mend: `Raise the maximum to ${least} GiB or more (aws rds modify-db-instance --max-allocated-storage).`,
  };
}

export function tagsOf(
  { tags: own, copyTagsToSnapshot }: Pick<RdsSettings, "tags" | "copyTagsToSnapshot">,
  tags: Tags,
): PreflightCheck {
  const more = Object.keys(tags).filter((key) => !(key in own)).length;
  const count = Object.keys(own).length;
  const fits = count + more <= MOST_TAGS;
  return {
    name: "tags",
    passed: fits ? true : null,
    expected: `at most ${MOST_TAGS}, including the ${more} that a run adds`,
    seen: `${count}${fits ? "" : `: a restored production keeps its own tags, and does not get those of the run${copyTagsToSnapshot ? "; snapshots copy the tags, and RDS may refuse the snapshots" : ""}`}`,
    mend: "Remove unused tags.",
  };
}

/** Checks for changes that wait for a reboot or maintenance: a restored instance already has them, or loses them. */
function pending(db: DBInstance): PreflightCheck {
  const values = Object.entries(db.PendingModifiedValues ?? {})
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
  const reboot = db.DBParameterGroups?.some(
    ({ ParameterApplyStatus }) => ParameterApplyStatus === "pending-reboot",
  );
  const seen = [
    ...(values.length > 0 ? [`${values.join(", ")}, which a restored instance does not get`] : []),
    ...(db.PendingModifiedValues?.BackupRetentionPeriod === 0
      ? ["the end of automated backups, which deletes all of them: no moment can be restored then"]
      : []),
    ...(reboot ? ["parameters that wait for a reboot but are already in force on staging"] : []),
  ];
  return {
    name: "pending changes",
    passed: seen.length === 0 ? true : null,
    expected: "none",
    seen: seen.length === 0 ? "none" : seen.join("; "),
    mend: "Apply them, or reboot the instance, before the run.",
  };
}

function storage(db: DBInstance): PreflightCheck {
  const work = storageWork(db);
  return {
    name: "storage at work",
    passed: work === undefined ? true : null,
    expected: "no work on the storage",
    seen:
      work === undefined
        ? "none"
        : `${storageText(work)}: slower than usual, and RDS accepts no other change of storage meanwhile${db.DBInstanceStatus === "storage-initialization" ? ", and no snapshot" : ""}`,
    mend: "Wait until it ends, or expect slow figures from this run.",
  };
}

function replicasOf(db: DBInstance): string[] {
  return [...(db.ReadReplicaDBInstanceIdentifiers ?? []), ...(db.ReadReplicaDBClusterIdentifiers ?? [])];
}

function replicaCheck(replicas: string[]): PreflightCheck {
  return {
    name: "read replicas",
    passed: null,
    expected: "none, or accepted",
    seen: `${replicas.join(", ")}: they also apply each migration, and stay with the former instance if production is restored`,
    mend: "Be ready to create new ones after a restore.",
  };
}

const LOOK_BACK_MS = 15 * 60_000;

/** Returns an instance's free disk in bytes, CloudWatch's newest value; undefined without a value in the last 15 minutes. */
export async function freeBytes(client: CloudWatchClient, instance: string): Promise<number | undefined> {
  const now = Date.now();
  const { Datapoints = [] } = await client.send(
    new GetMetricStatisticsCommand({
      Namespace: "AWS/RDS",
      MetricName: "FreeStorageSpace",
      Dimensions: [{ Name: "DBInstanceIdentifier", Value: instance }],
      StartTime: new Date(now - LOOK_BACK_MS),
      EndTime: new Date(now),
      Period: 60,
      Statistics: ["Minimum"],
    }),
  );
  const byAge = Datapoints.toSorted((a, b) => Number(b.Timestamp) - Number(a.Timestamp));
  return byAge[0]?.Minimum;
}
