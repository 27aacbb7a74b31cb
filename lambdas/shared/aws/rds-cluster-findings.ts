import { type DBCluster, paginateDescribeDBClusters, type RDSClient } from "@aws-sdk/client-rds";
import { matches, memberPatterns } from "../names.ts";
import type { Findings, PreflightCheck, Tags } from "../ports.ts";
import type { RunCluster } from "../settings.ts";
import { foreignEngine } from "./rds-calls.ts";
import { inSync } from "./rds-cluster-give-settings.ts";
import { clusterDifferences } from "./rds-cluster-moments.ts";
import { clusterSettingsOf, type FoundCluster, memberNames } from "./rds-cluster-settings.ts";
import { around, type Found, restoreOf, tagsOf, together } from "./rds-findings.ts";
import { isMultiAz, multiAzRefusals } from "./rds-multi-az.ts";
import { check, looked } from "./rds-surroundings.ts";

/** Returns everything that RDS reports about a production cluster before a run. */
export async function clusterFindings(
  client: RDSClient,
  cluster: string,
  found: FoundCluster,
  tags: Tags,
  settings: RunCluster,
  copied: boolean,
): Promise<Findings> {
  const { db, members } = found;
  const own: Found = { refusals: clusterRefusals(cluster, found, settings, copied) };
  if (own.refusals?.length) return together([own]);
  const like = clusterSettingsOf(db, members);
  const subject = {
    id: cluster,
    arn: db.DBClusterArn,
    resourceId: db.DbClusterResourceId,
    engine: db.Engine,
    engineVersion: db.EngineVersion ?? "",
    lifecycleSupport: db.EngineLifecycleSupport,
    // Staging; the final clone, or a restored production with all its instances; parameter groups for quiet copies.
    adds: [
      { quota: "DBClusters", more: 2, of: "DB clusters" },
      { quota: "DBInstances", more: Math.max(1, like.members.length), of: "DB instances" },
      {
        quota: "AllocatedStorage",
        more: like.multiAz ? (db.AllocatedStorage ?? 0) * like.members.length : 0,
        of: "GiB of storage",
      },
      { quota: "ManualClusterSnapshots", more: snapshotsOf(settings), of: "manual cluster snapshots" },
      { quota: "DBParameterGroups", more: like.multiAz ? 0 : 1, of: "parameter groups" },
      { quota: "DBClusterParameterGroups", more: 1, of: "cluster parameter groups" },
    ].filter(({ more }) => more > 0),
  };
  const readers = like.members.slice(1).map(({ id }) => id);
  const theirs = like.multiAz
    ? "After a restore RDS creates new ones together with the writer."
    : "After a restore they are created again, and the application does not wait for them.";
  const rest: Found = {
    checks: [
      restoreOf(clusterDifferences(like)),
      copies(settings),
      tagsOf(like, tags),
      pending(found),
      ...staying(db),
    ],
    forGates: [
      ...(settings.staging === "clone"
        ? ["Staging is a clone of production's volume: the rehearsal reads every row, but tests no backup."]
        : []),
      ...staying(db).map(
        ({ name, seen }) => `After a restore these stay with the former cluster: ${name} (${seen}).`,
      ),
      ...(readers.length === 0
        ? []
        : [`Readers (${readers.join(", ")}) show each migration as soon as it is applied. ${theirs}`]),
    ],
    names: [
      cluster,
      readers,
      db.CustomEndpoints ?? [],
      db.ReadReplicaIdentifiers ?? [],
      db.ActivityStreamKinesisStreamName ?? [],
    ].flat(),
    leavesOut: [
      "Stopping jobs and subscriptions on the cluster that is moved aside: at most 15 minutes.",
      "Waiting until AWS has capacity for the instance class.",
      ...(settings.staging === "clone" && settings.backup !== "clone"
        ? [
            "Restoring to a moment or from a cluster snapshot, which takes longer for larger volumes. Staging was cloned, which takes minutes at any size.",
          ]
        : []),
      ...(like.multiAz
        ? ["Slow reads until the new volumes are filled. The proof of staging read at the same speed."]
        : readers.length === 0
          ? []
          : [`Creating the readers again: ${readers.join(", ")}.`]),
      "Giving the remaining settings back after production is proven: at most 30 minutes.",
    ],
    // Custom endpoints and the rest are reported when production is restored (clusterHandOver).
    afterRestore: [],
  };
  return together([own, rest, await clones(client, db, settings), ...(await around(client, subject))]);
}

/** Counts the run's manual snapshots: one for staging and one for the final backup, where these are no clones. */
function snapshotsOf({ staging, backup }: RunCluster): number {
  return [staging, backup].filter((how) => how === "snapshot").length;
}

/** Returns why a run cannot work on the cluster, a sentence or two each. */
export function clusterRefusals(
  cluster: string,
  { db, writer }: FoundCluster,
  settings: RunCluster,
  copied = false,
): string[] {
  const engine = foreignEngine(cluster, db.Engine);
  // With a foreign engine nothing else matters.
  if (engine !== undefined) return [engine];
  const multiAz = isMultiAz(db) ? multiAzRefusals(cluster, settings, copied) : [];
  if (multiAz.length > 0) return multiAz;
  if (isLimitless(db))
    return [
      `${cluster} is Aurora PostgreSQL Limitless Database, which Sluice does not migrate: its rows are in shards with separate catalogs, and it has no clones.`,
    ];
  if (db.EngineMode !== undefined && db.EngineMode !== "" && db.EngineMode !== "provisioned")
    return [
      `${cluster} has the engine mode ${db.EngineMode}${db.EngineMode === "serverless" ? ", which is Aurora Serverless v1: convert it to Serverless v2 or to provisioned instances" : ", which Sluice does not support"}.`,
    ];
  const patterns = memberPatterns(cluster, settings.members);
  const unlisted = memberNames(db).filter((name) => !matches(name, patterns));
  return [
    ...(db.GlobalClusterIdentifier
      ? [
          `${cluster} is part of the global database ${db.GlobalClusterIdentifier}: it cannot be renamed or restored without its other Regions. Remove it from the global database before a run (aws rds remove-from-global-cluster).`,
        ]
      : []),
    ...(db.ReplicationSourceIdentifier
      ? [
          `${cluster} is a replica of ${db.ReplicationSourceIdentifier} and cannot be migrated. Set database.cluster to the source, or promote the replica first.`,
        ]
      : []),
    ...(unlisted.length > 0
      ? [
          isMultiAz(db)
            ? `${cluster} has instances that Sluice's roles may not see, as their names do not begin with ${cluster}-: ${unlisted.join(", ")}. RDS named them when the cluster had another name. Rename the cluster to the beginning of their names.`
            : `${cluster} has instances that Sluice's roles may not rename: ${unlisted.join(", ")}. List all of its instances in the setting database.members (${memberNames(db).join(", ")}), and deploy. If autoscaling adds and removes readers, turn it off for the run.`,
        ]
      : writer === undefined
        ? [`${cluster} has no writer and cannot be migrated. Create an instance in it.`]
        : []),
  ];
}

function isLimitless(db: DBCluster): boolean {
  const { ClusterScalabilityType: type, EngineVersion: version = "", LimitlessDatabase: limitless } = db;
  const off = [undefined, "not-in-use", "disabled"] as (string | undefined)[];
  return type === "limitless" || version.endsWith("-limitless") || !off.includes(limitless?.Status);
}

/** Reports how copies are made, and whether the rehearsal tests a backup. */
function copies({ staging, backup }: RunCluster): PreflightCheck {
  const said = { clone: "a clone of the volume", snapshot: "a cluster snapshot" };
  return {
    name: "copies",
    passed: true,
    expected: "known",
    seen: `staging is made from ${said[staging]}; the final backup, unless it is a moment, is ${said[backup]}. ${staging === "clone" ? "The rehearsal tests no backup" : "The rehearsal tests a backup"}`,
    mend: "",
  };
}

/** Checks for changes that wait for a reboot or maintenance: a copy already has them, or loses them. */
function pending({ db, writer }: FoundCluster): PreflightCheck {
  const values = [db.PendingModifiedValues, writer?.PendingModifiedValues].flatMap((some) =>
    Object.entries(some ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [name])),
  );
  const seen = [
    ...(values.length > 0 ? [`${values.join(", ")}, which a copy does not get`] : []),
    ...(writer && !inSync(db, writer)
      ? ["parameters that wait for a reboot but are already in force on staging"]
      : []),
  ];
  return {
    name: "pending changes",
    passed: seen.length === 0 ? true : null,
    expected: "none",
    seen: seen.length === 0 ? "none" : seen.join("; "),
    mend: "Apply them, or reboot the writer, before the run.",
  };
}

/** Checks for parts that stay with the former cluster after a restore, as they do not follow the name. */
function staying(db: DBCluster): PreflightCheck[] {
  const check = (name: string, seen: string, mend: string): PreflightCheck => ({
    name,
    passed: null,
    expected: "none, or accepted",
    seen,
    mend,
  });
  const custom = db.CustomEndpoints ?? [];
  const replicas = db.ReadReplicaIdentifiers ?? [];
  return [
    ...(custom.length === 0
      ? []
      : [check("custom endpoints", custom.join(", "), "Be ready to create new ones after a restore.")]),
    ...(replicas.length === 0
      ? []
      : [
          check(
            "replicas in other clusters and Regions",
            replicas.join(", "),
            "Be ready to create new ones after a restore.",
          ),
        ]),
    ...(db.ActivityStreamStatus === "started"
      ? [check("activity stream", `${db.ActivityStreamKinesisStreamName}`, "Start it again after a restore.")]
      : []),
    ...(db.HttpEndpointEnabled ? [check("Data API", "on", "Turn it on again after a restore.")] : []),
  ];
}

/** The most clones that share a volume's pages. For one more, RDS copies the volume in full. */
const MOST = 15;

/** Checks whether the run's clones fit: a full copy takes time in proportion to the volume's size. */
export async function clones(client: RDSClient, db: DBCluster, settings: RunCluster): Promise<Found> {
  const of = (["staging", "backup"] as const).filter((use) => settings[use] === "clone");
  if (of.length === 0) return {};
  return await looked("clones", async () => {
    const there = await clonesOf(client, db);
    const fits = there.length + of.length <= MOST;
    const set = of.map((use) => (use === "staging" ? "database.staging" : "backup"));
    return {
      checks: [
        check(
          "clones",
          `room for ${of.length} more of the ${MOST} clones that may share a volume's pages`,
          there.length === 0 ? "none" : `${there.length}: ${there.join(", ")}`,
          fits
            ? ""
            : `Delete unused clones, such as final ones after the day in their tag sluice:keep-until. Or set ${set.join(" and ")} to snapshot. For one more clone RDS copies the whole volume, which takes longer for larger volumes.`,
          fits,
        ),
      ],
    };
  });
}

/** Returns every other cluster on the same storage: production's clones, or its siblings where it is a clone itself. */
async function clonesOf(client: RDSClient, { CloneGroupId: group, DbClusterResourceId: own }: DBCluster) {
  if (!group) return [];
  const names: string[] = [];
  const request = { Filters: [{ Name: "clone-group-id", Values: [group] }] };
  for await (const { DBClusters = [] } of paginateDescribeDBClusters({ client }, request))
    for (const one of DBClusters)
      if (one.DbClusterResourceId !== own) names.push(one.DBClusterIdentifier ?? "");
  return names.sort();
}
