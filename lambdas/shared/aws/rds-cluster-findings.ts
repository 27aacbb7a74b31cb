import type { DBCluster, RDSClient } from "@aws-sdk/client-rds";
import { matches, memberPatterns } from "../names.ts";
import type { Findings, PreflightCheck, Tags } from "../ports.ts";
import type { RunCluster } from "../settings.ts";
import { foreignEngine } from "./rds-calls.ts";
import { clones } from "./rds-cluster-clones.ts";
import { inSync } from "./rds-cluster-give-settings.ts";
import { clusterDifferences } from "./rds-cluster-moments.ts";
import { clusterSettingsOf, type FoundCluster, memberNames } from "./rds-cluster-settings.ts";
import { around, type Found, restoreOf, tagsOf, together } from "./rds-findings.ts";
import { isMultiAz, multiAzRefusals } from "./rds-multi-az.ts";

/** All that RDS can say of a production that is a cluster, before a run. */
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
    // Staging, and the final clone or a restored production with all its instances; groups that keep copies still.
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
    ? "After a restore RDS makes new ones, with the writer."
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
        ? [
            "Staging is a clone of production's volume: the rehearsal reads every row of it, and tests no backup.",
          ]
        : []),
      ...staying(db).map(
        ({ name, seen }) => `A restore leaves behind, with the former cluster: ${name} (${seen}).`,
      ),
      ...(readers.length === 0
        ? []
        : [`Readers (${readers.join(", ")}) see each migration as it is done. ${theirs}`]),
    ],
    leavesOut: [
      "Keeping the cluster that is moved aside still, a quarter of an hour at most.",
      "Waiting for AWS to have room for such an instance.",
      ...(settings.staging === "clone" && settings.backup !== "clone"
        ? [
            "Restoring to a moment or from a cluster snapshot, which takes longer the more there is: staging was cloned, which takes minutes at any size.",
          ]
        : []),
      ...(like.multiAz
        ? ["Reads are slow until the new volumes are filled; the proof read staging so, too."]
        : readers.length === 0
          ? []
          : [`Creating the readers again: ${readers.join(", ")}.`]),
      "Settings that are given back once production is proven, for half an hour at most.",
    ],
    // Custom endpoints and the like are seen again when production is restored (rds-cluster-hand-over.ts).
    afterRestore: [],
  };
  return together([own, rest, await clones(client, db, settings), ...(await around(client, subject))]);
}

/** A run takes one of each. */
function snapshotsOf({ staging, backup }: RunCluster): number {
  return [staging, backup].filter((how) => how === "snapshot").length;
}

/** Why no run works on it, a sentence or two each. */
export function clusterRefusals(
  cluster: string,
  { db, writer }: FoundCluster,
  settings: RunCluster,
  copied = false,
): string[] {
  const engine = foreignEngine(cluster, db.Engine);
  // Nothing else of it matters.
  if (engine !== undefined) return [engine];
  const multiAz = isMultiAz(db) ? multiAzRefusals(cluster, settings, copied) : [];
  if (multiAz.length > 0) return multiAz;
  if (isLimitless(db))
    return [
      `${cluster} is Aurora PostgreSQL Limitless Database, which Sluice does not migrate: its rows lie in shards, each with a catalog of its own, and it has no clones.`,
    ];
  if (db.EngineMode !== undefined && db.EngineMode !== "" && db.EngineMode !== "provisioned")
    return [
      `${cluster} has the engine mode ${db.EngineMode}${db.EngineMode === "serverless" ? ", which is Aurora Serverless v1: convert it to Serverless v2 or to provisioned instances" : ", which Sluice does not know"}.`,
    ];
  const patterns = memberPatterns(cluster, settings.members);
  const unlisted = memberNames(db).filter((name) => !matches(name, patterns));
  return [
    ...(db.GlobalClusterIdentifier
      ? [
          `${cluster} is part of the global database ${db.GlobalClusterIdentifier}: it can be neither renamed nor restored without its other Regions. Take it out of the global database before a run (aws rds remove-from-global-cluster).`,
        ]
      : []),
    ...(db.ReplicationSourceIdentifier
      ? [
          `${cluster} is a replica of ${db.ReplicationSourceIdentifier}: nothing can be migrated on it. Set database.cluster to the source, or promote it first.`,
        ]
      : []),
    ...(unlisted.length > 0
      ? [
          isMultiAz(db)
            ? `${cluster} has instances that Sluice's roles may not see, as their names do not begin with ${cluster}-: ${unlisted.join(", ")}. RDS named them when the cluster was called otherwise. Rename the cluster to what their names begin with.`
            : `${cluster} has instances that Sluice's roles may not rename: ${unlisted.join(", ")}. Name all of its instances in the setting database.members (${memberNames(db).join(", ")}), and deploy. Where readers come and go by themselves, turn their autoscaling off for the run.`,
        ]
      : writer === undefined
        ? [`${cluster} has no writer: nothing can be migrated on it. Create an instance in it.`]
        : []),
  ];
}

function isLimitless(db: DBCluster): boolean {
  const { ClusterScalabilityType: type, EngineVersion: version = "", LimitlessDatabase: limitless } = db;
  const off = [undefined, "not-in-use", "disabled"] as (string | undefined)[];
  return type === "limitless" || version.endsWith("-limitless") || !off.includes(limitless?.Status);
}

/** Which of the two ways is tested by the rehearsal, as the settings have it. */
function copies({ staging, backup }: RunCluster): PreflightCheck {
  const said = { clone: "a clone of the volume", snapshot: "a cluster snapshot" };
  return {
    name: "copies",
    passed: true,
    expected: "known",
    seen: `staging is made from ${said[staging]}; the final backup, where it is no moment, is ${said[backup]}. ${staging === "clone" ? "The rehearsal tests no backup" : "The rehearsal tests a backup"}`,
    mend: "",
  };
}

/** What is to change at the next reboot or maintenance is in force on whatever is copied, or lost by it. */
function pending({ db, writer }: FoundCluster): PreflightCheck {
  const values = [db.PendingModifiedValues, writer?.PendingModifiedValues].flatMap((some) =>
    Object.entries(some ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [name])),
  );
  const seen = [
    ...(values.length > 0 ? [`${values.join(", ")}, which a copy does not get`] : []),
    ...(writer && !inSync(db, writer)
      ? ["parameters that wait for a reboot, and are in force on staging already"]
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

/** What belongs to the cluster and not to its name. */
function staying(db: DBCluster): PreflightCheck[] {
  const check = (name: string, seen: string, mend: string): PreflightCheck => ({
    name,
    passed: null,
    expected: "none, or known about",
    seen,
    mend,
  });
  const custom = db.CustomEndpoints ?? [];
  const replicas = db.ReadReplicaIdentifiers ?? [];
  return [
    ...(custom.length === 0
      ? []
      : [check("custom endpoints", custom.join(", "), "Be ready to make new ones after a restore.")]),
    ...(replicas.length === 0
      ? []
      : [
          check(
            "replicas in other clusters and Regions",
            replicas.join(", "),
            "Be ready to make new ones after a restore.",
          ),
        ]),
    ...(db.ActivityStreamStatus === "started"
      ? [check("activity stream", `${db.ActivityStreamKinesisStreamName}`, "Start it again after a restore.")]
      : []),
    ...(db.HttpEndpointEnabled ? [check("Data API", "on", "Turn it on again after a restore.")] : []),
  ];
}
