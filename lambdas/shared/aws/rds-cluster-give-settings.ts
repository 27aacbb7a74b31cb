import {
  AddRoleToDBClusterCommand,
  AddTagsToResourceCommand,
  CreateDBInstanceCommand,
  type DBCluster,
  type DBInstance,
  ModifyDBClusterCommand,
  type ModifyDBClusterMessage,
  type RDSClient,
  RebootDBClusterCommand,
  RebootDBInstanceCommand,
} from "@aws-sdk/client-rds";
import { SluiceError } from "../errors.ts";
import type { RestorePurpose, SettingsGiven } from "../ports.ts";
import { tagList } from "./rds-calls.ts";
import { MEMBER_CAN_WAIT, memberRequest } from "./rds-cluster-moments.ts";
import type { ClusterSettings, FoundCluster, MemberSettings } from "./rds-cluster-settings.ts";
import { asked, type Modifying, modified, modifyingInstance, type Part, sendWithLess } from "./rds-modify.ts";
import { missingMultiAz } from "./rds-multi-az.ts";
import type { Changes } from "./rds-restore.ts";

type ClusterChanges = Omit<ModifyDBClusterMessage, "DBClusterIdentifier">;

export const CLUSTER_PARTS: readonly Part<ClusterChanges>[] = [
  { what: "Database Insights", keys: ["DatabaseInsightsMode"] },
  { what: "the managed master password", keys: ["ManageMasterUserPassword", "MasterUserSecretKmsKeyId"] },
  { what: "the kind of storage", keys: ["StorageType", "Iops"] },
  {
    what: "Performance Insights",
    keys: ["EnablePerformanceInsights", "PerformanceInsightsRetentionPeriod", "PerformanceInsightsKMSKeyId"],
  },
  { what: "monitoring", keys: ["MonitoringInterval", "MonitoringRoleArn"] },
  { what: "the certificate authority", keys: ["CACertificateIdentifier"] },
  { what: "the network type", keys: ["NetworkType"] },
  { what: "scaling", keys: ["ServerlessV2ScalingConfiguration"] },
  { what: "log exports", keys: ["CloudwatchLogsExportConfiguration"] },
  { what: "the maintenance window", keys: ["PreferredMaintenanceWindow", "AutoMinorVersionUpgrade"] },
  {
    what: "automated backups",
    keys: ["BackupRetentionPeriod", "PreferredBackupWindow", "CopyTagsToSnapshot"],
  },
  { what: "IAM authentication", keys: ["EnableIAMDatabaseAuthentication"] },
  { what: "the cluster parameter group", keys: ["DBClusterParameterGroupName"] },
  { what: "deletion protection", keys: ["DeletionProtection"] },
];

export function modifyingCluster(client: RDSClient, cluster: string): Modifying<ClusterChanges> {
  return {
    parts: CLUSTER_PARTS,
    stagingNeeds: ["DBClusterParameterGroupName", "DeletionProtection"],
    send: (changes) =>
      client.send(
        new ModifyDBClusterCommand({ DBClusterIdentifier: cluster, ApplyImmediately: true, ...changes }),
      ),
  };
}

/**
 * Makes one step towards the wanted settings, as `giveSettings` does for an instance, and creates production's missing
 * readers. The writer serves meanwhile, so the run does not wait for readers.
 * @throws SluiceError FleetFailed where RDS refuses a setting that staging needs
 */
export async function giveClusterSettings(
  client: RDSClient,
  cluster: string,
  { db, members, writer }: FoundCluster,
  like: ClusterSettings,
  purpose: RestorePurpose,
): Promise<SettingsGiven> {
  const refused: string[] = [];
  const changing = { changing: true, refused, underWay: [] };
  if (
    await modified(
      cluster,
      missingClusterSettings(db, like, purpose),
      modifyingCluster(client, cluster),
      purpose,
      refused,
    )
  )
    return changing;
  const [first] = like.members;
  const name = writer?.DBInstanceIdentifier ?? "";
  if (writer && first && !like.multiAz) {
    const changes = missingMemberSettings(writer, first, purpose);
    if (await modified(name, changes, modifyingInstance(client, name), purpose, refused)) return changing;
  }
  if (purpose === "production") {
    if (await givenRole(client, cluster, db, like, refused)) return changing;
    await giveTags(client, cluster, db, like, refused);
  }
  if (writer && waitsForReboot(db, writer)) {
    const answer = await asked("the reboot that its parameters wait for", name, undefined, () =>
      like.multiAz
        ? client.send(new RebootDBClusterCommand({ DBClusterIdentifier: cluster }))
        : client.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: name })),
    );
    if (!(answer instanceof SluiceError)) return changing;
    refused.push(`the reboot that its parameters wait for: ${answer.message}`);
  } else if (isChanging(db, writer)) return changing;
  if (purpose === "staging")
    return { changing: false, refused: [...refused, ...otherVersion(db, like)], underWay: [] };
  // RDS creates all of them itself.
  if (like.multiAz) return { changing: false, refused, underWay: [] };
  const underWay = await createReaders(client, cluster, members, like, refused);
  return { changing: false, refused, underWay };
}

/** Returns the changes that ModifyDBCluster must still make; empty when none is missing. */
export function missingClusterSettings(
  db: DBCluster,
  like: ClusterSettings,
  purpose: RestorePurpose,
): ClusterChanges {
  const changes: ClusterChanges = {};
  if (db.DBClusterParameterGroup !== like.clusterParameterGroup)
    changes.DBClusterParameterGroupName = like.clusterParameterGroup;
  const { serverless } = like;
  const scaling = db.ServerlessV2ScalingConfiguration;
  if (serverless && (scaling?.MinCapacity !== serverless.min || scaling?.MaxCapacity !== serverless.max))
    changes.ServerlessV2ScalingConfiguration = {
      MinCapacity: serverless.min,
      MaxCapacity: serverless.max,
      SecondsUntilAutoPause: serverless.pauseSeconds,
    };
  if (purpose === "staging") {
    if (db.DeletionProtection) changes.DeletionProtection = false;
    return changes;
  }
  if (db.BackupRetentionPeriod !== like.backupDays) changes.BackupRetentionPeriod = like.backupDays;
  if (like.backupWindow && db.PreferredBackupWindow !== like.backupWindow)
    changes.PreferredBackupWindow = like.backupWindow;
  if (like.maintenanceWindow && db.PreferredMaintenanceWindow !== like.maintenanceWindow)
    changes.PreferredMaintenanceWindow = like.maintenanceWindow;
  if ((db.DeletionProtection ?? false) !== like.deletionProtection)
    changes.DeletionProtection = like.deletionProtection;
  if ((db.CopyTagsToSnapshot ?? false) !== like.copyTagsToSnapshot)
    changes.CopyTagsToSnapshot = like.copyTagsToSnapshot;
  if ((db.IAMDatabaseAuthenticationEnabled ?? false) !== like.iamAuthentication)
    changes.EnableIAMDatabaseAuthentication = like.iamAuthentication;
  // RDS reports no storage type for Aurora's standard one.
  const standard = like.multiAz ? undefined : "aurora";
  if ((db.StorageType || standard) !== (like.storageType ?? standard))
    changes.StorageType = like.storageType ?? standard;
  if (like.multiAz) Object.assign(changes, missingMultiAz(db, like.multiAz));
  // RDS accepts the storage type only with IOPS.
  if (changes.StorageType && like.multiAz) changes.Iops = like.multiAz.iops;
  if (!like.multiAz && like.networkType && db.NetworkType && db.NetworkType !== like.networkType)
    changes.NetworkType = like.networkType;
  if (like.insightsMode && db.DatabaseInsightsMode !== like.insightsMode)
    changes.DatabaseInsightsMode = like.insightsMode as ClusterChanges["DatabaseInsightsMode"];
  if (like.managedPassword && !db.MasterUserSecret) {
    changes.ManageMasterUserPassword = true;
    changes.MasterUserSecretKmsKeyId = like.managedPassword.key;
  }
  const logs = like.logExports.filter((name) => !(db.EnabledCloudwatchLogsExports ?? []).includes(name));
  if (logs.length > 0) changes.CloudwatchLogsExportConfiguration = { EnableLogTypes: logs };
  return changes;
}

/** Returns the settings that an instance of the cluster was created without. */
function missingMemberSettings(db: DBInstance, like: MemberSettings, purpose: RestorePurpose): Changes {
  const changes: Changes = {};
  if (db.DBParameterGroups?.[0]?.DBParameterGroupName !== like.parameterGroup)
    changes.DBParameterGroupName = like.parameterGroup;
  if (purpose === "staging") {
    if (db.PubliclyAccessible) changes.PubliclyAccessible = false;
    return changes;
  }
  if (like.monitoring && db.MonitoringInterval !== like.monitoring.seconds) {
    changes.MonitoringInterval = like.monitoring.seconds;
    changes.MonitoringRoleArn = like.monitoring.role;
  }
  if (like.insights && !db.PerformanceInsightsEnabled) {
    changes.EnablePerformanceInsights = true;
    changes.PerformanceInsightsRetentionPeriod = like.insights.days;
    changes.PerformanceInsightsKMSKeyId = like.insights.key;
  }
  if (like.certificateAuthority && db.CACertificateIdentifier !== like.certificateAuthority)
    changes.CACertificateIdentifier = like.certificateAuthority;
  if ((db.AutoMinorVersionUpgrade ?? true) !== like.minorUpgrades)
    changes.AutoMinorVersionUpgrade = like.minorUpgrades;
  if (like.maintenanceWindow && db.PreferredMaintenanceWindow !== like.maintenanceWindow)
    changes.PreferredMaintenanceWindow = like.maintenanceWindow;
  return changes;
}

/** Requests a missing role. True where one was requested just now. */
async function givenRole(
  client: RDSClient,
  cluster: string,
  db: DBCluster,
  like: ClusterSettings,
  refused: string[],
): Promise<boolean> {
  const missing = like.roles.filter(({ arn }) => !db.AssociatedRoles?.some((role) => role.RoleArn === arn));
  for (const { arn, feature } of missing) {
    const answer = await asked(`the role ${arn}`, cluster, "DBClusterRoleAlreadyExists", () =>
      client.send(
        new AddRoleToDBClusterCommand({
          DBClusterIdentifier: cluster,
          RoleArn: arn,
          // A cluster's role may have no feature.
          FeatureName: feature === "" ? undefined : feature,
        }),
      ),
    );
    if (!(answer instanceof SluiceError)) return true;
    refused.push(`the role ${arn}: ${answer.message}`);
  }
  return false;
}

async function giveTags(
  client: RDSClient,
  cluster: string,
  db: DBCluster,
  like: ClusterSettings,
  refused: string[],
): Promise<void> {
  const tags = Object.entries(like.tags).filter(
    ([key]) => !(db.TagList ?? []).some(({ Key }) => Key === key),
  );
  if (tags.length === 0) return;
  const answer = await asked("tags", cluster, undefined, () =>
    client.send(
      new AddTagsToResourceCommand({
        ResourceName: db.DBClusterArn,
        Tags: tagList(Object.fromEntries(tags)),
      }),
    ),
  );
  if (answer instanceof SluiceError) refused.push(`tags: ${answer.message}`);
}

/** Creates each missing reader. Returns what continues by itself, a sentence each. */
async function createReaders(
  client: RDSClient,
  cluster: string,
  members: readonly DBInstance[],
  like: ClusterSettings,
  refused: string[],
): Promise<string[]> {
  const underWay: string[] = [];
  for (const reader of like.members.slice(1)) {
    const there = members.find(({ DBInstanceIdentifier: id }) => id === reader.id);
    if (there?.DBInstanceStatus === "available") continue;
    underWay.push(
      `Reader ${reader.id} is being created. Until it is available, the writer serves the reader endpoint.`,
    );
    if (there) continue;
    try {
      const begun = await sendWithLess(
        memberRequest(reader.id, cluster, like, reader, "production", {}, false),
        {
          send: (request) => client.send(new CreateDBInstanceCommand(request)),
          parts: MEMBER_CAN_WAIT,
          done: "DBInstanceAlreadyExists",
          waits: /^InsufficientDBInstanceCapacity$/,
          tried: `create reader ${reader.id}`,
        },
      );
      if (begun?.waits) refused.push(`reader ${reader.id}: ${begun.waits.why}`);
      refused.push(...(begun?.without ?? []).map((what) => `reader ${reader.id}: ${what}`));
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      refused.push(`reader ${reader.id}: ${error.message}`);
    }
  }
  return underWay;
}

/** True where the instance's own group, or the cluster's group on this instance, waits for a reboot. */
export function waitsForReboot(db: DBCluster, writer: DBInstance): boolean {
  return [ofInstance(writer), ofCluster(db, writer)].includes("pending-reboot");
}

/** True where both of its parameter groups are in force. */
export function inSync(db: DBCluster, member: DBInstance): boolean {
  return [ofInstance(member), ofCluster(db, member)].every((state) => state === "in-sync");
}

function ofInstance(member: DBInstance): string {
  return member.DBParameterGroups?.[0]?.ParameterApplyStatus ?? "in-sync";
}

function ofCluster(db: DBCluster, member: DBInstance): string {
  const place = db.DBClusterMembers?.find(
    ({ DBInstanceIdentifier: id }) => id === member.DBInstanceIdentifier,
  );
  return place?.DBClusterParameterGroupStatus ?? "in-sync";
}

function isChanging(db: DBCluster, writer: DBInstance | undefined): boolean {
  const pending = [db.PendingModifiedValues, writer?.PendingModifiedValues];
  return (
    pending.some((values) => Object.values(values ?? {}).some((value) => value !== undefined)) ||
    (writer !== undefined && !inSync(db, writer))
  );
}

/** A clone may have a newer minor version of the engine. */
function otherVersion(db: DBCluster, like: ClusterSettings): string[] {
  return db.EngineVersion === undefined || db.EngineVersion === like.engineVersion
    ? []
    : [`the engine's version: staging runs ${db.EngineVersion}, production ${like.engineVersion}`];
}
