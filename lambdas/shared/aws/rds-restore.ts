import type {
  DBInstance,
  ModifyDBInstanceMessage,
  RestoreDBInstanceFromDBSnapshotMessage,
  RestoreDBInstanceToPointInTimeMessage,
} from "@aws-sdk/client-rds";
import type { RestorePurpose, Tags } from "../ports.ts";
import type { RdsSettings } from "./rds-settings.ts";
import { tagList, withinLimit } from "./rds-tags.ts";

/** What both kinds of restore are told of the new instance, in the same words. */
export type RestoreRequest = Omit<
  Pick<
    RestoreDBInstanceFromDBSnapshotMessage,
    keyof RestoreDBInstanceFromDBSnapshotMessage & keyof RestoreDBInstanceToPointInTimeMessage
  >,
  "AdditionalStorageVolumes" | "TagSpecifications"
>;

/**
 * What a restore is told: staging's request is production's, but for what keeps staging apart. So the emergency is not
 * the first to send it. In one zone, whatever production has: a second one is given when what was restored is proven.
 */
export function restoreRequest(
  like: RdsSettings,
  purpose: RestorePurpose,
  tags: Tags,
  anywhere = false,
): RestoreRequest {
  const request: RestoreRequest = {
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
    MultiAZ: false,
    // What had two zones is at home in either.
    AvailabilityZone: like.multiAz || anywhere ? undefined : like.availabilityZone,
    PubliclyAccessible: like.publiclyAccessible,
    DeletionProtection: like.deletionProtection,
    AutoMinorVersionUpgrade: like.minorUpgrades,
    CopyTagsToSnapshot: like.copyTagsToSnapshot,
    EnableCloudwatchLogsExports: like.logExports,
    Tags: tagList(withinLimit(like.tags, tags)),
  };
  return purpose === "production" ? request : { ...request, ...STAGING_ONLY, Tags: tagList(tags) };
}

// Staging lives for hours: no backups, no logs that outlive it, nothing that could keep it from being deleted or let
// anybody outside reach it, and no upgrade in the middle of a rehearsal.
const STAGING_ONLY = {
  PubliclyAccessible: false,
  DeletionProtection: false,
  AutoMinorVersionUpgrade: false,
  BackupRetentionPeriod: 0,
  EnableCloudwatchLogsExports: undefined,
} satisfies Partial<RestoreRequest>;

/** In what the two requests differ, beside what is restored and under which name; each as `DeletionProtection true (staging: false)`. */
export function restoreDifferences(like: RdsSettings): string[] {
  const [production, staging] = (["production", "staging"] as const).map(
    (purpose): Record<string, unknown> => ({ ...restoreRequest(like, purpose, {}) }),
  );
  const told = (value: unknown) =>
    value === undefined ? "not given" : typeof value === "object" ? JSON.stringify(value) : String(value);
  return [...new Set([...Object.keys(production ?? {}), ...Object.keys(staging ?? {})])]
    .filter((key) => key !== "Tags" && told(production?.[key]) !== told(staging?.[key]))
    .map((key) => `${key} ${told(production?.[key])} (staging: ${told(staging?.[key])})`);
}

export type Changes = Omit<ModifyDBInstanceMessage, "DBInstanceIdentifier">;

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
  return { ...changes, ...leftOut(db, like) };
}

/** What the restore itself gives, unless RDS refused that in its request. */
function leftOut(db: DBInstance, like: RdsSettings): Changes {
  const changes: Changes = {};
  const lacks = <T>(now: T | undefined, wanted: T | undefined): boolean =>
    now !== undefined && wanted !== undefined && now !== wanted;
  if (lacks(db.OptionGroupMemberships?.[0]?.OptionGroupName, like.optionGroup))
    changes.OptionGroupName = like.optionGroup;
  if (lacks(db.CACertificateIdentifier, like.certificateAuthority))
    changes.CACertificateIdentifier = like.certificateAuthority;
  if (lacks(db.NetworkType, like.networkType)) changes.NetworkType = like.networkType;
  if (lacks(db.EngineLifecycleSupport, like.lifecycleSupport))
    changes.EngineLifecycleSupport = like.lifecycleSupport;
  if (lacks(db.AutoMinorVersionUpgrade, like.minorUpgrades))
    changes.AutoMinorVersionUpgrade = like.minorUpgrades;
  if (lacks(db.CopyTagsToSnapshot, like.copyTagsToSnapshot))
    changes.CopyTagsToSnapshot = like.copyTagsToSnapshot;
  if (
    lacks(db.StorageType, like.storage.type) ||
    lacks(db.Iops, like.storage.iops) ||
    lacks(db.StorageThroughput, like.storage.throughput)
  ) {
    changes.StorageType = like.storage.type;
    changes.Iops = like.storage.iops;
    changes.StorageThroughput = like.storage.throughput;
  }
  if (lacks(db.DedicatedLogVolume, like.storage.dedicatedLogVolume))
    changes.DedicatedLogVolume = like.storage.dedicatedLogVolume;
  const logs = like.logExports.filter((name) => !(db.EnabledCloudwatchLogsExports ?? []).includes(name));
  if (logs.length > 0) changes.CloudwatchLogsExportConfiguration = { EnableLogTypes: logs };
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
