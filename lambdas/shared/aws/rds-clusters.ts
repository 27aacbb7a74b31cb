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

/** Minutes. */
const BETWEEN_NAMES = 15;

/**
 * Clusters as a fleet: what others call an instance is a cluster with the instances in it, and answers at the cluster's
 * own endpoint. A snapshot is a cluster snapshot or, of Aurora PostgreSQL, a clone: a cluster without an instance, in
 * which nothing can run, so that it stays as it was. A copy that is made of a clone is that clone, under another name.
 * Of a Multi-AZ DB cluster RDS makes and removes the instances itself (rds-multi-az.ts).
 */
export class RdsClusterInstances implements Instances {
  // By the user guides: ten minutes for the instances' names, which are given up first, and a few for the cluster's.
  readonly renameSeconds = 780;
  readonly moments: Moments;

  /**
   * @param cluster production's, with how it is copied
   * @param copied true where its final snapshot is to be copied to another Region
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

  /** A clone is restored from but once: what is needed more often is a cluster snapshot, whatever the settings say. */
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
    if (!found) throw new SluiceError(ErrorName.FleetFailed, `There is no cluster ${cluster}.`);
    const like = clusterSettingsOf(found.db, found.members);
    const request = cloneRequest(clone, { ...like, cluster }, final ? "production" : "staging", tags);
    const begun = await sendWithLess(request, {
      send: (asked) => this.client.send(new RestoreDBClusterToPointInTimeCommand(asked)),
      parts: CLUSTER_CAN_WAIT,
      done: "DBClusterAlreadyExists",
      waits: NO_ROOM,
      tried: `clone ${cluster} as ${clone}`,
    });
    // Whoever waits for the clone asks again.
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
      // Of Aurora it is as much as the volume holds, and 0 or 1 where RDS does not say.
      sizeBytes: (db.AllocatedStorage ?? 0) > 1 ? (db.AllocatedStorage ?? 0) * GIB : undefined,
      engineVersion: db.EngineVersion,
      encrypted: db.StorageEncrypted,
      kmsKey: db.KmsKeyId,
    };
  }

  async deleteSnapshot(snapshot: string): Promise<void> {
    // The final one is the way back; no policy lets us delete it.
    if (await findCluster(this.client, snapshot))
      return await this.deleteCluster(snapshot, snapshotPrefix("rehearsal"));
    await attempt(`delete snapshot ${snapshot}`, ["DBClusterSnapshotNotFound"], () =>
      this.client.send(new DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier: snapshot })),
    );
  }

  async inspect(cluster: string, tags: Tags): Promise<Findings> {
    const found = await this.find(cluster);
    if (!found) throw new SluiceError(ErrorName.FleetFailed, `There is no cluster ${cluster}.`);
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
    // A clone between its two names may be seen under neither.
    if (!(await this.describeClusterSnapshot(snapshot)))
      return {
        waits: { why: `neither ${snapshot} nor ${cluster} is to be seen.`, minutes: BETWEEN_NAMES },
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

  /** A cluster's volume is there before any instance is: one is created when the cluster has its parameters, not before. */
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
    // RDS makes its instances.
    if (like.multiAz) return undefined;
    if (purpose === "staging" && found.writer && lacksRoom(found.writer.DBInstanceStatus ?? "")) {
      await this.deleteMember(found.writer.DBInstanceIdentifier ?? "");
      return { waits: { why: "its instance was insufficient-capacity, and is made anew." }, without: [] };
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

  /** Before the first instance starts: what keeps staging still must be in force from then on. */
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
        `Cluster ${cluster} is ${statusText(found)}. See its events in the RDS console.`,
      );
    if (status === "pending") return { changing: true, refused: [], underWay: [] };
    return await giveClusterSettings(this.client, cluster, found, asClusterSettings(like), purpose);
  }

  async quiet(group: string, given: InstanceSettings, tags: Tags): Promise<InstanceSettings | undefined> {
    const like = asClusterSettings(given);
    const [writer] = like.members;
    const ready = [
      await quietGroup(this.client, CLUSTER_GROUPS, group, like.clusterParameterGroup, tags),
      // Of a Multi-AZ DB cluster the cluster's group has all of them.
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
      // By the cluster's group it may wait for a reboot, too; one does for both.
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

  /** The instances first: as long as the cluster has its name, whoever asks for it finds it, and asks again. */
  async startRename(from: string, to: string): Promise<void> {
    // Once the name is taken the rename is done, and `from` may be another cluster by now: it must not be touched.
    if (await findCluster(this.client, to)) return;
    const db = await findCluster(this.client, from);
    if (!db) return;
    // One that came since, as by autoscaling, goes aside under the name that it has. Those that RDS named keep theirs.
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

  /** Its instances first, where they are not RDS's own: RDS deletes a cluster as soon as all of them are being deleted. */
  private async deleteCluster(cluster: string, prefix: string): Promise<void> {
    // No policy lets us delete any other; a mistake of ours should not even ask.
    if (!cluster.startsWith(prefix))
      throw new SluiceError(
        ErrorName.FleetFailed,
        `${cluster} is no cluster of Sluice's to be deleted: it stays.`,
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

/** Of a cluster with its writer, as one. A staging whose instance found no room gets another. */
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
