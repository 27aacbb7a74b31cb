import {
  type CreateDBInstanceMessage,
  type DBCluster,
  type RDSClient,
  type RestoreDBClusterFromSnapshotMessage,
  RestoreDBClusterToPointInTimeCommand,
  type RestoreDBClusterToPointInTimeMessage,
} from "@aws-sdk/client-rds";
import { ErrorName, SluiceError } from "../errors.ts";
import type {
  InstanceSettings,
  MomentState,
  Moments,
  PointInTime,
  RestoreBegun,
  RestorePurpose,
  Tags,
} from "../ports.ts";
import { tagList, withinLimit } from "./rds-calls.ts";
import {
  asClusterSettings,
  type ClusterSettings,
  findCluster,
  type MemberSettings,
} from "./rds-cluster-settings.ts";
import { NO_ROOM, type OptionalPart, sendWithLess } from "./rds-modify.ts";
import { MULTI_AZ_STAGING, multiAzRequest } from "./rds-multi-az.ts";

/**
 * The continuous backup of a cluster's storage: every moment of the retention, without base backups. It belongs to the
 * cluster under any name, so a moment needs no copy.
 */
export class RdsClusterMoments implements Moments {
  readonly by = "archive";

  constructor(private readonly client: RDSClient) {}

  async baseAt(): Promise<undefined> {
    return undefined;
  }

  async hold(): Promise<boolean> {
    return true;
  }

  async describe(point: PointInTime): Promise<MomentState> {
    const db = await this.source(point);
    if (!db)
      return {
        status: "pending",
        statusText: `RDS shows no cluster ${point.instance} or ${point.aside} with the identity ${point.identity}. A rename may be under way, or somebody deleted the cluster`,
      };
    return { ...stateOf(db, point), encrypted: db.StorageEncrypted, kmsKey: db.KmsKeyId };
  }

  async startRestore(
    point: PointInTime,
    cluster: string,
    like: InstanceSettings,
    purpose: RestorePurpose,
    tags: Tags,
  ): Promise<RestoreBegun | undefined> {
    const db = await this.source(point);
    if (!db)
      throw new SluiceError(
        ErrorName.FleetFailed,
        `The cluster with the identity ${point.identity} no longer exists, as ${point.instance} or as ${point.aside}. Nothing can be restored to ${point.moment.at}. Look for its retained automated backups (aws rds describe-db-cluster-automated-backups --db-cluster-resource-id ${point.identity}).`,
      );
    const source = db.DBClusterIdentifier ?? "";
    const at = new Date(point.moment.at);
    return await sendWithLess(momentRequest(source, at, cluster, asClusterSettings(like), purpose, tags), {
      send: (asked) => this.client.send(new RestoreDBClusterToPointInTimeCommand(asked)),
      parts: CLUSTER_CAN_WAIT,
      done: "DBClusterAlreadyExists",
      waits: NO_ROOM,
      tried: `restore ${source} at ${at.toISOString()} as ${cluster}`,
    });
  }

  async release(): Promise<void> {}

  /** Returns the moment's cluster, under its current name. */
  private async source({ instance, aside, identity }: PointInTime): Promise<DBCluster | undefined> {
    for (const name of [instance, aside]) {
      const db = await findCluster(this.client, name);
      if (db?.DbClusterResourceId === identity) return { ...db, DBClusterIdentifier: name };
    }
    return undefined;
  }
}

function stateOf(db: DBCluster, { moment }: PointInTime): MomentState {
  const name = db.DBClusterIdentifier ?? "";
  const [from, until] = [db.EarliestRestorableTime?.toISOString(), db.LatestRestorableTime?.toISOString()];
  if (from === undefined || until === undefined)
    return {
      status: "pending",
      statusText: `RDS does not report yet to which moments ${name} can be restored`,
    };
  const window = `${name} can be restored to any second from ${from} to ${until}`;
  const at = Date.parse(moment.at);
  if (at < Date.parse(from))
    return { status: "failed", statusText: `${window}; ${moment.at} is too old`, from, until };
  // RDS accepts only times before the latest restorable one.
  return at < Date.parse(until)
    ? { status: "available", statusText: window, from, until }
    : {
        status: "pending",
        statusText: `${name} can now be restored up to ${until}, but not yet to ${moment.at}`,
        from,
        until,
      };
}

type CloneRequest = RestoreDBClusterToPointInTimeMessage;
type ClusterRestoreRequest = RestoreDBClusterFromSnapshotMessage;
type Common = Omit<
  CloneRequest & ClusterRestoreRequest,
  "DBClusterIdentifier" | "SnapshotIdentifier" | "Engine"
>;

/**
 * Returns the fields of every request that copies a cluster's volume. Staging's are production's except for what keeps
 * staging apart, so the rehearsal tests the request of the emergency.
 */
function clusterRequest(like: ClusterSettings, purpose: RestorePurpose, tags: Tags): Common {
  const request: Common = {
    Port: like.port,
    DBSubnetGroupName: like.subnetGroup,
    VpcSecurityGroupIds: like.securityGroups,
    DBClusterParameterGroupName: like.clusterParameterGroup,
    // Valid only for Aurora; a Multi-AZ DB cluster uses IPv4.
    NetworkType: like.multiAz ? undefined : like.networkType,
    StorageType: like.storageType,
    ServerlessV2ScalingConfiguration: like.serverless && {
      MinCapacity: like.serverless.min,
      MaxCapacity: like.serverless.max,
      SecondsUntilAutoPause: like.serverless.pauseSeconds,
    },
    EnableIAMDatabaseAuthentication: like.iamAuthentication,
    EngineLifecycleSupport: like.lifecycleSupport,
    DeletionProtection: like.deletionProtection,
    CopyTagsToSnapshot: like.copyTagsToSnapshot,
    EnableCloudwatchLogsExports: like.logExports,
    BackupRetentionPeriod: like.backupDays,
    PreferredBackupWindow: like.backupWindow,
    ...(like.multiAz && multiAzRequest(like.multiAz)),
    Tags: tagList(withinLimit(like.tags, tags)),
  };
  if (purpose === "production") return request;
  return { ...request, ...STAGING_ONLY, ...(like.multiAz && MULTI_AZ_STAGING), Tags: tagList(tags) };
}

// Staging lives for hours. It gets no log groups that outlive it and no protection against deletion. RDS has no clusters
// without backups: one day is the minimum.
const STAGING_ONLY = {
  DeletionProtection: false,
  EnableCloudwatchLogsExports: undefined,
  BackupRetentionPeriod: 1,
  PreferredBackupWindow: undefined,
} satisfies Partial<Common>;

/** Returns the request to clone a cluster now. The clone shares the pages that neither cluster has changed. */
export function cloneRequest(
  clone: string,
  like: ClusterSettings,
  purpose: RestorePurpose,
  tags: Tags,
): CloneRequest {
  return {
    ...clusterRequest(like, purpose, tags),
    DBClusterIdentifier: clone,
    SourceDBClusterIdentifier: like.cluster,
    RestoreType: "copy-on-write",
    UseLatestRestorableTime: true,
  };
}

/** Returns the request to restore a cluster to a moment. */
function momentRequest(
  source: string,
  at: Date,
  cluster: string,
  like: ClusterSettings,
  purpose: RestorePurpose,
  tags: Tags,
): CloneRequest {
  return {
    ...clusterRequest(like, purpose, tags),
    DBClusterIdentifier: cluster,
    SourceDBClusterIdentifier: source,
    RestoreType: "full-copy",
    RestoreToTime: at,
  };
}

export function clusterRestoreRequest(
  snapshot: string,
  cluster: string,
  like: ClusterSettings,
  purpose: RestorePurpose,
  tags: Tags,
): ClusterRestoreRequest {
  return {
    ...clusterRequest(like, purpose, tags),
    DBClusterIdentifier: cluster,
    SnapshotIdentifier: snapshot,
    Engine: like.engine,
  };
}

/** Returns the request to create an instance in a cluster: one of production's members, or staging's only one. */
export function memberRequest(
  id: string,
  cluster: string,
  { engine }: ClusterSettings,
  member: MemberSettings,
  purpose: RestorePurpose,
  tags: Tags,
  anywhere: boolean,
): CreateDBInstanceMessage {
  const request: CreateDBInstanceMessage = {
    DBInstanceIdentifier: id,
    DBClusterIdentifier: cluster,
    Engine: engine,
    DBInstanceClass: member.instanceClass,
    DBParameterGroupName: member.parameterGroup,
    AvailabilityZone: anywhere ? undefined : member.availabilityZone,
    PromotionTier: member.promotionTier,
    PubliclyAccessible: member.publiclyAccessible,
    AutoMinorVersionUpgrade: member.minorUpgrades,
    CACertificateIdentifier: member.certificateAuthority,
    PreferredMaintenanceWindow: member.maintenanceWindow,
    MonitoringInterval: member.monitoring?.seconds,
    MonitoringRoleArn: member.monitoring?.role,
    EnablePerformanceInsights: member.insights && true,
    PerformanceInsightsRetentionPeriod: member.insights?.days,
    PerformanceInsightsKMSKeyId: member.insights?.key,
    Tags: tagList(withinLimit(member.tags, tags)),
  };
  return purpose === "production" ? request : { ...request, ...STAGING_MEMBER, Tags: tagList(tags) };
}

const STAGING_MEMBER = {
  PromotionTier: undefined,
  PubliclyAccessible: false,
  AutoMinorVersionUpgrade: false,
  PreferredMaintenanceWindow: undefined,
  MonitoringInterval: undefined,
  MonitoringRoleArn: undefined,
  EnablePerformanceInsights: undefined,
  PerformanceInsightsRetentionPeriod: undefined,
  PerformanceInsightsKMSKeyId: undefined,
} satisfies Partial<CreateDBInstanceMessage>;

/** Returns the differences between staging's and production's requests, apart from names, such as `DeletionProtection true (staging: false)`. */
export function clusterDifferences(like: ClusterSettings): string[] {
  const [writer] = like.members;
  const both = (["production", "staging"] as const).map(
    (purpose): Record<string, unknown> => ({
      ...clusterRequest(like, purpose, {}),
      ...(writer && !like.multiAz ? memberRequest("", "", like, writer, purpose, {}, false) : {}),
    }),
  );
  const told = (value: unknown) =>
    value === undefined ? "not given" : typeof value === "object" ? JSON.stringify(value) : String(value);
  const [production = {}, staging = {}] = both;
  return Object.keys({ ...production, ...staging })
    .filter((key) => key !== "Tags" && told(production[key]) !== told(staging[key]))
    .map((key) => `${key} ${told(production[key])} (staging: ${told(staging[key])})`);
}

/** A cluster's settings that can be given later. The parameter group is not among them: it decides how SQL behaves. */
export const CLUSTER_CAN_WAIT: readonly OptionalPart<Common>[] = [
  { what: "the network type", keys: ["NetworkType"], named: /^NetworkTypeNotSupported$/ },
  {
    what: "the kind of storage",
    keys: ["StorageType", "Iops"],
    named: /^StorageTypeNot(Supported|Available)$/,
  },
  {
    what: "monitoring and Performance Insights",
    keys: [
      "MonitoringInterval",
      "MonitoringRoleArn",
      "EnablePerformanceInsights",
      "PerformanceInsightsRetentionPeriod",
      "PerformanceInsightsKMSKeyId",
    ],
    named: /^KMSKeyNotAccessible$/,
  },
  {
    what: "logs, backups, support and tags",
    keys: [
      "EnableCloudwatchLogsExports",
      "BackupRetentionPeriod",
      "PreferredBackupWindow",
      "CopyTagsToSnapshot",
      "EngineLifecycleSupport",
      "Tags",
    ],
    named: /Tag/,
  },
];

export const MEMBER_CAN_WAIT: readonly OptionalPart<CreateDBInstanceMessage>[] = [
  { what: "the certificate authority", keys: ["CACertificateIdentifier"], named: /^CertificateNotFound$/ },
  {
    what: "Performance Insights",
    keys: ["EnablePerformanceInsights", "PerformanceInsightsRetentionPeriod", "PerformanceInsightsKMSKeyId"],
    named: /^KMSKeyNotAccessible$/,
  },
  {
    what: "monitoring, upgrades, the maintenance window and tags",
    keys: [
      "MonitoringInterval",
      "MonitoringRoleArn",
      "AutoMinorVersionUpgrade",
      "PreferredMaintenanceWindow",
      "Tags",
    ],
    named: /Tag/,
  },
];
