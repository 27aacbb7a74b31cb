import {
  type DBInstance,
  type ModifyDBInstanceMessage,
  type RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
  type RestoreDBInstanceFromDBSnapshotMessage,
  RestoreDBInstanceToPointInTimeCommand,
  type RestoreDBInstanceToPointInTimeMessage,
} from "@aws-sdk/client-rds";
import { awsErrorName, messageOf } from "../errors.ts";
import type { RestoreBegun, RestorePurpose, Tags } from "../ports.ts";
import { isBusy, refusal, tagList, withinLimit } from "./rds-calls.ts";
import type { RdsSettings } from "./rds-settings.ts";

/** The fields that both kinds of restore request share. */
type RestoreRequest = Omit<
  Pick<
    RestoreDBInstanceFromDBSnapshotMessage,
    keyof RestoreDBInstanceFromDBSnapshotMessage & keyof RestoreDBInstanceToPointInTimeMessage
  >,
  "AdditionalStorageVolumes" | "TagSpecifications"
>;

/**
 * Returns the request of a restore. Staging's is production's except for what keeps staging apart, so the rehearsal tests
 * the request of the emergency. It asks for one zone; production gets its second one after the proof.
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
    // A Multi-AZ production may start in either of its zones.
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

// Staging lives for hours. It gets no backups, no log groups that outlive it, no protection against deletion, no access
// from outside, and no upgrade in the middle of a rehearsal.
const STAGING_ONLY = {
  PubliclyAccessible: false,
  DeletionProtection: false,
  AutoMinorVersionUpgrade: false,
  BackupRetentionPeriod: 0,
  EnableCloudwatchLogsExports: undefined,
} satisfies Partial<RestoreRequest>;

/** Returns the differences between the two requests, apart from source and name, such as `DeletionProtection true (staging: false)`. */
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

/** Returns the changes that ModifyDBInstance must still make to the restored instance; empty when none is missing. */
export function missingSettings(db: DBInstance, like: RdsSettings, purpose: RestorePurpose): Changes {
  const changes: Changes = {};
  // Staging's disk must be able to grow like production's, so that a rehearsal that fills it is realistic.
  if (like.storage.maximumGiB !== undefined && db.MaxAllocatedStorage !== like.storage.maximumGiB)
    changes.MaxAllocatedStorage = like.storage.maximumGiB;
  if (db.DBParameterGroups?.[0]?.DBParameterGroupName !== like.parameterGroup)
    changes.DBParameterGroupName = like.parameterGroup;
  if (purpose === "staging") {
    // In case the restore took either from the snapshot.
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

/** Returns settings of the restore request that RDS refused and that are still missing. */
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

/** Returns production's roles that the restored instance does not have yet. */
export function missingRoles(
  db: DBInstance,
  like: RdsSettings,
  purpose: RestorePurpose,
): RdsSettings["roles"] {
  if (purpose === "staging") return [];
  return like.roles.filter(({ arn }) => !db.AssociatedRoles?.some((role) => role.RoleArn === arn));
}

/** The source of a restore. */
type RestoreSource = { snapshot: string } | { instance: string; at: Date };

/** Settings that can be given later, and the error names by which RDS refuses them. */
const CAN_WAIT: readonly { what: string; keys: readonly (keyof RestoreRequest)[]; named: RegExp }[] = [
  {
    what: "the certificate authority",
    keys: ["CACertificateIdentifier"],
    named: /^CertificateNotFound$/,
  },
  { what: "the option group", keys: ["OptionGroupName"], named: /^OptionGroupNotFound$/ },
  { what: "the network type", keys: ["NetworkType"], named: /^NetworkTypeNotSupported$/ },
  {
    what: "the kind of storage",
    keys: ["StorageType", "Iops", "StorageThroughput", "DedicatedLogVolume"],
    named: /^(ProvisionedIopsNotAvailableInAZ|StorageTypeNot(Supported|Available))$/,
  },
  {
    what: "logs, upgrades, support and tags",
    keys: [
      "EnableCloudwatchLogsExports",
      "AutoMinorVersionUpgrade",
      "CopyTagsToSnapshot",
      "EngineLifecycleSupport",
      "Tags",
    ],
    named: /Tag/,
  },
];

/** A field of the request is wrong, and the error's name does not show which one. */
const UNNAMED = /^(InvalidParameter(Value|Combination)?|ValidationError)$/;

/** RDS's words for a moment that its archive has not reached yet, also as an InvalidParameterValue. */
const TOO_LATE = /cannot be restored to a time later than/;

/** RDS's words for a moment that its archive no longer has. */
const TOO_EARLY = /cannot be restored to a time earlier than/;

// Staging may be about to be deleted, or a person may free quota. After this time the run reports it.
const ROOM_MINUTES = 30;

/**
 * Sends the request. It leaves out refused settings that do not affect the data, and sends the rest again. Staging never
 * goes without its parameter group, which decides how SQL behaves. Production without it is still better than no production.
 * @throws SluiceError FleetFailed for a final refusal
 */
export async function beginRestore(
  client: RDSClient,
  source: RestoreSource,
  instance: string,
  request: RestoreRequest,
  purpose: RestorePurpose,
): Promise<RestoreBegun | undefined> {
  const without: string[] = [];
  for (let asked = request; ; ) {
    try {
      await send(client, source, instance, asked);
      return without.length > 0 ? { without } : undefined;
    } catch (error) {
      const name = awsErrorName(error);
      if (name === "DBInstanceAlreadyExists" || isBusy(error))
        return without.length > 0 ? { without } : undefined;
      const why = `${name}: ${messageOf(error)}`;
      if (name === "InsufficientDBInstanceCapacity") return { waits: { why }, without };
      if (purpose === "production" && /^(Instance|Storage)QuotaExceeded$/.test(name))
        return { waits: { why, minutes: ROOM_MINUTES }, without };
      if (TOO_LATE.test(why)) return { waits: { why }, without };
      // No setting causes the refusal of a moment that the archive no longer has.
      const less = TOO_EARLY.test(why) ? undefined : lessOf(asked, name, purpose);
      if (!less) throw refusal(error, `restore ${sourceText(source)} as ${instance}`);
      without.push(`${less.what}: ${why}`);
      asked = less.request;
    }
  }
}

function send(client: RDSClient, source: RestoreSource, instance: string, request: RestoreRequest) {
  return "snapshot" in source
    ? client.send(
        new RestoreDBInstanceFromDBSnapshotCommand({
          ...request,
          DBSnapshotIdentifier: source.snapshot,
          DBInstanceIdentifier: instance,
        }),
      )
    : client.send(
        new RestoreDBInstanceToPointInTimeCommand({
          ...request,
          SourceDBInstanceIdentifier: source.instance,
          RestoreTime: source.at,
          TargetDBInstanceIdentifier: instance,
        }),
      );
}

function sourceText(source: RestoreSource): string {
  return "snapshot" in source ? source.snapshot : `${source.instance} at ${source.at.toISOString()}`;
}

/** Returns the request without the refused settings; without all that can wait where the refusal names none; undefined: none is optional. */
function lessOf(
  asked: RestoreRequest,
  name: string,
  purpose: RestorePurpose,
): { what: string; request: RestoreRequest } | undefined {
  const given = CAN_WAIT.filter(({ keys }) => keys.some((key) => asked[key] !== undefined));
  const named = given.filter((part) => part.named.test(name));
  const parts = named.length > 0 ? named : UNNAMED.test(name) ? given : [];
  if (parts.length > 0)
    return {
      what: parts.map(({ what }) => what).join(", "),
      request: dropped(
        asked,
        parts.flatMap(({ keys }) => keys),
      ),
    };
  const group = name === "DBParameterGroupNotFound" || UNNAMED.test(name);
  if (purpose === "staging" || !group || asked.DBParameterGroupName === undefined) return undefined;
  return { what: "the parameter group", request: dropped(asked, ["DBParameterGroupName"]) };
}

function dropped(request: RestoreRequest, keys: readonly (keyof RestoreRequest)[]): RestoreRequest {
  return { ...request, ...Object.fromEntries(keys.map((key) => [key, undefined])) };
}
