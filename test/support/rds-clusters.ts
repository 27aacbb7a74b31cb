import type {
  CreateDBInstanceMessage,
  DBCluster,
  DBClusterSnapshot,
  DBInstance,
  ModifyDBClusterMessage,
  ModifyDBInstanceMessage,
  RestoreDBClusterFromSnapshotMessage,
  RestoreDBClusterToPointInTimeMessage,
} from "@aws-sdk/client-rds";

/** An error of RDS, with its code. */
export class RdsRefusal extends Error {
  constructor(
    readonly code: string,
    message: string = code,
  ) {
    super(message);
  }
}

/** A cluster's volume for a test with real data; without data it does nothing. */
export interface Volumes {
  copy(from: string, to: string): Promise<void>;
  /** Starts the server of a cluster's volume. @returns the port that it answers at */
  start(volume: string, cluster: string): Promise<number>;
  stop(volume: string): Promise<void>;
  remove(volume: string): Promise<void>;
  /** The range of moments that it can now be restored to; undefined: it has no history. */
  history(volume: string): Promise<{ from: Date; until: Date } | undefined>;
  /** Returns a copy of the volume at that moment. */
  copyAt(from: string, at: Date, to: string): Promise<void>;
}

const NO_DATA: Volumes = {
  copy: async () => undefined,
  start: async () => 5432,
  stop: async () => undefined,
  remove: async () => undefined,
  history: async () => undefined,
  copyAt: async () => undefined,
};

interface Cluster {
  db: DBCluster;
  volume: string;
  /** True: parameters wait for a reboot. */
  waitsForReboot?: boolean;
  /** The change under way, and the number of looks until it ends. */
  busy?: { looks: number; done: () => void } | undefined;
}

interface Member {
  db: DBInstance;
  cluster: string;
  busy?: { looks: number; done: () => void } | undefined;
}

interface Taken {
  db: DBClusterSnapshot;
  volume: string;
  like: DBCluster;
  busy?: { looks: number; done: () => void } | undefined;
}

type Input = Record<string, unknown>;

/** RDS for PostgreSQL on three instances, which RDS creates and names. */
const isMultiAz = ({ Engine: engine }: DBCluster) => engine === "postgres";

/**
 * RDS for clusters, by its documentation: names, members' order, statuses that last for some looks, and what is
 * refused meanwhile. A rename removes the old name before the new one appears.
 */
export class RdsClusters {
  readonly clusters = new Map<string, Cluster>();
  readonly members = new Map<string, Member>();
  readonly snapshots = new Map<string, Taken>();
  /** All requests, in order. */
  readonly calls: { action: string; input: Input }[] = [];
  /** Runs before each call; throws RDS's error instead. */
  refuse: (action: string, input: Input) => void = () => undefined;
  /** During a rename a cluster has neither name for so many looks. */
  private hidden: { looks: number; done: () => void }[] = [];
  private made = 0;

  constructor(
    private readonly volumes: Volumes = NO_DATA,
    private readonly endpointOf = (name: string) => `${name}.cluster-abc.eu-central-1.rds.amazonaws.com`,
    private readonly looks = 2,
  ) {}

  /** Address of its writer; undefined without a writer. */
  portOf(name: string): number | undefined {
    const found = this.clusters.get(name);
    const serves = [...this.members.values()].some(({ cluster }) => cluster === name);
    return serves ? found?.db.Port : undefined;
  }

  /** Adds an existing cluster with its instances, the writer first. */
  adopt(db: DBCluster, members: readonly DBInstance[], volume: string): void {
    const name = db.DBClusterIdentifier ?? "";
    this.clusters.set(name, { db: { ...db }, volume });
    for (const member of members)
      this.members.set(member.DBInstanceIdentifier ?? "", { db: { ...member }, cluster: name });
  }

  /** True for a call that is about clusters, their snapshots, or an instance of one. */
  knows(action: string, input: Input): boolean {
    if (/DBClusterParameter/.test(action)) return false;
    if (/DBCluster/.test(action) || input.DBClusterIdentifier !== undefined) return true;
    const name = `${input.DBInstanceIdentifier ?? ""}`;
    return /DBInstance$|DBInstances$/.test(action) && this.members.has(name);
  }

  async answer(action: string, input: Input): Promise<object> {
    this.calls.push({ action, input });
    this.refuse(action, input);
    switch (action) {
      case "DescribeDBClusters":
        return {
          DBClusters:
            input.DBClusterIdentifier === undefined
              ? this.inGroup(input.Filters)
              : [await this.withHistory(this.seen(`${input.DBClusterIdentifier}`))],
        };
      case "DescribeDBInstances":
        return { DBInstances: [this.seenMember(`${input.DBInstanceIdentifier}`)] };
      case "DescribeDBClusterSnapshots":
        return { DBClusterSnapshots: [this.seenSnapshot(`${input.DBClusterSnapshotIdentifier}`)] };
      case "CreateDBClusterSnapshot":
        return await this.take(`${input.DBClusterSnapshotIdentifier}`, `${input.DBClusterIdentifier}`);
      case "DeleteDBClusterSnapshot":
        return await this.deleteSnapshot(`${input.DBClusterSnapshotIdentifier}`);
      case "RestoreDBClusterToPointInTime":
        return await this.restoreTo(input as unknown as RestoreDBClusterToPointInTimeMessage);
      case "RestoreDBClusterFromSnapshot":
        return await this.restoreFrom(input as unknown as RestoreDBClusterFromSnapshotMessage);
      case "ModifyDBCluster":
        return this.modify(input as unknown as ModifyDBClusterMessage);
      case "DeleteDBCluster":
        return await this.delete(`${input.DBClusterIdentifier}`);
      case "CreateDBInstance":
        return await this.create(input as unknown as CreateDBInstanceMessage);
      case "ModifyDBInstance":
        return this.modifyMember(input as unknown as ModifyDBInstanceMessage);
      case "RebootDBCluster":
        return this.rebootCluster(`${input.DBClusterIdentifier}`);
      case "RebootDBInstance":
        return this.reboot(`${input.DBInstanceIdentifier}`);
      case "DeleteDBInstance":
        return await this.deleteMember(`${input.DBInstanceIdentifier}`);
      case "AddRoleToDBCluster": {
        const { db } = this.cluster(`${input.DBClusterIdentifier}`);
        db.AssociatedRoles = [
          ...(db.AssociatedRoles ?? []),
          { RoleArn: `${input.RoleArn}`, FeatureName: `${input.FeatureName}` },
        ];
        return {};
      }
      case "AddTagsToResource":
        return {};
      default:
        throw new RdsRefusal("InvalidAction", `${action} is not known here`);
    }
  }

  private seen(name: string): DBCluster {
    for (const one of this.hidden) if (--one.looks <= 0) one.done();
    this.hidden = this.hidden.filter(({ looks }) => looks > 0);
    const found = this.cluster(name);
    pass(found);
    // Gone by now, or called otherwise.
    if (this.clusters.get(name) !== found) throw new RdsRefusal("DBClusterNotFoundFault");
    const members = [...this.members].filter(([, { cluster }]) => cluster === name);
    return {
      ...found.db,
      DBClusterIdentifier: name,
      DBClusterMembers: members.map(([id, member], at) => ({
        DBInstanceIdentifier: id,
        IsClusterWriter: at === 0,
        PromotionTier: member.db.PromotionTier,
        DBClusterParameterGroupStatus: found.waitsForReboot ? "pending-reboot" : "in-sync",
      })),
    };
  }

  private async withHistory(db: DBCluster): Promise<DBCluster> {
    const found = this.clusters.get(db.DBClusterIdentifier ?? "");
    const history = found && (await this.volumes.history(found.volume));
    return history
      ? { ...db, EarliestRestorableTime: history.from, LatestRestorableTime: history.until }
      : db;
  }

  /** Returns clusters on the same storage, by the only filter that is used. */
  private inGroup(filters: unknown): DBCluster[] {
    const [filter] = filters as { Name: string; Values: string | string[] }[];
    const groups = [filter?.Values].flat();
    return [...this.clusters.keys()]
      .map((name) => this.seen(name))
      .filter(({ CloneGroupId: group }) => group !== undefined && groups.includes(group));
  }

  private seenMember(name: string): DBInstance {
    const found = this.member(name);
    pass(found);
    // Gone by now, or called otherwise.
    if (this.members.get(name) !== found) throw new RdsRefusal("DBInstanceNotFound");
    return { ...found.db, DBInstanceIdentifier: name };
  }

  private seenSnapshot(name: string): DBClusterSnapshot {
    const found = this.snapshots.get(name);
    if (!found) throw new RdsRefusal("DBClusterSnapshotNotFoundFault");
    pass(found);
    return { ...found.db };
  }

  private async take(name: string, of: string): Promise<object> {
    if (this.snapshots.has(name)) throw new RdsRefusal("DBClusterSnapshotAlreadyExistsFault");
    const source = this.free(of);
    const volume = this.volume();
    await this.volumes.copy(source.volume, volume);
    const db: DBClusterSnapshot = {
      DBClusterSnapshotIdentifier: name,
      DBClusterIdentifier: of,
      Status: "creating",
      SnapshotCreateTime: new Date(),
      Engine: source.db.Engine,
      EngineVersion: source.db.EngineVersion,
      AllocatedStorage: 7,
      DBClusterSnapshotArn: `arn:aws:rds:eu-central-1:123456789012:cluster-snapshot:${name}`,
    };
    const taken: Taken = { db, volume, like: source.db };
    taken.busy = {
      looks: this.looks,
      done: () => {
        db.Status = "available";
      },
    };
    this.snapshots.set(name, taken);
    return { DBClusterSnapshot: db };
  }

  private async deleteSnapshot(name: string): Promise<object> {
    const found = this.snapshots.get(name);
    if (!found) throw new RdsRefusal("DBClusterSnapshotNotFoundFault");
    if (found.db.Status !== "available") throw new RdsRefusal("InvalidDBClusterSnapshotStateFault");
    this.snapshots.delete(name);
    await this.volumes.remove(found.volume);
    return {};
  }

  private async restoreTo(request: RestoreDBClusterToPointInTimeMessage): Promise<object> {
    const source = this.free(request.SourceDBClusterIdentifier ?? "");
    const clone = request.RestoreType === "copy-on-write";
    if (clone && isMultiAz(source.db))
      throw new RdsRefusal("InvalidParameterCombination", "a Multi-AZ DB cluster cannot be cloned");
    if (clone && request.RestoreToTime)
      throw new RdsRefusal("InvalidParameterCombination", "copy-on-write takes no time");
    if (!clone && !request.RestoreToTime && !request.UseLatestRestorableTime)
      throw new RdsRefusal("InvalidParameterCombination", "RestoreToTime or UseLatestRestorableTime");
    if (
      clone &&
      ![...this.members.values()].some(({ cluster }) => cluster === request.SourceDBClusterIdentifier)
    )
      throw new RdsRefusal("InvalidDBClusterStateFault", "a cluster without instances cannot be cloned");
    const at = request.RestoreToTime && new Date(request.RestoreToTime);
    const history = at && (await this.volumes.history(source.volume));
    if (history && (at < history.from || at > history.until))
      throw new RdsRefusal(
        "InvalidParameterValue",
        `The specified cluster cannot be restored to a time ${at < history.from ? "earlier" : "later"} than ${(at < history.from ? history.from : history.until).toISOString()}.`,
      );
    const made = await this.make(request, source.volume, source.db, history && at);
    if (clone) {
      source.db.CloneGroupId ??= `group-of-${source.volume}`;
      this.cluster(request.DBClusterIdentifier ?? "").db.CloneGroupId = source.db.CloneGroupId;
    }
    return made;
  }

  private async restoreFrom(request: RestoreDBClusterFromSnapshotMessage): Promise<object> {
    const found = this.snapshots.get(request.SnapshotIdentifier ?? "");
    if (!found) throw new RdsRefusal("DBClusterSnapshotNotFoundFault");
    if (found.db.Status !== "available") throw new RdsRefusal("InvalidDBClusterSnapshotStateFault");
    return await this.make(request, found.volume, found.like);
  }

  /** A copied cluster takes the volume from its source and all else from the request. */
  private async make(
    request: RestoreDBClusterToPointInTimeMessage | RestoreDBClusterFromSnapshotMessage,
    from: string,
    like: DBCluster,
    at?: Date,
  ): Promise<object> {
    const name = request.DBClusterIdentifier ?? "";
    if (this.clusters.has(name)) throw new RdsRefusal("DBClusterAlreadyExistsFault");
    if (isMultiAz(like) && request.StorageType && !request.Iops)
      throw new RdsRefusal("InvalidParameterCombination", "StorageType is taken only with Iops");
    const volume = this.volume();
    if (at) await this.volumes.copyAt(from, at, volume);
    else await this.volumes.copy(from, volume);
    const db: DBCluster = {
      DBClusterIdentifier: name,
      DbClusterResourceId: `cluster-${volume.toUpperCase()}`,
      DBClusterArn: `arn:aws:rds:eu-central-1:123456789012:cluster:${name}`,
      Status: "creating",
      ClusterCreateTime: new Date(),
      Engine: like.Engine,
      EngineVersion: like.EngineVersion,
      EngineMode: "provisioned",
      MasterUsername: like.MasterUsername,
      Port: request.Port ?? 5432,
      DBSubnetGroup: request.DBSubnetGroupName ?? "default",
      VpcSecurityGroups: (request.VpcSecurityGroupIds ?? []).map((VpcSecurityGroupId) => ({
        VpcSecurityGroupId,
      })),
      DBClusterParameterGroup: request.DBClusterParameterGroupName ?? "default.aurora-postgresql17",
      IAMDatabaseAuthenticationEnabled: request.EnableIAMDatabaseAuthentication ?? false,
      DeletionProtection: request.DeletionProtection ?? false,
      CopyTagsToSnapshot: request.CopyTagsToSnapshot ?? false,
      BackupRetentionPeriod: request.BackupRetentionPeriod ?? like.BackupRetentionPeriod,
      PreferredBackupWindow: request.PreferredBackupWindow,
      StorageType: request.StorageType,
      ServerlessV2ScalingConfiguration: request.ServerlessV2ScalingConfiguration,
      EnabledCloudwatchLogsExports: request.EnableCloudwatchLogsExports,
      EarliestRestorableTime: new Date(),
      LatestRestorableTime: new Date(),
      TagList: request.Tags,
      ...(isMultiAz(like)
        ? {
            DBClusterParameterGroup: request.DBClusterParameterGroupName ?? "default.postgres17",
            DBClusterInstanceClass: request.DBClusterInstanceClass ?? like.DBClusterInstanceClass,
            StorageType: request.StorageType ?? "io1",
            Iops: request.Iops,
            AllocatedStorage: like.AllocatedStorage,
            PubliclyAccessible: request.PubliclyAccessible ?? true,
            MonitoringInterval: request.MonitoringInterval ?? 0,
            PerformanceInsightsEnabled: request.EnablePerformanceInsights ?? false,
          }
        : {}),
    };
    const made: Cluster = { db, volume };
    made.busy = { looks: this.looks, done: () => this.open(name, db) };
    this.clusters.set(name, made);
    if (isMultiAz(db)) await this.makeThree(name, made);
    return { DBCluster: db };
  }

  /** Numbers the instances with free numbers: a former cluster of that name may still have some. */
  private async makeThree(name: string, { db: like, volume }: Cluster): Promise<void> {
    like.Port = await this.volumes.start(volume, name);
    for (let number = 1, made = 0; made < 3; number++) {
      const id = `${name}-instance-${number}`;
      if (this.members.has(id)) continue;
      made++;
      const member: Member = {
        db: {
          DBInstanceIdentifier: id,
          DbiResourceId: `db-${volume}-${number}`,
          DBClusterIdentifier: name,
          DBInstanceClass: like.DBClusterInstanceClass,
          Engine: like.Engine,
          DBParameterGroups: [
            { DBParameterGroupName: "default.postgres17", ParameterApplyStatus: "in-sync" },
          ],
        },
        cluster: name,
      };
      this.members.set(id, member);
      this.busyMember(member, "creating");
    }
  }

  private rebootCluster(name: string): object {
    const found = this.free(name);
    if (!isMultiAz(found.db))
      throw new RdsRefusal("InvalidDBClusterStateFault", "only of Multi-AZ DB clusters");
    this.busyFor(found, "rebooting", () => {
      found.waitsForReboot = false;
    });
    return { DBCluster: found.db };
  }

  /** @throws RdsRefusal for an instance that RDS created itself: it can only be rebooted */
  private refuseOwn(cluster: string): void {
    const db = this.clusters.get(cluster)?.db;
    if (db && isMultiAz(db))
      throw new RdsRefusal(
        "InvalidParameterValue",
        "this cannot be done to an instance in a Multi-AZ DB cluster",
      );
  }

  private open(name: string, db: DBCluster): void {
    db.Status = "available";
    db.Endpoint = this.endpointOf(name);
  }

  private modify(request: ModifyDBClusterMessage): object {
    const name = request.DBClusterIdentifier ?? "";
    const found = this.free(name);
    const { db } = found;
    if (request.NewDBClusterIdentifier) this.rename(name, request.NewDBClusterIdentifier, found);
    if (isMultiAz(db) && request.DBClusterParameterGroupName) found.waitsForReboot = true;
    db.DBClusterParameterGroup = request.DBClusterParameterGroupName ?? db.DBClusterParameterGroup;
    db.Iops = request.Iops ?? db.Iops;
    db.AutoMinorVersionUpgrade = request.AutoMinorVersionUpgrade ?? db.AutoMinorVersionUpgrade;
    db.MonitoringInterval = request.MonitoringInterval ?? db.MonitoringInterval;
    db.PerformanceInsightsEnabled = request.EnablePerformanceInsights ?? db.PerformanceInsightsEnabled;
    if (request.CACertificateIdentifier)
      db.CertificateDetails = { CAIdentifier: request.CACertificateIdentifier };
    db.DeletionProtection = request.DeletionProtection ?? db.DeletionProtection;
    db.BackupRetentionPeriod = request.BackupRetentionPeriod ?? db.BackupRetentionPeriod;
    db.PreferredBackupWindow = request.PreferredBackupWindow ?? db.PreferredBackupWindow;
    db.PreferredMaintenanceWindow = request.PreferredMaintenanceWindow ?? db.PreferredMaintenanceWindow;
    db.CopyTagsToSnapshot = request.CopyTagsToSnapshot ?? db.CopyTagsToSnapshot;
    db.StorageType = request.StorageType ?? db.StorageType;
    db.DatabaseInsightsMode = request.DatabaseInsightsMode ?? db.DatabaseInsightsMode;
    db.IAMDatabaseAuthenticationEnabled =
      request.EnableIAMDatabaseAuthentication ?? db.IAMDatabaseAuthenticationEnabled;
    if (request.ManageMasterUserPassword)
      db.MasterUserSecret = { SecretArn: `arn:aws:secretsmanager:::secret:rds!${db.DbClusterResourceId}` };
    const logs = request.CloudwatchLogsExportConfiguration?.EnableLogTypes ?? [];
    db.EnabledCloudwatchLogsExports = [...(db.EnabledCloudwatchLogsExports ?? []), ...logs];
    if (!request.NewDBClusterIdentifier) this.busyFor(found, "modifying");
    return { DBCluster: db };
  }

  private rename(from: string, to: string, found: Cluster): void {
    if (this.clusters.has(to)) throw new RdsRefusal("DBClusterAlreadyExistsFault");
    found.db.Status = "renaming";
    found.busy = {
      looks: this.looks,
      done: () => {
        this.clusters.delete(from);
        this.hidden.push({
          looks: this.looks,
          done: () => {
            this.clusters.set(to, found);
            for (const member of this.members.values()) if (member.cluster === from) member.cluster = to;
            found.db.DBClusterArn = `arn:aws:rds:eu-central-1:123456789012:cluster:${to}`;
            this.open(to, found.db);
          },
        });
      },
    };
  }

  private async delete(name: string): Promise<object> {
    const found = this.cluster(name);
    if (found.db.DeletionProtection)
      throw new RdsRefusal("InvalidParameterCombination", "DeletionProtection is on");
    const members = [...this.members.values()].filter(({ cluster }) => cluster === name);
    if (!isMultiAz(found.db) && members.some(({ db }) => db.DBInstanceStatus !== "deleting"))
      throw new RdsRefusal("InvalidDBClusterStateFault", "it still contains instances");
    if (found.busy && found.db.Status !== "deleting") throw new RdsRefusal("InvalidDBClusterStateFault");
    if (found.db.Status === "deleting") return {};
    found.db.Status = "deleting";
    found.busy = {
      looks: this.looks,
      done: () => {
        this.clusters.delete(name);
        for (const [id, { cluster }] of this.members) if (cluster === name) this.members.delete(id);
      },
    };
    await this.volumes.stop(found.volume);
    await this.volumes.remove(found.volume);
    return {};
  }

  private async create(request: CreateDBInstanceMessage): Promise<object> {
    const id = request.DBInstanceIdentifier ?? "";
    if (this.members.has(id)) throw new RdsRefusal("DBInstanceAlreadyExists");
    const name = request.DBClusterIdentifier ?? "";
    this.refuseOwn(name);
    const cluster = this.free(name);
    const first = ![...this.members.values()].some((member) => member.cluster === name);
    const db: DBInstance = {
      DBInstanceIdentifier: id,
      DbiResourceId: `db-${id.toUpperCase()}`,
      DBInstanceStatus: "creating",
      DBClusterIdentifier: name,
      DBInstanceClass: request.DBInstanceClass,
      Engine: request.Engine,
      DBParameterGroups: [
        { DBParameterGroupName: request.DBParameterGroupName, ParameterApplyStatus: "in-sync" },
      ],
      AvailabilityZone: request.AvailabilityZone ?? "eu-central-1c",
      PromotionTier: request.PromotionTier,
      PubliclyAccessible: request.PubliclyAccessible ?? true,
      AutoMinorVersionUpgrade: request.AutoMinorVersionUpgrade ?? true,
      CACertificateIdentifier: request.CACertificateIdentifier ?? "rds-ca-rsa2048-g1",
      PreferredMaintenanceWindow: request.PreferredMaintenanceWindow,
      MonitoringInterval: request.MonitoringInterval ?? 0,
      PerformanceInsightsEnabled: request.EnablePerformanceInsights ?? false,
      TagList: request.Tags,
    };
    if (first) cluster.db.Port = await this.volumes.start(cluster.volume, name);
    const member: Member = { db, cluster: name };
    this.members.set(id, member);
    this.busyMember(member, "creating");
    return { DBInstance: db };
  }

  private modifyMember(request: ModifyDBInstanceMessage): object {
    const name = request.DBInstanceIdentifier ?? "";
    const found = this.freeMember(name);
    this.refuseOwn(found.cluster);
    const { db } = found;
    const to = request.NewDBInstanceIdentifier;
    if (to) {
      if (this.members.has(to)) throw new RdsRefusal("DBInstanceAlreadyExists");
      this.busyMember(found, "renaming", () => {
        const order = [...this.members];
        this.members.clear();
        for (const [id, member] of order) this.members.set(id === name ? to : id, member);
      });
      return { DBInstance: db };
    }
    if (request.DBParameterGroupName)
      db.DBParameterGroups = [
        { DBParameterGroupName: request.DBParameterGroupName, ParameterApplyStatus: "pending-reboot" },
      ];
    db.PubliclyAccessible = request.PubliclyAccessible ?? db.PubliclyAccessible;
    db.MonitoringInterval = request.MonitoringInterval ?? db.MonitoringInterval;
    db.AutoMinorVersionUpgrade = request.AutoMinorVersionUpgrade ?? db.AutoMinorVersionUpgrade;
    db.PreferredMaintenanceWindow = request.PreferredMaintenanceWindow ?? db.PreferredMaintenanceWindow;
    this.busyMember(found, "modifying");
    return { DBInstance: db };
  }

  private reboot(name: string): object {
    const found = this.freeMember(name);
    this.busyMember(found, "rebooting", () => {
      for (const group of found.db.DBParameterGroups ?? []) group.ParameterApplyStatus = "in-sync";
    });
    return { DBInstance: found.db };
  }

  private async deleteMember(name: string): Promise<object> {
    const found = this.member(name);
    this.refuseOwn(found.cluster);
    if (found.db.DBInstanceStatus === "deleting") return {};
    found.db.DBInstanceStatus = "deleting";
    found.busy = { looks: this.looks, done: () => void this.members.delete(name) };
    return {};
  }

  private busyFor(found: Cluster, status: string, done: () => void = () => undefined): void {
    found.db.Status = status;
    found.busy = {
      looks: this.looks,
      done: () => {
        found.db.Status = "available";
        done();
      },
    };
  }

  private busyMember(found: Member, status: string, done: () => void = () => undefined): void {
    found.db.DBInstanceStatus = status;
    found.busy = {
      looks: this.looks,
      done: () => {
        found.db.DBInstanceStatus = "available";
        done();
      },
    };
  }

  private cluster(name: string): Cluster {
    const found = this.clusters.get(name);
    if (!found) throw new RdsRefusal("DBClusterNotFoundFault", `There is no cluster ${name}`);
    return found;
  }

  private member(name: string): Member {
    const found = this.members.get(name);
    if (!found) throw new RdsRefusal("DBInstanceNotFound", `There is no instance ${name}`);
    return found;
  }

  private free(name: string): Cluster {
    const found = this.cluster(name);
    if (found.db.Status !== "available") throw new RdsRefusal("InvalidDBClusterStateFault", found.db.Status);
    return found;
  }

  private freeMember(name: string): Member {
    const found = this.member(name);
    if (found.db.DBInstanceStatus !== "available")
      throw new RdsRefusal("InvalidDBInstanceState", found.db.DBInstanceStatus);
    return found;
  }

  private volume(): string {
    this.made += 1;
    return `volume-${this.made}`;
  }
}

function pass(thing: { busy?: { looks: number; done: () => void } | undefined }): void {
  if (!thing.busy) return;
  thing.busy.looks -= 1;
  if (thing.busy.looks > 0) return;
  const { done } = thing.busy;
  thing.busy = undefined;
  done();
}
