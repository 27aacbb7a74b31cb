import {
  AddRoleToDBInstanceCommand,
  AddTagsToResourceCommand,
  type DBInstance,
  ModifyDBInstanceCommand,
  type RDSClient,
  RebootDBInstanceCommand,
  type Tag,
} from "@aws-sdk/client-rds";
import * as z from "zod";
import { SluiceError } from "../errors.ts";
import type { InstanceSettings, RestorePurpose, SettingsGiven } from "../ports.ts";
import { storageText } from "../text.ts";
import { tagList } from "./rds-calls.ts";
import { asked, modified, modifyingInstance } from "./rds-modify.ts";
import { missingRoles, missingSettings } from "./rds-restore.ts";
import { storageWork } from "./rds-status.ts";

/** Settings that a restore of an instance's snapshot lacks unless the request names them. Stored as evidence: plain JSON, no secret. */
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
    /** Absent where RDS derives it from the volume's size and refuses a value. */
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
  /** Present where RDS manages the master password in its own secret. */
  managedPassword: z.object({ key: z.string().optional() }).optional(),
  roles: z.array(z.object({ arn: z.string(), feature: z.string() })),
  tags: z.record(z.string(), z.string()),
});

export type RdsSettings = z.infer<typeof rdsSettings>;

/** @throws ZodError where the settings are not those of an RDS instance. */
export function asRdsSettings(settings: InstanceSettings): RdsSettings {
  return rdsSettings.parse(settings);
}

/** Returns all settings that a restore of this instance must request or give later. */
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

// From this size on, gp3 volumes of PostgreSQL are striped and accept IOPS and throughput as settings.
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

/** Returns the tags without AWS's own, which nobody else can set. */
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

/**
 * Makes one step towards the wanted settings: it requests what can be changed now. A refused setting does not hold up the
 * others, and is requested again at the next call.
 * @throws SluiceError FleetFailed where RDS refuses a setting that staging needs
 */
export async function giveSettings(
  client: RDSClient,
  db: DBInstance,
  like: RdsSettings,
  purpose: RestorePurpose,
): Promise<SettingsGiven> {
  const instance = db.DBInstanceIdentifier ?? "";
  const refused: string[] = [];
  const ask = async (what: string, done: string | undefined, call: () => Promise<unknown>) => {
    const answer = await asked(what, instance, done, call);
    if (answer instanceof SluiceError) refused.push(`${what}: ${answer.message}`);
    return !(answer instanceof SluiceError);
  };
  const changing = { changing: true, refused, underWay: [] };

  const changes = missingSettings(db, like, purpose);
  if (await modified(instance, changes, modifyingInstance(client, instance), purpose, refused))
    return changing;
  for (const role of missingRoles(db, like, purpose))
    if (
      await ask(`the role ${role.arn}`, "DBInstanceRoleAlreadyExists", () =>
        client.send(
          new AddRoleToDBInstanceCommand({
            DBInstanceIdentifier: instance,
            RoleArn: role.arn,
            FeatureName: role.feature,
          }),
        ),
      )
    )
      return changing;
  const tags = Object.entries(like.tags).filter(
    ([key]) => !(db.TagList ?? []).some(({ Key }) => Key === key),
  );
  if (purpose === "production" && tags.length > 0)
    await ask("tags", undefined, () =>
      client.send(
        new AddTagsToResourceCommand({
          ResourceName: db.DBInstanceArn,
          Tags: tagList(Object.fromEntries(tags)),
        }),
      ),
    );
  const state = db.DBParameterGroups?.[0]?.ParameterApplyStatus ?? "in-sync";
  if (state === "pending-reboot")
    return (await ask("the reboot that its parameters wait for", undefined, () =>
      client.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: instance })),
    ))
      ? changing
      : { changing: false, refused, underWay: [] };
  if (state !== "in-sync" || isChanging(db)) return changing;
  return await secondZone(client, db, like, purpose, refused);
}

/** Requests the conversion to Multi-AZ last, without waiting: it may take hours, and production is in use meanwhile. */
async function secondZone(
  client: RDSClient,
  db: DBInstance,
  like: RdsSettings,
  purpose: RestorePurpose,
  refused: string[],
): Promise<SettingsGiven> {
  const instance = db.DBInstanceIdentifier ?? "";
  const given = { changing: false, refused, underWay: purpose === "staging" ? [] : filling(db) };
  if (purpose === "staging" || !like.multiAz || db.MultiAZ) return given;
  if (db.PendingModifiedValues?.MultiAZ !== true) {
    const answer = await asked("a second zone", instance, undefined, () =>
      client.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: instance,
          ApplyImmediately: true,
          MultiAZ: true,
        }),
      ),
    );
    if (answer === "busy") return { ...given, changing: true };
    if (answer instanceof SluiceError)
      return { ...given, refused: [...refused, `a second zone (Multi-AZ): ${answer.message}`] };
  }
  const converted = `${instance} is being converted to Multi-AZ: it has no standby until the conversion ends.`;
  return { ...given, underWay: [converted, ...given.underWay] };
}

function filling(db: DBInstance): string[] {
  const work = storageWork(db);
  return work === undefined
    ? []
    : [
        `RDS is working on the storage of ${db.DBInstanceIdentifier} (${storageText(work)}): it is slower than usual until that ends.`,
      ];
}

// RDS lists a change as pending for a while before the status becomes "modifying".
function isChanging({ PendingModifiedValues }: DBInstance): boolean {
  return Object.entries(PendingModifiedValues ?? {}).some(
    ([key, value]) => key !== "MultiAZ" && value !== undefined,
  );
}

/** Returns what people must do, as it stayed with the former instance or has changed: name and settings do not carry it over. */
export function handOverText(former: DBInstance, restored: DBInstance): string[] {
  const [was, is] = [former.DBInstanceIdentifier ?? "", restored.DBInstanceIdentifier ?? ""];
  const replicas = former.ReadReplicaDBInstanceIdentifiers ?? [];
  const domains = (former.DomainMemberships ?? []).flatMap(({ Domain }) => Domain ?? []);
  const zones = [former.AvailabilityZone, restored.AvailabilityZone];
  const secret = restored.MasterUserSecret?.SecretArn;
  return [
    ...(replicas.length === 0
      ? []
      : [`Read replicas stayed with ${was}: ${replicas.join(", ")}. Create new ones of ${is}.`]),
    ...(secret === undefined || secret === former.MasterUserSecret?.SecretArn
      ? []
      : [
          `The master password is in a new secret, ${secret}. Point database.secretArn and all other readers of the old secret at it.`,
        ]),
    ...(restored.IAMDatabaseAuthenticationEnabled
      ? [
          `IAM policies for rds-db:connect that name ${former.DbiResourceId} must name ${restored.DbiResourceId}. Until then IAM logins fail.`,
        ]
      : []),
    ...(zones[0] === zones[1] || former.MultiAZ || zones.includes(undefined)
      ? []
      : [`${is} is now in zone ${zones[1]} instead of ${zones[0]}, where AWS had no capacity for it.`]),
    ...(domains.length === 0 ? [] : [`Join ${is} to the directory ${domains.join(", ")} again.`]),
    `Recovery to a point in time before the restore is possible only from ${was}: its automated backups stayed with it.`,
  ];
}
