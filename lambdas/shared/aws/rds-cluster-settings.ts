import {
  type DBCluster,
  type DBInstance,
  DescribeDBClustersCommand,
  type RDSClient,
} from "@aws-sdk/client-rds";
import * as z from "zod";
import type { InstanceSettings } from "../ports.ts";
import { findInstance, look } from "./rds-calls.ts";
import { multiAzSettings, multiAzSettingsOf } from "./rds-multi-az.ts";
import { ownTags, texts } from "./rds-settings.ts";

const member = z.object({
  id: z.string(),
  writer: z.boolean(),
  instanceClass: z.string(),
  parameterGroup: z.string(),
  availabilityZone: z.string().optional(),
  promotionTier: z.number().optional(),
  publiclyAccessible: z.boolean(),
  minorUpgrades: z.boolean(),
  certificateAuthority: z.string().optional(),
  maintenanceWindow: z.string().optional(),
  monitoring: z.object({ seconds: z.number(), role: z.string() }).optional(),
  insights: z.object({ days: z.number().optional(), key: z.string().optional() }).optional(),
  tags: z.record(z.string(), z.string()),
});

/** Settings with which an instance of a cluster is created again. */
export type MemberSettings = z.infer<typeof member>;

/** Settings that a copy of a cluster's volume lacks unless the request names them. Stored as evidence: plain JSON, no secret. */
const clusterSettings = z.object({
  /** Identifier of the cluster; a clone names its source by it. */
  cluster: z.string(),
  engine: z.string(),
  engineVersion: z.string(),
  port: z.number(),
  subnetGroup: z.string(),
  securityGroups: z.array(z.string()),
  clusterParameterGroup: z.string(),
  networkType: z.string().optional(),
  /** `aurora`, or `aurora-iopt1` for I/O-Optimized; for a Multi-AZ DB cluster `io1`, `io2` or `gp3`. */
  storageType: z.string().optional(),
  serverless: z
    .object({ min: z.number().optional(), max: z.number().optional(), pauseSeconds: z.number().optional() })
    .optional(),
  iamAuthentication: z.boolean(),
  deletionProtection: z.boolean(),
  copyTagsToSnapshot: z.boolean(),
  lifecycleSupport: z.string().optional(),
  logExports: z.array(z.string()),
  backupDays: z.number(),
  backupWindow: z.string().optional(),
  maintenanceWindow: z.string().optional(),
  insightsMode: z.string().optional(),
  /** Present where RDS manages the master password in its own secret. */
  managedPassword: z.object({ key: z.string().optional() }).optional(),
  roles: z.array(z.object({ arn: z.string(), feature: z.string() })),
  /** Present for a Multi-AZ DB cluster, whose members have no settings of their own. */
  multiAz: multiAzSettings.optional(),
  tags: z.record(z.string(), z.string()),
  /** The writer first, then the readers in the order of failover. */
  members: z.array(member),
});

export type ClusterSettings = z.infer<typeof clusterSettings>;

/** @throws ZodError where the settings are not those of a cluster. */
export function asClusterSettings(settings: InstanceSettings): ClusterSettings {
  return clusterSettings.parse(settings);
}

/** Returns all settings that a copy of this cluster must request or give later. */
export function clusterSettingsOf(db: DBCluster, members: readonly DBInstance[]): ClusterSettings {
  const scaling = db.ServerlessV2ScalingConfiguration;
  return {
    cluster: db.DBClusterIdentifier ?? "",
    engine: db.Engine ?? "",
    engineVersion: db.EngineVersion ?? "",
    port: db.Port ?? 5432,
    subnetGroup: db.DBSubnetGroup ?? "",
    securityGroups: texts(db.VpcSecurityGroups?.map((group) => group.VpcSecurityGroupId)),
    clusterParameterGroup: db.DBClusterParameterGroup ?? "",
    networkType: db.NetworkType,
    // RDS reports no storage type for the standard one.
    storageType: db.StorageType || undefined,
    serverless: scaling && {
      min: scaling.MinCapacity,
      max: scaling.MaxCapacity,
      pauseSeconds: scaling.SecondsUntilAutoPause,
    },
    iamAuthentication: db.IAMDatabaseAuthenticationEnabled ?? false,
    deletionProtection: db.DeletionProtection ?? false,
    copyTagsToSnapshot: db.CopyTagsToSnapshot ?? false,
    lifecycleSupport: db.EngineLifecycleSupport,
    logExports: db.EnabledCloudwatchLogsExports ?? [],
    backupDays: db.BackupRetentionPeriod ?? 1,
    backupWindow: db.PreferredBackupWindow,
    maintenanceWindow: db.PreferredMaintenanceWindow,
    insightsMode: db.DatabaseInsightsMode,
    managedPassword: db.MasterUserSecret ? { key: db.MasterUserSecret.KmsKeyId } : undefined,
    roles: (db.AssociatedRoles ?? []).flatMap(({ RoleArn: arn, FeatureName: feature }) =>
      arn === undefined ? [] : [{ arn, feature: feature ?? "" }],
    ),
    multiAz: multiAzSettingsOf(db),
    tags: ownTags(db.TagList),
    members: inOrder(db, members),
  };
}

function inOrder(db: DBCluster, members: readonly DBInstance[]): MemberSettings[] {
  const places = new Map((db.DBClusterMembers ?? []).map((one) => [one.DBInstanceIdentifier, one]));
  return members
    .map((one) => memberSettingsOf(one, places.get(one.DBInstanceIdentifier)?.IsClusterWriter ?? false))
    .sort(
      (a, b) =>
        Number(b.writer) - Number(a.writer) ||
        (a.promotionTier ?? 1) - (b.promotionTier ?? 1) ||
        (a.id < b.id ? -1 : 1),
    );
}

function memberSettingsOf(db: DBInstance, writer: boolean): MemberSettings {
  return {
    id: db.DBInstanceIdentifier ?? "",
    writer,
    instanceClass: db.DBInstanceClass ?? "",
    parameterGroup: db.DBParameterGroups?.[0]?.DBParameterGroupName ?? "",
    availabilityZone: db.AvailabilityZone,
    promotionTier: db.PromotionTier,
    publiclyAccessible: db.PubliclyAccessible ?? false,
    minorUpgrades: db.AutoMinorVersionUpgrade ?? true,
    certificateAuthority: db.CACertificateIdentifier,
    maintenanceWindow: db.PreferredMaintenanceWindow,
    monitoring:
      db.MonitoringInterval && db.MonitoringRoleArn
        ? { seconds: db.MonitoringInterval, role: db.MonitoringRoleArn }
        : undefined,
    insights: db.PerformanceInsightsEnabled
      ? { days: db.PerformanceInsightsRetentionPeriod, key: db.PerformanceInsightsKMSKeyId }
      : undefined,
    tags: ownTags(db.TagList),
  };
}

/** Returns what people must do, as it stayed with the former cluster or has changed: name and settings do not carry it over. */
export function clusterHandOver(former: DBCluster, restored: DBCluster): string[] {
  const [was, is] = [former.DBClusterIdentifier ?? "", restored.DBClusterIdentifier ?? ""];
  const custom = former.CustomEndpoints ?? [];
  const replicas = former.ReadReplicaIdentifiers ?? [];
  const domains = (former.DomainMemberships ?? []).flatMap(({ Domain }) => Domain ?? []);
  const secret = restored.MasterUserSecret?.SecretArn;
  const stream = former.ActivityStreamStatus === "started" || former.ActivityStreamStatus === "starting";
  return [
    ...(custom.length === 0
      ? []
      : [`Custom endpoints stayed with ${was}: ${custom.join(", ")}. Create new ones of ${is}.`]),
    ...(replicas.length === 0
      ? []
      : [`Replicas stayed with ${was}: ${replicas.join(", ")}. Create new ones of ${is}.`]),
    ...(secret === undefined || secret === former.MasterUserSecret?.SecretArn
      ? []
      : [
          `The master password is in a new secret, ${secret}. Point database.secretArn and all other readers of the old secret at it.`,
        ]),
    ...(restored.IAMDatabaseAuthenticationEnabled
      ? [
          `IAM policies for rds-db:connect that name ${former.DbClusterResourceId} must name ${restored.DbClusterResourceId}. Until then IAM logins fail.`,
        ]
      : []),
    ...(former.HttpEndpointEnabled && !restored.HttpEndpointEnabled
      ? [`Turn the Data API on for ${is} again (aws rds enable-http-endpoint).`]
      : []),
    ...(stream ? [`Start the activity stream of ${is} again: it stayed with ${was}.`] : []),
    ...(domains.length === 0 ? [] : [`Join ${is} to the directory ${domains.join(", ")} again.`]),
    `Recovery to a point in time before the restore is possible only from ${was}: its automated backups stayed with it.`,
  ];
}

/** A cluster with its instances. */
export interface FoundCluster {
  db: DBCluster;
  /** The instances that RDS shows; one that is being deleted or renamed may be missing. */
  members: DBInstance[];
  /** The writer; undefined where the cluster has no instance yet, or no writer. */
  writer: DBInstance | undefined;
}

export async function findCluster(client: RDSClient, cluster: string): Promise<DBCluster | undefined> {
  const found = await look(`describe cluster ${cluster}`, "DBClusterNotFound", () =>
    client.send(new DescribeDBClustersCommand({ DBClusterIdentifier: cluster })),
  );
  return found?.DBClusters?.[0];
}

/** @param mayBeSeen true for names that Sluice's roles may describe: asking about another would be refused */
export async function findWithMembers(
  client: RDSClient,
  cluster: string,
  mayBeSeen: (member: string) => boolean,
): Promise<FoundCluster | undefined> {
  const db = await findCluster(client, cluster);
  if (!db) return undefined;
  const names = memberNames(db).filter(mayBeSeen);
  const found = await Promise.all(names.map((name) => findInstance(client, name)));
  const members = found.flatMap((one) => one ?? []);
  const writer = db.DBClusterMembers?.find(({ IsClusterWriter }) => IsClusterWriter)?.DBInstanceIdentifier;
  return { db, members, writer: members.find(({ DBInstanceIdentifier: id }) => id === writer) };
}

export function memberNames(db: DBCluster): string[] {
  return (db.DBClusterMembers ?? []).flatMap(({ DBInstanceIdentifier: id }) => id ?? []);
}
