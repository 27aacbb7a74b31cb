import type {
  DBCluster,
  ModifyDBClusterMessage,
  RestoreDBClusterFromSnapshotMessage,
} from "@aws-sdk/client-rds";
import * as z from "zod";
import type { RunCluster } from "../settings.ts";

// A Multi-AZ DB cluster is RDS for PostgreSQL on three instances. RDS creates, names and removes them with the cluster.
// By the RDS user guide, "Modifying a Multi-AZ DB cluster", a single instance can only be rebooted: all settings belong
// to the cluster.

/** Settings that a Multi-AZ DB cluster has once for all its instances, where Aurora has them for each. */
export const multiAzSettings = z.object({
  instanceClass: z.string(),
  iops: z.number().optional(),
  publiclyAccessible: z.boolean(),
  minorUpgrades: z.boolean(),
  certificateAuthority: z.string().optional(),
  monitoring: z.object({ seconds: z.number(), role: z.string() }).optional(),
  insights: z.object({ days: z.number().optional(), key: z.string().optional() }).optional(),
});

type MultiAzSettings = z.infer<typeof multiAzSettings>;

export function isMultiAz({ Engine: engine }: Pick<DBCluster, "Engine">): boolean {
  return engine === "postgres";
}

export function multiAzSettingsOf(db: DBCluster): MultiAzSettings | undefined {
  if (!isMultiAz(db)) return undefined;
  return {
    instanceClass: db.DBClusterInstanceClass ?? "",
    iops: db.Iops,
    publiclyAccessible: db.PubliclyAccessible ?? false,
    minorUpgrades: db.AutoMinorVersionUpgrade ?? true,
    certificateAuthority: db.CertificateDetails?.CAIdentifier,
    monitoring:
      db.MonitoringInterval && db.MonitoringRoleArn
        ? { seconds: db.MonitoringInterval, role: db.MonitoringRoleArn }
        : undefined,
    insights: db.PerformanceInsightsEnabled
      ? { days: db.PerformanceInsightsRetentionPeriod, key: db.PerformanceInsightsKMSKeyId }
      : undefined,
  };
}

/** Returns the fields of a restore request that only this kind of cluster has. RDS accepts the storage type only with IOPS. */
export function multiAzRequest({
  instanceClass,
  iops,
  publiclyAccessible,
  monitoring,
  insights,
}: MultiAzSettings) {
  return {
    DBClusterInstanceClass: instanceClass,
    Iops: iops,
    PubliclyAccessible: publiclyAccessible,
    MonitoringInterval: monitoring?.seconds,
    MonitoringRoleArn: monitoring?.role,
    EnablePerformanceInsights: insights && true,
    PerformanceInsightsRetentionPeriod: insights?.days,
    PerformanceInsightsKMSKeyId: insights?.key,
  } satisfies Partial<RestoreDBClusterFromSnapshotMessage>;
}

/** Overrides for staging, as for an instance: not reachable from outside, and without monitoring that costs or outlives it. */
export const MULTI_AZ_STAGING = {
  PubliclyAccessible: false,
  MonitoringInterval: undefined,
  MonitoringRoleArn: undefined,
  EnablePerformanceInsights: undefined,
  PerformanceInsightsRetentionPeriod: undefined,
  PerformanceInsightsKMSKeyId: undefined,
} satisfies Partial<RestoreDBClusterFromSnapshotMessage>;

/** Returns the changes that a restored production still needs. */
export function missingMultiAz(db: DBCluster, like: MultiAzSettings): Partial<ModifyDBClusterMessage> {
  const changes: Partial<ModifyDBClusterMessage> = {};
  const { iops, minorUpgrades, certificateAuthority, monitoring, insights } = like;
  if (iops !== undefined && db.Iops !== iops) changes.Iops = iops;
  if ((db.AutoMinorVersionUpgrade ?? true) !== minorUpgrades) changes.AutoMinorVersionUpgrade = minorUpgrades;
  if (certificateAuthority && db.CertificateDetails?.CAIdentifier !== certificateAuthority)
    changes.CACertificateIdentifier = certificateAuthority;
  if (monitoring && db.MonitoringInterval !== monitoring.seconds) {
    changes.MonitoringInterval = monitoring.seconds;
    changes.MonitoringRoleArn = monitoring.role;
  }
  if (insights && !db.PerformanceInsightsEnabled) {
    changes.EnablePerformanceInsights = true;
    changes.PerformanceInsightsRetentionPeriod = insights.days;
    changes.PerformanceInsightsKMSKeyId = insights.key;
  }
  return changes;
}

/** Returns settings that this kind of cluster does not support, a sentence each. */
export function multiAzRefusals(
  cluster: string,
  { staging, backup, members }: RunCluster,
  copied: boolean,
): string[] {
  const name = `${cluster} is a Multi-AZ DB cluster of RDS for PostgreSQL`;
  const clones = [
    ...(staging === "clone" ? ["database.staging"] : []),
    ...(backup === "clone" ? ["backup"] : []),
  ];
  return [
    ...(clones.length > 0
      ? [`${name}, which has no clones: set ${clones.join(" and ")} to snapshot, and deploy.`]
      : []),
    ...(members
      ? [
          `${name}. RDS names its instances, and names those of a restored cluster differently. Remove database.members from the settings, and deploy.`,
        ]
      : []),
    ...(copied
      ? [`${name}, whose snapshots RDS cannot copy. Remove backup.copyTo from the settings, and deploy.`]
      : []),
  ];
}
