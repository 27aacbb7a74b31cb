import {
  CreateDBClusterSnapshotCommand,
  CreateDBInstanceCommand,
  DeleteDBClusterCommand,
  DeleteDBClusterSnapshotCommand,
  DeleteDBInstanceCommand,
  DescribeDBClusterSnapshotsCommand,
  ModifyDBClusterCommand,
  ModifyDBInstanceCommand,
  type RDSClient,
  RestoreDBClusterFromSnapshotCommand,
  RestoreDBClusterToPointInTimeCommand,
} from "@aws-sdk/client-rds";
import { ErrorName, SluiceError } from "../errors.ts";
import {
  matches,
  memberAsideName,
  memberAsidePatterns,
  memberPatterns,
  type SnapshotPurpose,
  STAGING_PREFIX,
  snapshotPrefix,
  writerName,
} from "../names.ts";
import type {
  Findings,
  Instance,
  InstanceSettings,
  Instances,
  Moments,
  RestoreBegun,
  RestorePurpose,
  SettingsGiven,
  Snapshot,
  Tags,
} from "../ports.ts";
import type { RunCluster } from "../settings.ts";
import { attempt, findInstance, look, tagList } from "./rds-calls.ts";
import { clusterFindings } from "./rds-cluster-findings.ts";
import { giveClusterSettings, inSync, waitsForReboot } from "./rds-cluster-give-settings.ts";
import {
  CLUSTER_CAN_WAIT,
  cloneRequest,
  clusterRestoreRequest,
  MEMBER_CAN_WAIT,
  memberRequest,
  RdsClusterMoments,
} from "./rds-cluster-moments.ts";
import {
  asClusterSettings,
  type ClusterSettings,
  clusterHandOver,
  clusterSettingsOf,
  type FoundCluster,
  findCluster,
  findWithMembers,
  memberNames,
} from "./rds-cluster-settings.ts";
import { NO_ROOM, reboot, rebootCluster, sendWithLess } from "./rds-modify.ts";
import { isMultiAz } from "./rds-multi-az.ts";
import { CLUSTER_GROUPS, deleteQuietGroup, MEMBER_GROUPS, quietenInstance, quietGroup } from "./rds-quiet.ts";
import { clusterStatus, instanceStatus, lacksRoom, servesSessions, snapshotStatus } from "./rds-status.ts";

const GIB = 1024 ** 3;

/** Minutes that a restore waits for a clone that is being renamed. */
const BETWEEN_NAMES = 15;

/**
 * Clusters as `Instances`: here an "instance" is a cluster with its instances, which answers at the cluster's endpoint. A
 * snapshot is a cluster snapshot or, for Aurora PostgreSQL, a clone: a cluster without instances, in which nothing runs,
 * so that it stays unchanged. Restoring a clone renames it. RDS itself creates and removes the instances of a Multi-AZ
 * DB cluster (rds-multi-az.ts).
 */
export class RdsClusterInstances implements Instances {
  // From the user guides: ten minutes for the instances' names, which change first, and a few for the cluster's.
  readonly renameSeconds = 780;
  readonly moments: Moments;

  /**
   * @param cluster identifier of production's cluster
   * @param settings how the cluster is copied
   * @param copied true where the final snapshot is copied to another Region
   */
  constructor(
    private readonly client: RDSClient,
    private readonly cluster: string,
    private readonly settings: RunCluster,
    private readonly copied = false,
  ) {
    this.moments = new RdsClusterMoments(client);
  }

  async describe(cluster: string): Promise<Instance | undefined> {
    const found = await this.find(cluster);
    if (!found) return undefined;
    const { db, members, writer } = found;
    const texts = [db.Status ?? "unknown", writer?.DBInstanceStatus ?? "unknown"];
    return {
      id: cluster,
      identity: db.DbClusterResourceId ?? "",
      status: statusOf(found, cluster),
      statusText: statusText(found),
      answers: writer !== undefined && texts.every(servesSessions),
      endpoint:
        db.Endpoint === undefined || db.Port === undefined ? undefined : { host: db.Endpoint, port: db.Port },
      engineVersion: db.EngineVersion ?? "",
      ...(db.BackupRetentionPeriod === undefined
        ? {}
        : { backups: { days: db.BackupRetentionPeriod, until: db.LatestRestorableTime?.toISOString() } }),
      settings: clusterSettingsOf(db, members),
    };
  }

  /** A clone can be restored only once. For `often` this takes a cluster snapshot, whatever the settings are. */
  async startSnapshot(snapshot: string, cluster: string, tags: Tags, often = false): Promise<void> {
    const { backup, staging } = this.settings;
    const is = (purpose: SnapshotPurpose) => snapshot.startsWith(snapshotPrefix(purpose));
    const clones = (is("final") && backup === "clone") || (is("rehearsal") && staging === "clone");
    if (clones && !often) return await this.startClone(snapshot, cluster, tags, is("final"));
    await attempt(`take snapshot ${snapshot} of ${cluster}`, ["DBClusterSnapshotAlreadyExists"], () =>
      this.client.send(
        new CreateDBClusterSnapshotCommand({
          DBClusterSnapshotIdentifier: snapshot,
          DBClusterIdentifier: cluster,
          Tags: tagList(tags),
        }),
      ),
    );
  }

  private async startClone(clone: string, cluster: string, tags: Tags, final: boolean): Promise<void> {
    const found = await this.find(cluster);
    if (!found) throw new SluiceError(ErrorName.FleetFailed, `Cluster ${cluster} does not exist.`);
    const like = clusterSettingsOf(found.db, found.members);
    const request = cloneRequest(clone, { ...like, cluster }, final ? "production" : "staging", tags);
    const begun = await sendWithLess(request, {
      send: (asked) => this.client.send(new RestoreDBClusterToPointInTimeCommand(asked)),
      parts: CLUSTER_CAN_WAIT,
      done: "DBClusterAlreadyExists",
      waits: NO_ROOM,
      tried: `clone ${cluster} as ${clone}`,
    });
    // The caller waits for the clone and calls again.
    if (begun?.waits) return;
  }

  async describeSnapshot(snapshot: string): Promise<Snapshot | undefined> {
    return (await this.describeClone(snapshot)) ?? (await this.describeClusterSnapshot(snapshot));
  }

  private async describeClone(snapshot: string): Promise<Snapshot | undefined> {
    const db = await findCluster(this.client, snapshot);
    if (!db) return undefined;
    const statusText = db.Status ?? "unknown";
    return {
      id: snapshot,
      instance: "",
      clone: true,
      status: clusterStatus(statusText),
      statusText,
      createdAt: db.ClusterCreateTime?.toISOString(),
      engineVersion: db.EngineVersion,
      encrypted: db.StorageEncrypted,
      kmsKey: db.KmsKeyId,
    };
  }

  private async describeClusterSnapshot(snapshot: string): Promise<Snapshot | undefined> {
    const found = await look(`describe snapshot ${snapshot}`, "DBClusterSnapshotNotFound", () =>
      this.client.send(new DescribeDBClusterSnapshotsCommand({ DBClusterSnapshotIdentifier: snapshot })),
    );
    const db = found?.DBClusterSnapshots?.[0];
    if (!db) return undefined;
    const statusText = db.Status ?? "unknown";
    return {
      id: snapshot,
      instance: db.DBClusterIdentifier ?? "",
      status: snapshotStatus(statusText),
      statusText,
      createdAt: db.SnapshotCreateTime?.toISOString(),
      // For Aurora this is the volume's used size, or 0 or 1 where RDS reports none.
      sizeBytes: (db.AllocatedStorage ?? 0) > 1 ? (db.AllocatedStorage ?? 0) * GIB : undefined,
      engineVersion: db.EngineVersion,
      encrypted: db.StorageEncrypted,
      kmsKey: db.KmsKeyId,
    };
  }

  async deleteSnapshot(snapshot: string): Promise<void> {
    // The final clone is the way back; the IAM policy forbids deleting it.
    if (await findCluster(this.client, snapshot))
      return await this.deleteCluster(snapshot, snapshotPrefix("rehearsal"));
    await attempt(`delete snapshot ${snapshot}`, ["DBClusterSnapshotNotFound"], () =>
      this.client.send(new DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier: snapshot })),
    );
  }

  async inspect(cluster: string, tags: Tags): Promise<Findings> {
    const found = await this.find(cluster);
    if (!found) throw new SluiceError(ErrorName.FleetFailed, `Cluster ${cluster} does not exist.`);
    return await clusterFindings(this.client, cluster, found, tags, this.settings, this.copied);
  }

  async startRestore(
    snapshot: string,
    cluster: string,
    like: InstanceSettings,
    purpose: RestorePurpose,
    tags: Tags,
  ): Promise<RestoreBegun | undefined> {
    if (await findCluster(this.client, snapshot)) {
      await attempt(`rename the clone ${snapshot} to ${cluster}`, ["DBClusterAlreadyExists"], () =>
        this.client.send(
          new ModifyDBClusterCommand({
            DBClusterIdentifier: snapshot,
            NewDBClusterIdentifier: cluster,
            ApplyImmediately: true,
          }),
        ),
      );
      return undefined;
    }
    // During a rename a clone may be visible under neither name.
    if (!(await this.describeClusterSnapshot(snapshot)))
      return {
        waits: { why: `RDS shows neither ${snapshot} nor ${cluster}.`, minutes: BETWEEN_NAMES },
        without: [],
      };
    const request = clusterRestoreRequest(snapshot, cluster, asClusterSettings(like), purpose, tags);
    return await sendWithLess(request, {
      send: (asked) => this.client.send(new RestoreDBClusterFromSnapshotCommand(asked)),
      parts: CLUSTER_CAN_WAIT,
      done: "DBClusterAlreadyExists",
      waits: NO_ROOM,
      tried: `restore ${snapshot} as ${cluster}`,
    });
  }

  /** A cluster's volume exists before any instance. The instance is created only once the cluster has its parameters. */
  async continueRestore(
    cluster: string,
    given: InstanceSettings,
    purpose: RestorePurpose,
    tags: Tags,
    anywhere = false,
  ): Promise<RestoreBegun | undefined> {
    const like = asClusterSettings(given);
    const found = await this.find(cluster);
    const [writer] = like.members;
    if (!found || !writer || clusterStatus(found.db.Status ?? "") !== "available") return undefined;
    // RDS creates the instances of a Multi-AZ DB cluster.
    if (like.multiAz) return undefined;
    if (purpose === "staging" && found.writer && lacksRoom(found.writer.DBInstanceStatus ?? "")) {
      await this.deleteMember(found.writer.DBInstanceIdentifier ?? "");
      return {
        waits: {
          why: "AWS had no capacity for its instance (insufficient-capacity), which is created again.",
        },
        without: [],
      };
    }
    if (memberNames(found.db).length > 0) return undefined;
    if (found.db.DBClusterParameterGroup !== like.clusterParameterGroup && purpose === "staging")
      return await this.giveGroup(cluster, like);
    const id = purpose === "staging" ? writerName(cluster) : writer.id;
    return await sendWithLess(memberRequest(id, cluster, like, writer, purpose, tags, anywhere), {
      send: (asked) => this.client.send(new CreateDBInstanceCommand(asked)),
      parts: MEMBER_CAN_WAIT,
      done: "DBInstanceAlreadyExists",
      waits: NO_ROOM,
      tried: `create ${id} in ${cluster}`,
    });
  }

  /** Gives the quiet group before the first instance starts, so that it is in force from the start. */
  private async giveGroup(
    cluster: string,
    { clusterParameterGroup: group }: ClusterSettings,
  ): Promise<undefined> {
    await attempt(`give ${cluster} the cluster parameter group ${group}`, [], () =>
      this.client.send(
        new ModifyDBClusterCommand({
          DBClusterIdentifier: cluster,
          DBClusterParameterGroupName: group,
          ApplyImmediately: true,
        }),
      ),
    );
  }

  async finishRestore(
    cluster: string,
    like: InstanceSettings,
    purpose: RestorePurpose,
  ): Promise<SettingsGiven> {
    const found = await this.find(cluster);
    if (!found)
      throw new SluiceError(ErrorName.FleetFailed, `Cluster ${cluster} is gone: somebody deleted it.`);
    const status = statusOf(found, cluster);
    if (status === "failed")
      throw new SluiceError(
        ErrorName.FleetFailed,
        `Cluster ${cluster} has the status ${statusText(found)}. See its events in the RDS console.`,
      );
    if (status === "pending") return { changing: true, refused: [], underWay: [] };
    return await giveClusterSettings(this.client, cluster, found, asClusterSettings(like), purpose);
  }

  async quiet(group: string, given: InstanceSettings, tags: Tags): Promise<InstanceSettings | undefined> {
    const like = asClusterSettings(given);
    const [writer] = like.members;
    const ready = [
      await quietGroup(this.client, CLUSTER_GROUPS, group, like.clusterParameterGroup, tags),
      // A Multi-AZ DB cluster has all parameters in the cluster's group.
      writer === undefined ||
        like.multiAz !== undefined ||
        (await quietGroup(this.client, MEMBER_GROUPS, group, writer.parameterGroup, tags)),
    ];
    if (ready.includes(false)) return undefined;
    if (like.multiAz) return { ...like, clusterParameterGroup: group };
    const members = like.members.map((member) => ({ ...member, parameterGroup: group }));
    return { ...like, clusterParameterGroup: group, members };
  }

  async quieten(cluster: string, group: string): Promise<boolean> {
    const found = await this.find(cluster);
    if (!found) return false;
    const { db, members } = found;
    if (db.DBClusterParameterGroup !== group) {
      await attempt(`give ${cluster} the cluster parameter group ${group}`, [], () =>
        this.client.send(
          new ModifyDBClusterCommand({
            DBClusterIdentifier: cluster,
            DBClusterParameterGroupName: group,
            ApplyImmediately: true,
          }),
        ),
      );
      return false;
    }
    const available = clusterStatus(db.Status ?? "") === "available";
    if (isMultiAz(db)) {
      if (available && members.some((member) => waitsForReboot(db, member)))
        await rebootCluster(this.client, cluster);
      return available && members.length > 0 && members.every((member) => inSync(db, member));
    }
    let still = true;
    for (const member of members) {
      const name = member.DBInstanceIdentifier ?? "";
      const own = await quietenInstance(this.client, name, group, member);
      // The cluster's group may also wait for a reboot; one reboot covers both.
      const ownWaits = member.DBParameterGroups?.[0]?.ParameterApplyStatus === "pending-reboot";
      if (own && !ownWaits && waitsForReboot(db, member)) await reboot(this.client, name);
      still &&= own && inSync(db, member);
    }
    return still && available;
  }

  async deleteQuiet(group: string): Promise<boolean> {
    const gone = [
      await deleteQuietGroup(this.client, CLUSTER_GROUPS, group),
      await deleteQuietGroup(this.client, MEMBER_GROUPS, group),
    ];
    return !gone.includes(false);
  }

  /** Renames the instances first: while the cluster keeps its name, the caller finds it and calls again. */
  async startRename(from: string, to: string): Promise<void> {
    // If `to` exists, the rename is done and `from` may already be another cluster, which must not be touched.
    if (await findCluster(this.client, to)) return;
    const db = await findCluster(this.client, from);
    if (!db) return;
    // Instances that were added since, such as by autoscaling, move aside under their own names. RDS's own names stay.
    const named = isMultiAz(db) ? [] : memberNames(db);
    const old = named.filter((name) => matches(name, this.patterns) && !isAside(name, to));
    for (const name of old) await this.renameMember(name, memberAsideName(name, to));
    if (old.length > 0 || memberNames(db).length === 0) return;
    await attempt(`rename ${from} to ${to}`, ["DBClusterAlreadyExists"], () =>
      this.client.send(
        new ModifyDBClusterCommand({
          DBClusterIdentifier: from,
          NewDBClusterIdentifier: to,
          ApplyImmediately: true,
        }),
      ),
    );
  }

  private async renameMember(name: string, aside: string): Promise<void> {
    await attempt(`rename ${name} to ${aside}`, ["DBInstanceAlreadyExists", "DBInstanceNotFound"], () =>
      this.client.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: name,
          NewDBInstanceIdentifier: aside,
          ApplyImmediately: true,
        }),
      ),
    );
  }

  async handOver(former: string, restored: string): Promise<string[]> {
    const [was, is] = [await findCluster(this.client, former), await findCluster(this.client, restored)];
    return was && is ? clusterHandOver(was, is) : [];
  }

  async startDelete(cluster: string): Promise<void> {
    await this.deleteCluster(cluster, STAGING_PREFIX);
  }

  /** Deletes the instances first, except those that RDS created: RDS deletes a cluster once all instances are being deleted. */
  private async deleteCluster(cluster: string, prefix: string): Promise<void> {
    // The IAM policy also forbids deleting any other; this check stops a mistake before the call.
    if (!cluster.startsWith(prefix))
      throw new SluiceError(
        ErrorName.FleetFailed,
        `${cluster} is not a cluster that Sluice may delete: it stays.`,
      );
    const db = await findCluster(this.client, cluster);
    if (!db) return;
    for (const name of isMultiAz(db) ? [] : memberNames(db)) await this.deleteMember(name);
    await attempt(`delete cluster ${cluster}`, ["DBClusterNotFound"], () =>
      this.client.send(
        new DeleteDBClusterCommand({
          DBClusterIdentifier: cluster,
          SkipFinalSnapshot: true,
          DeleteAutomatedBackups: true,
        }),
      ),
    );
  }

  private get patterns(): string[] {
    return memberPatterns(this.cluster, this.settings.members);
  }

  private find(cluster: string): Promise<FoundCluster | undefined> {
    const known = [
      ...this.patterns,
      ...memberAsidePatterns(this.cluster, this.settings.members),
      `${STAGING_PREFIX}*`,
    ];
    return findWithMembers(this.client, cluster, (member) => matches(member, known));
  }

  private async deleteMember(name: string): Promise<void> {
    const db = await findInstance(this.client, name);
    if (!db || db.DBInstanceStatus === "deleting") return;
    await attempt(`delete ${name}`, ["DBInstanceNotFound"], () =>
      this.client.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: name, SkipFinalSnapshot: true })),
    );
  }
}

function isAside(name: string, to: string): boolean {
  const [suffix] = /-before-\w+$/.exec(to) ?? [];
  return suffix !== undefined && name.endsWith(suffix);
}

/** Returns one status for the cluster and its writer. Staging whose instance found no capacity is pending, as it gets another. */
function statusOf({ db, writer }: FoundCluster, cluster: string): Instance["status"] {
  const own = clusterStatus(db.Status ?? "unknown");
  if (own === "failed" || !writer) return own === "failed" ? "failed" : "pending";
  const text = writer.DBInstanceStatus ?? "unknown";
  if (lacksRoom(text) && cluster.startsWith(STAGING_PREFIX)) return "pending";
  const serving = instanceStatus(text);
  return serving === "available" ? own : serving;
}

function statusText({ db, writer }: FoundCluster): string {
  const own = db.Status ?? "unknown";
  if (!writer) return `${own}, without a writer`;
  const text = writer.DBInstanceStatus ?? "unknown";
  return own === text ? own : `${own}, its writer ${writer.DBInstanceIdentifier} ${text}`;
}
