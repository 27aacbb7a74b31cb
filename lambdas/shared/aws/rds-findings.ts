import { type CloudWatchClient, GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import type { DBInstance, RDSClient } from "@aws-sdk/client-rds";
import type { Findings, PreflightCheck, Tags } from "../ports.ts";
import { storageText } from "../text.ts";
import { clusterOf, foreignEngine, MOST_TAGS } from "./rds-calls.ts";
import { restoreDifferences } from "./rds-restore.ts";
import { type RdsSettings, settingsOf } from "./rds-settings.ts";
import { storageWork } from "./rds-status.ts";
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

/** What the instance's own description tells. */
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
            `A restore leaves read replicas with the former instance: ${replicas.join(", ")}. New ones must be made then.`,
          ],
    leavesOut: [
      "Keeping the instance that is moved aside still, a quarter of an hour at most.",
      "Waiting for AWS to have room for such an instance.",
      "Reads are slow until the new volume is filled from the snapshot; the proof read staging so, too.",
      "Settings that are given back once production is proven, for half an hour at most.",
      ...(like.multiAz
        ? [
            "The conversion to Multi-AZ, which takes place when production is in use again: until it is done there is no standby.",
          ]
        : []),
    ],
    // Replicas are seen again when production is restored (rds-hand-over.ts).
    afterRestore: [],
  };
}

/** Why no run works on it, a sentence or two each. */
export function instanceRefusals(db: DBInstance): string[] {
  const name = db.DBInstanceIdentifier ?? "";
  const engine = foreignEngine(name, db.Engine);
  // Nothing else of it matters.
  if (engine !== undefined) return [engine];
  const cluster = clusterOf(db);
  const source =
    db.ReadReplicaSourceDBInstanceIdentifier || db.ReadReplicaSourceDBClusterIdentifier || undefined;
  return [
    ...(cluster === undefined
      ? []
      : [
          `${name} is a member of the ${cluster.kind} cluster ${cluster.id}: snapshots and restores are the cluster's. Set database.cluster to ${cluster.id} in place of database.instance.`,
        ]),
    ...(source === undefined
      ? []
      : [
          `${name} is a read replica of ${source}: nothing can be migrated on it. Set database.instance to the source, or promote the replica first.`,
        ]),
  ];
}

/**
 * The request that would be sent, beside the one that staging is restored by: where it is the same it was tried.
 * @param differences in what the two differ
 */
export function restoreOf(differences: readonly string[]): PreflightCheck {
  return {
    name: "restore of production",
    passed: true,
    expected: "asked for as staging is, but for what keeps staging apart",
    seen: `the same request but for its names, its tags, the parameter group that keeps staging still, and ${differences.join(", ")}`,
    mend: "",
  };
}

/** RDS takes no maximum that is less than a tenth above what is allocated. */
function autoscaling(db: DBInstance, like: RdsSettings): PreflightCheck {
  const allocated = db.AllocatedStorage ?? 0;
  const least = Math.ceil(allocated * 1.1);
  const { maximumGiB } = like.storage;
  const fits = maximumGiB === undefined || maximumGiB >= least;
  return {
    name: "storage autoscaling",
    passed: fits ? true : null,
    expected: "off, or a maximum of at least 10 % above what is allocated",
    seen:
      maximumGiB === undefined
        ? "off"
        : `a maximum of ${maximumGiB} GiB, with ${allocated} GiB allocated${fits ? "" : ": RDS does not give a restored instance such a maximum, and so staging and a restored production cannot grow"}`,
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
    expected: `at most ${MOST_TAGS}, with the ${more} that a run adds`,
    seen: `${count}${fits ? "" : `: a restored production keeps its own, and goes without those of the run${copyTagsToSnapshot ? "; snapshots copy them, and may be refused" : ""}`}`,
    mend: "Take off tags that nobody needs.",
  };
}

/** What is to change at the next reboot or maintenance is in force on whatever is restored, or lost by it. */
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
      ? ["the end of automated backups, by which all of them are deleted: no moment can be restored then"]
      : []),
    ...(reboot ? ["parameters that wait for a reboot, and are in force on staging already"] : []),
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
    expected: "nothing being done to it",
    seen:
      work === undefined
        ? "nothing"
        : `${storageText(work)}: slower than usual, and it takes no other change of storage meanwhile${db.DBInstanceStatus === "storage-initialization" ? ", and no snapshot" : ""}`,
    mend: "Wait until it is done, or take the figures of this run for slow ones.",
  };
}

function replicasOf(db: DBInstance): string[] {
  return [...(db.ReadReplicaDBInstanceIdentifiers ?? []), ...(db.ReadReplicaDBClusterIdentifiers ?? [])];
}

function replicaCheck(replicas: string[]): PreflightCheck {
  return {
    name: "read replicas",
    passed: null,
    expected: "none, or known about",
    seen: `${replicas.join(", ")}: they apply each migration too, and stay with the former instance if production is restored`,
    mend: "Be ready to make new ones after a restore.",
  };
}

const LOOK_BACK_MS = 15 * 60_000;

/** Free disk of an instance in bytes, as CloudWatch last saw it; undefined where it has seen nothing of late. */
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
