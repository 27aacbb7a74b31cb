import type { DBInstance, Tag } from "@aws-sdk/client-rds";
import * as z from "zod";
import type { InstanceSettings } from "../ports.ts";

/** What an instance has and a restore of its snapshot has not, unless told. Stored as evidence: plain JSON, no secret. */
const rdsSettings = z.object({
  instanceClass: z.string(),
  port: z.number(),
  subnetGroup: z.string(),
  securityGroups: z.array(z.string()),
  parameterGroup: z.string(),
  optionGroup: z.string().optional(),
  availabilityZone: z.string().optional(),
  multiAz: z.boolean(),
  publiclyAccessible: z.boolean(),
  networkType: z.string().optional(),
  certificateAuthority: z.string().optional(),
  iamAuthentication: z.boolean(),
  deletionProtection: z.boolean(),
  minorUpgrades: z.boolean(),
  copyTagsToSnapshot: z.boolean(),
  lifecycleSupport: z.string().optional(),
  logExports: z.array(z.string()),
  storage: z.object({
    type: z.string().optional(),
    /** Absent where RDS sets it by the volume's size and refuses to be told. */
    iops: z.number().optional(),
    throughput: z.number().optional(),
    dedicatedLogVolume: z.boolean(),
    maximumGiB: z.number().optional(),
  }),
  backupDays: z.number(),
  backupWindow: z.string().optional(),
  maintenanceWindow: z.string().optional(),
  monitoring: z.object({ seconds: z.number(), role: z.string() }).optional(),
  insights: z
    .object({ mode: z.string().optional(), days: z.number().optional(), key: z.string().optional() })
    .optional(),
  /** Present where RDS keeps the master password in a secret of its own. */
  managedPassword: z.object({ key: z.string().optional() }).optional(),
  roles: z.array(z.object({ arn: z.string(), feature: z.string() })),
  tags: z.record(z.string(), z.string()),
});

export type RdsSettings = z.infer<typeof rdsSettings>;

/** @throws ZodError when the evidence was written by another fleet than RDS. */
export function asRdsSettings(settings: InstanceSettings): RdsSettings {
  return rdsSettings.parse(settings);
}

/** Everything a restore of this instance must be told, or given afterwards. */
export function settingsOf(db: DBInstance): RdsSettings {
  return {
    instanceClass: db.DBInstanceClass ?? "",
    port: db.Endpoint?.Port ?? db.DbInstancePort ?? 5432,
    subnetGroup: db.DBSubnetGroup?.DBSubnetGroupName ?? "",
    securityGroups: texts(db.VpcSecurityGroups?.map((group) => group.VpcSecurityGroupId)),
    parameterGroup: db.DBParameterGroups?.[0]?.DBParameterGroupName ?? "",
    optionGroup: db.OptionGroupMemberships?.[0]?.OptionGroupName,
    availabilityZone: db.AvailabilityZone,
    multiAz: db.MultiAZ ?? false,
    publiclyAccessible: db.PubliclyAccessible ?? false,
    networkType: db.NetworkType,
    certificateAuthority: db.CACertificateIdentifier,
    iamAuthentication: db.IAMDatabaseAuthenticationEnabled ?? false,
    deletionProtection: db.DeletionProtection ?? false,
    minorUpgrades: db.AutoMinorVersionUpgrade ?? true,
    copyTagsToSnapshot: db.CopyTagsToSnapshot ?? false,
    lifecycleSupport: db.EngineLifecycleSupport,
    logExports: db.EnabledCloudwatchLogsExports ?? [],
    storage: storageOf(db),
    backupDays: db.BackupRetentionPeriod ?? 0,
    backupWindow: db.PreferredBackupWindow,
    maintenanceWindow: db.PreferredMaintenanceWindow,
    monitoring:
      db.MonitoringInterval && db.MonitoringRoleArn
        ? { seconds: db.MonitoringInterval, role: db.MonitoringRoleArn }
        : undefined,
    insights: db.PerformanceInsightsEnabled
      ? {
          mode: db.DatabaseInsightsMode,
          days: db.PerformanceInsightsRetentionPeriod,
          key: db.PerformanceInsightsKMSKeyId,
        }
      : undefined,
    managedPassword: db.MasterUserSecret ? { key: db.MasterUserSecret.KmsKeyId } : undefined,
    roles: (db.AssociatedRoles ?? []).flatMap(({ RoleArn: arn, FeatureName: feature }) =>
      arn === undefined ? [] : [{ arn, feature: feature ?? "" }],
    ),
    tags: ownTags(db.TagList),
  };
}

// From this size on gp3 volumes of PostgreSQL are striped, and take IOPS and throughput as settings.
const STRIPED_FROM_GIB = 400;

function storageOf(db: DBInstance): RdsSettings["storage"] {
  const told =
    /^io/.test(db.StorageType ?? "") ||
    (db.StorageType === "gp3" && (db.AllocatedStorage ?? 0) >= STRIPED_FROM_GIB);
  return {
    type: db.StorageType,
    iops: told ? db.Iops : undefined,
    throughput: told && db.StorageType === "gp3" ? db.StorageThroughput : undefined,
    dedicatedLogVolume: db.DedicatedLogVolume ?? false,
    maximumGiB: db.MaxAllocatedStorage,
  };
}

/** Without those of AWS's own, which cannot be given. */
export function ownTags(list: readonly Tag[] | undefined): Record<string, string> {
  return Object.fromEntries(
    (list ?? []).flatMap(({ Key, Value }) =>
      Key === undefined || Key.startsWith("aws:") ? [] : [[Key, Value ?? ""]],
    ),
  );
}

export function texts(values: readonly (string | undefined)[] | undefined): string[] {
  return (values ?? []).filter((value) => value !== undefined);
}
