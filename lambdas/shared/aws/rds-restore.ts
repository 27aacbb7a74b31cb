import type {
  DBInstance,
  ModifyDBInstanceMessage,
  RestoreDBInstanceFromDBSnapshotMessage,
} from "@aws-sdk/client-rds";
import type { Tags } from "../ports.ts";
import type { RdsSettings } from "./rds-settings.ts";

export type RestorePurpose = "staging" | "production";

/** What a restore can be told. Staging is as production is in all that decides how SQL behaves, and no more. */
export function restoreRequest(
  snapshot: string,
  instance: string,
  like: RdsSettings,
  purpose: RestorePurpose,
  tags: Tags,
): RestoreDBInstanceFromDBSnapshotMessage {
  const all = purpose === "production" ? { ...like.tags, ...tags } : tags;
  return {
    DBInstanceIdentifier: instance,
    DBSnapshotIdentifier: snapshot,
    DBInstanceClass: like.instanceClass,
    Port: like.port,
    DBSubnetGroupName: like.subnetGroup,
    VpcSecurityGroupIds: like.securityGroups,
    DBParameterGroupName: like.parameterGroup,
    OptionGroupName: like.optionGroup,
    NetworkType: like.networkType,
    CACertificateIdentifier: like.certificateAuthority,
    EnableIAMDatabaseAuthentication: like.iamAuthentication,
    EngineLifecycleSupport: like.lifecycleSupport,
    StorageType: like.storage.type,
    Iops: like.storage.iops,
    StorageThroughput: like.storage.throughput,
    DedicatedLogVolume: like.storage.dedicatedLogVolume,
    Tags: tagList(all),
    ...(purpose === "production" ? ownOf(like) : STAGING_ONLY),
  };
}

// Staging lives for hours: no backups, no second zone, nothing that could keep it from being deleted or let
// anybody outside reach it, and no upgrade in the middle of a rehearsal.
const STAGING_ONLY = {
  MultiAZ: false,
  PubliclyAccessible: false,
  DeletionProtection: false,
  AutoMinorVersionUpgrade: false,
  CopyTagsToSnapshot: false,
  BackupRetentionPeriod: 0,
} as const;

function ownOf(like: RdsSettings): Partial<RestoreDBInstanceFromDBSnapshotMessage> {
  return {
    MultiAZ: like.multiAz,
    // RDS refuses a zone for an instance that has two.
    AvailabilityZone: like.multiAz ? undefined : like.availabilityZone,
    PubliclyAccessible: like.publiclyAccessible,
    DeletionProtection: like.deletionProtection,
    AutoMinorVersionUpgrade: like.minorUpgrades,
    CopyTagsToSnapshot: like.copyTagsToSnapshot,
    EnableCloudwatchLogsExports: like.logExports,
  };
}

type Changes = Omit<ModifyDBInstanceMessage, "DBInstanceIdentifier">;

/** What the restored instance still lacks and ModifyDBInstance can give it; empty when it lacks nothing. */
export function missingSettings(db: DBInstance, like: RdsSettings, purpose: RestorePurpose): Changes {
  const changes: Changes = {};
  // A rehearsal that fills the disk must find the room that production would find.
  if (like.storage.maximumGiB !== undefined && db.MaxAllocatedStorage !== like.storage.maximumGiB)
    changes.MaxAllocatedStorage = like.storage.maximumGiB;
  if (db.DBParameterGroups?.[0]?.DBParameterGroupName !== like.parameterGroup)
    changes.DBParameterGroupName = like.parameterGroup;
  if (purpose === "staging") {
    // Should a restore have taken either from the snapshot after all.
    if (db.PubliclyAccessible) changes.PubliclyAccessible = false;
    if (db.DeletionProtection) changes.DeletionProtection = false;
    return changes;
  }
  if (db.BackupRetentionPeriod !== like.backupDays) changes.BackupRetentionPeriod = like.backupDays;
  if (like.backupDays > 0 && like.backupWindow && db.PreferredBackupWindow !== like.backupWindow)
    changes.PreferredBackupWindow = like.backupWindow;
  if (like.maintenanceWindow && db.PreferredMaintenanceWindow !== like.maintenanceWindow)
    changes.PreferredMaintenanceWindow = like.maintenanceWindow;
  if (db.DeletionProtection !== like.deletionProtection) changes.DeletionProtection = like.deletionProtection;
  if (like.monitoring && db.MonitoringInterval !== like.monitoring.seconds) {
    changes.MonitoringInterval = like.monitoring.seconds;
    changes.MonitoringRoleArn = like.monitoring.role;
  }
  if (like.insights && !db.PerformanceInsightsEnabled) {
    changes.EnablePerformanceInsights = true;
    changes.PerformanceInsightsRetentionPeriod = like.insights.days;
    changes.PerformanceInsightsKMSKeyId = like.insights.key;
    changes.DatabaseInsightsMode = like.insights.mode as Changes["DatabaseInsightsMode"];
  }
  if (like.managedPassword && !db.MasterUserSecret) {
    changes.ManageMasterUserPassword = true;
    changes.MasterUserSecretKmsKeyId = like.managedPassword.key;
  }
  return changes;
}

/** Roles that production may act with and the restored instance may not yet. */
export function missingRoles(
  db: DBInstance,
  like: RdsSettings,
  purpose: RestorePurpose,
): RdsSettings["roles"] {
  if (purpose === "staging") return [];
  return like.roles.filter(({ arn }) => !db.AssociatedRoles?.some((role) => role.RoleArn === arn));
}

export function tagList(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
