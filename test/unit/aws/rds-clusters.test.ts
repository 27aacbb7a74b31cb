import { type DBCluster, type DBInstance, RDSClient } from "@aws-sdk/client-rds";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { RdsClusterInstances } from "../../../lambdas/shared/aws/rds-clusters.ts";
import { asideName, snapshotName, stagingName } from "../../../lambdas/shared/names.ts";
import type { Instance, InstanceSettings, RestorePurpose } from "../../../lambdas/shared/ports.ts";
import type { RunCluster } from "../../../lambdas/shared/settings.ts";
import { answerBy, until } from "../../support/rds-answering.ts";
import { productionCluster, productionMembers } from "../../support/rds-cluster.ts";
import { RdsClusters, RdsRefusal } from "../../support/rds-clusters.ts";

const rds = mockClient(RDSClient);
const client = new RDSClient({ region: "eu-central-1" });
const CLONES: RunCluster = { staging: "clone", backup: "clone" };
const SNAPSHOTS: RunCluster = { staging: "snapshot", backup: "snapshot" };
const TAGS = { "sluice:run": "r" };
const ASIDE = asideName("orders", "r");
const [REHEARSAL, FINAL, STAGING] = [
  snapshotName("r", "rehearsal"),
  snapshotName("r", "final"),
  stagingName("r"),
];

let environment: RdsClusters;
const instancesOf = (how: RunCluster) => new RdsClusterInstances(client, "orders", how);

beforeEach(() => {
  rds.reset();
  environment = new RdsClusters();
  environment.adopt(productionCluster, productionMembers, "production");
  answerBy(rds, environment);
});

const taken = (instances: RdsClusterInstances, name: string) =>
  until(async () => {
    const found = await instances.describeSnapshot(name);
    return found?.status === "available" ? found : undefined;
  });

/** As restored-instance.ts requests it. */
async function restored(
  instances: RdsClusterInstances,
  snapshot: string,
  name: string,
  like: InstanceSettings,
  purpose: RestorePurpose,
): Promise<Instance> {
  return await until(async () => {
    const found = await instances.describe(name);
    if (!found) await instances.startRestore(snapshot, name, like, purpose, TAGS);
    else if (found.status === "pending") await instances.continueRestore(name, like, purpose, TAGS);
    return found?.status === "available" ? found : undefined;
  });
}

const inputs = (action: string) =>
  environment.calls.filter((call) => call.action === action).map(({ input }) => input);
// As evidence stores them: through JSON.
const likeOf = async (instances: RdsClusterInstances) =>
  JSON.parse(JSON.stringify((await instances.describe("orders"))?.settings)) as InstanceSettings;

describe("a cluster as production", () => {
  test("is described by its own endpoint, with the writer's status, and its instances in order", async () => {
    const found = await instancesOf(CLONES).describe("orders");
    expect(found).toMatchObject({
      id: "orders",
      identity: "cluster-PRODUCTION",
      status: "available",
      answers: true,
      endpoint: { host: productionCluster.Endpoint, port: 5433 },
      engineVersion: "17.4",
      backups: { days: 14, until: "2026-11-29T10:00:00.000Z" },
      settings: {
        clusterParameterGroup: "orders-cluster-17",
        storageType: "aurora-iopt1",
        serverless: { min: 0.5, max: 16 },
        members: [
          { id: "orders-1", writer: true, promotionTier: 0 },
          { id: "orders-2", writer: false, promotionTier: 1 },
        ],
        tags: { team: "orders" },
      },
    });
    expect(await instancesOf(CLONES).describe("another")).toBeUndefined();
  });

  test.each<[Partial<DBCluster>, Partial<DBInstance>, Instance["status"], boolean]>([
    [{ Status: "backing-up" }, {}, "pending", true],
    [{ Status: "failing-over" }, {}, "pending", false],
    [{ Status: "cloning-failed" }, {}, "failed", false],
    [{ Status: "migration-failed" }, {}, "failed", false],
    [{ Status: "inaccessible-encryption-credentials" }, {}, "failed", false],
    [{ Status: "stopped" }, { DBInstanceStatus: "stopped" }, "failed", false],
    [{ Status: "a status of tomorrow" }, {}, "pending", false],
    [{}, { DBInstanceStatus: "rebooting" }, "pending", false],
    [{}, { DBInstanceStatus: "storage-optimization" }, "available", true],
    [{}, { DBInstanceStatus: "incompatible-parameters" }, "failed", false],
  ])("with %j and a writer with %j is %s", async (cluster, writer, status, answers) => {
    const [first, ...readers] = productionMembers;
    environment.adopt(
      { ...productionCluster, ...cluster },
      [{ ...first, ...writer }, ...readers],
      "production",
    );
    expect(await instancesOf(CLONES).describe("orders")).toMatchObject({ status, answers });
  });

  test("is pending without an instance, and never counts as usable", async () => {
    environment.members.clear();
    expect(await instancesOf(CLONES).describe("orders")).toMatchObject({
      status: "pending",
      statusText: "available, without a writer",
    });
  });

  test("requests its own instances only: those missing from the settings may be hidden", async () => {
    environment.adopt(
      productionCluster,
      [...productionMembers, { ...productionMembers[1], DBInstanceIdentifier: "application-autoscaling-1" }],
      "production",
    );
    await instancesOf(CLONES).describe("orders");
    expect(inputs("DescribeDBInstances").map(({ DBInstanceIdentifier: id }) => id)).toEqual([
      "orders-1",
      "orders-2",
    ]);
  });
});

describe("staging by a clone", () => {
  test("is the rehearsal's clone under another name, kept still before its one instance is created", async () => {
    const instances = instancesOf(CLONES);
    const like = await likeOf(instances);
    await instances.startSnapshot(REHEARSAL, "orders", TAGS);
    expect(inputs("RestoreDBClusterToPointInTime")).toEqual([
      expect.objectContaining({
        DBClusterIdentifier: REHEARSAL,
        SourceDBClusterIdentifier: "orders",
        RestoreType: "copy-on-write",
        UseLatestRestorableTime: true,
        DBSubnetGroupName: "private",
        VpcSecurityGroupIds: ["sg-1"],
        ServerlessV2ScalingConfiguration: { MinCapacity: 0.5, MaxCapacity: 16 },
        DeletionProtection: false,
        BackupRetentionPeriod: 1,
        EnableCloudwatchLogsExports: undefined,
        Tags: [{ Key: "sluice:run", Value: "r" }],
      }),
    ]);
    expect(await taken(instances, REHEARSAL)).toMatchObject({ clone: true, status: "available" });
    const quiet = { ...like, clusterParameterGroup: "sluice-quiet-r" };
    await restored(instances, REHEARSAL, STAGING, quiet, "staging");
    const unlikeBefore = (action: string, at: number, all: string[]) => all[at - 1] !== action;
    const actions = environment.calls
      .map(({ action }) => action)
      .filter((action) => !action.startsWith("Describe"));
    expect(actions.filter(unlikeBefore)).toEqual([
      "RestoreDBClusterToPointInTime",
      "ModifyDBCluster",
      "CreateDBInstance",
    ]);
    expect(inputs("ModifyDBCluster")[0]).toMatchObject({
      DBClusterIdentifier: REHEARSAL,
      NewDBClusterIdentifier: STAGING,
    });
    expect(inputs("ModifyDBCluster").at(-1)).toMatchObject({
      DBClusterIdentifier: STAGING,
      DBClusterParameterGroupName: "sluice-quiet-r",
    });
    expect(inputs("CreateDBInstance")).toMatchObject([
      {
        DBInstanceIdentifier: `${STAGING}-writer`,
        DBClusterIdentifier: STAGING,
        DBInstanceClass: "db.serverless",
        PubliclyAccessible: false,
        AutoMinorVersionUpgrade: false,
        AvailabilityZone: "eu-central-1a",
        MonitoringInterval: undefined,
      },
    ]);
    // The clone is staging now: there is no snapshot left to delete.
    expect(await instances.describeSnapshot(REHEARSAL)).toBeUndefined();
    await until(async () => !(await instances.finishRestore(STAGING, quiet, "staging")).changing);
  });

  test("is a cluster snapshot if it is restored more than once, whatever the settings state", async () => {
    const instances = instancesOf(CLONES);
    await instances.startSnapshot(REHEARSAL, "orders", TAGS, true);
    expect(inputs("RestoreDBClusterToPointInTime")).toEqual([]);
    expect((await taken(instances, REHEARSAL)).clone).toBeUndefined();
    const like = await likeOf(instances);
    for (const again of [false, true])
      await restored(instances, REHEARSAL, stagingName("r", again), like, "staging");
    expect(inputs("RestoreDBClusterFromSnapshot")).toHaveLength(2);
  });

  test("reports a clone engine newer than production's", async () => {
    const instances = instancesOf(CLONES);
    const like = { ...(await likeOf(instances)), engineVersion: "17.2" };
    await instances.startSnapshot(REHEARSAL, "orders", TAGS);
    await taken(instances, REHEARSAL);
    await restored(instances, REHEARSAL, STAGING, like, "staging");
    const given = await until(async () => {
      const now = await instances.finishRestore(STAGING, like, "staging");
      return now.changing ? undefined : now;
    });
    expect(given.refused).toEqual(["the engine's version: staging runs 17.4, production 17.2"]);
  });

  test("whose instance finds no room gets another, in any zone; and nothing else is lost", async () => {
    const instances = instancesOf(CLONES);
    const like = await likeOf(instances);
    await instances.startSnapshot(REHEARSAL, "orders", TAGS);
    await taken(instances, REHEARSAL);
    await restored(instances, REHEARSAL, STAGING, like, "staging");
    const writer = environment.members.get(`${STAGING}-writer`);
    if (writer) writer.db.DBInstanceStatus = "insufficient-capacity";
    expect(await instances.describe(STAGING)).toMatchObject({ status: "pending" });
    expect(await instances.continueRestore(STAGING, like, "staging", TAGS, true)).toMatchObject({
      waits: { why: expect.stringContaining("insufficient-capacity") },
    });
    await until(async () => {
      await instances.continueRestore(STAGING, like, "staging", TAGS, true);
      return (await instances.describe(STAGING))?.status === "available";
    });
    expect(inputs("CreateDBInstance").at(-1)).toMatchObject({ AvailabilityZone: undefined });
    expect(inputs("DeleteDBCluster")).toEqual([]);
  });

  test("is deleted with its instance, and only Sluice's own objects are requested", async () => {
    const instances = instancesOf(CLONES);
    const like = await likeOf(instances);
    await instances.startSnapshot(REHEARSAL, "orders", TAGS);
    await taken(instances, REHEARSAL);
    await restored(instances, REHEARSAL, STAGING, like, "staging");
    await until(async () => {
      await instances.startDelete(STAGING);
      return (await instances.describe(STAGING)) === undefined;
    });
    expect([...environment.clusters.keys()]).toEqual(["orders"]);
    expect(environment.members.has(`${STAGING}-writer`)).toBe(false);
    await expect(instances.startDelete("orders")).rejects.toMatchObject({ name: "FleetFailed" });
    await expect(instances.startDelete(FINAL)).rejects.toMatchObject({ name: "FleetFailed" });
  });

  test("that was never made leaves a clone, which is deleted as the snapshot that it is; the final one never is", async () => {
    const instances = instancesOf(CLONES);
    for (const name of [REHEARSAL, FINAL]) await instances.startSnapshot(name, "orders", TAGS);
    await taken(instances, REHEARSAL);
    await taken(instances, FINAL);
    await until(async () => {
      await instances.deleteSnapshot(REHEARSAL);
      return (await instances.describeSnapshot(REHEARSAL)) === undefined;
    });
    await expect(instances.deleteSnapshot(FINAL)).rejects.toMatchObject({ name: "FleetFailed" });
  });
});

describe("the way back", () => {
  /** Production moved aside, and replaced by the final backup. */
  async function wentBack(how: RunCluster) {
    const instances = instancesOf(how);
    const like = await likeOf(instances);
    await instances.startSnapshot(FINAL, "orders", TAGS);
    await taken(instances, FINAL);
    await until(async () => {
      const former = await instances.describe(ASIDE);
      // As restore/task.ts does it.
      if (!former && (await instances.describe("orders"))) await instances.startRename("orders", ASIDE);
      return former?.status === "available";
    });
    await restored(instances, FINAL, "orders", like, "production");
    return { instances, like };
  }

  test.each([
    ["a clone", CLONES],
    ["a cluster snapshot", SNAPSHOTS],
  ])(
    "from %s leads to the same endpoint; the instances are moved aside first, then the cluster",
    async (_, how) => {
      const { instances } = await wentBack(how);
      const renames = environment.calls
        .filter(({ input }) => input.NewDBInstanceIdentifier ?? input.NewDBClusterIdentifier)
        .map(({ input }) => input.NewDBInstanceIdentifier ?? input.NewDBClusterIdentifier);
      expect([...new Set(renames)].slice(0, 3)).toEqual([
        asideName("orders-1", "r"),
        asideName("orders-2", "r"),
        ASIDE,
      ]);
      const now = await instances.describe("orders");
      expect(now).toMatchObject({
        status: "available",
        endpoint: { host: productionCluster.Endpoint },
      });
      expect(now?.identity).not.toBe("cluster-PRODUCTION");
      expect((await instances.describe(ASIDE))?.identity).toBe("cluster-PRODUCTION");
      expect(inputs("CreateDBInstance").at(-1)).toMatchObject({
        DBInstanceIdentifier: "orders-1",
        MonitoringInterval: 60,
        PromotionTier: 0,
      });
      expect(inputs("DeleteDBCluster").concat(inputs("DeleteDBInstance"))).toEqual([]);
    },
  );

  test("restores the settings and creates the readers without waiting for them", async () => {
    const { instances, like } = await wentBack(CLONES);
    const given = await until(async () => {
      const now = await instances.finishRestore("orders", like, "production");
      return now.changing ? undefined : now;
    });
    expect(given).toMatchObject({ refused: [], underWay: [expect.stringContaining("Reader orders-2")] });
    const [restoredCluster] = [environment.clusters.get("orders")?.db];
    expect(restoredCluster).toMatchObject({
      DBClusterParameterGroup: "orders-cluster-17",
      BackupRetentionPeriod: 14,
      DeletionProtection: true,
      StorageType: "aurora-iopt1",
      PreferredMaintenanceWindow: "sun:03:00-sun:03:30",
    });
    expect(inputs("AddRoleToDBCluster")).toMatchObject([{ FeatureName: "s3Import" }]);
    expect(inputs("CreateDBInstance").map(({ DBInstanceIdentifier: id }) => id)).toEqual([
      "orders-1",
      "orders-2",
    ]);
    expect(await instances.handOver(ASIDE, "orders")).toEqual([
      expect.stringContaining("new secret"),
      expect.stringMatching(/rds-db:connect that name cluster-PRODUCTION must name cluster-/),
      expect.stringContaining("automated backups stayed with it"),
    ]);
  });

  test("opens production even if RDS refuses a reader, and reports the refusal", async () => {
    const { instances, like } = await wentBack(CLONES);
    environment.refuse = (action, { DBInstanceIdentifier: id }) => {
      if (action === "CreateDBInstance" && id === "orders-2")
        throw new RdsRefusal("InstanceQuotaExceeded", "40 of 40");
    };
    const given = await until(async () => {
      const now = await instances.finishRestore("orders", like, "production");
      return now.changing ? undefined : now;
    });
    expect(given.refused).toEqual([expect.stringMatching(/^reader orders-2: .*InstanceQuotaExceeded/)]);
  });

  test("leaves an unlisted instance aside under its own name, and does not wait for it", async () => {
    environment.adopt(
      productionCluster,
      [...productionMembers, { ...productionMembers[1], DBInstanceIdentifier: "application-autoscaling-1" }],
      "production",
    );
    await wentBack(CLONES);
    expect(environment.members.get("application-autoscaling-1")?.cluster).toBe(ASIDE);
  });

  test("touches nothing once the former production's new name is taken", async () => {
    const { instances } = await wentBack(CLONES);
    const before = inputs("ModifyDBCluster").length;
    await instances.startRename("orders", ASIDE);
    expect(inputs("ModifyDBCluster")).toHaveLength(before);
  });

  test("waits while a clone is between its names, and does not count it as lost", async () => {
    const instances = instancesOf(CLONES);
    const like = await likeOf(instances);
    expect(await instances.startRestore(FINAL, "orders-new", like, "production", TAGS)).toMatchObject({
      waits: { why: expect.stringContaining(FINAL), minutes: 15 },
    });
  });
});

describe("a request that RDS refuses", () => {
  test.each([
    ["InsufficientStorageClusterCapacity"],
    ["InsufficientDBClusterCapacityFault"],
    ["InsufficientDBInstanceCapacityFault"],
  ])("%s is waited out", async (code) => {
    const instances = instancesOf(SNAPSHOTS);
    const like = await likeOf(instances);
    await instances.startSnapshot(FINAL, "orders", TAGS);
    await taken(instances, FINAL);
    environment.refuse = (action) => {
      if (action === "RestoreDBClusterFromSnapshot") throw new RdsRefusal(code, "none left");
    };
    expect(await instances.startRestore(FINAL, STAGING, like, "staging", TAGS)).toMatchObject({
      waits: { why: expect.stringContaining("none left") },
    });
  });

  test("settings that can be applied later are left out, and named", async () => {
    const instances = instancesOf(SNAPSHOTS);
    const like = await likeOf(instances);
    await instances.startSnapshot(FINAL, "orders", TAGS);
    await taken(instances, FINAL);
    environment.refuse = (action, { StorageType }) => {
      if (action === "RestoreDBClusterFromSnapshot" && StorageType !== undefined)
        throw new RdsRefusal("StorageTypeNotSupported", "no iopt1 here");
    };
    expect(await instances.startRestore(FINAL, STAGING, like, "staging", TAGS)).toEqual({
      without: ["the kind of storage: StorageTypeNotSupported: no iopt1 here"],
    });
  });

  test.each([
    ["DBClusterQuotaExceededFault", /higher quota of DB clusters/],
    ["KMSKeyNotAccessibleFault", /storageKmsKeyArn/],
    ["AccessDenied", /Deploy the stack again/],
    ["DBClusterParameterGroupNotFoundFault", /parameter group again/],
  ])("%s fails the clone, with the remedy", async (code, mend) => {
    environment.refuse = (action) => {
      if (action === "RestoreDBClusterToPointInTime") throw new RdsRefusal(code, "no");
    };
    await expect(instancesOf(CLONES).startSnapshot(FINAL, "orders", TAGS)).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringMatching(mend),
    });
  });

  test("a busy cluster leaves a snapshot undone without a message", async () => {
    environment.adopt({ ...productionCluster, Status: "modifying" }, productionMembers, "production");
    await instancesOf(SNAPSHOTS).startSnapshot(FINAL, "orders", TAGS);
    expect(await instancesOf(SNAPSHOTS).describeSnapshot(FINAL)).toBeUndefined();
  });
});

describe("a moment of a cluster", () => {
  const point = {
    name: "m",
    instance: "orders",
    aside: ASIDE,
    identity: "cluster-PRODUCTION",
    moment: { at: "2026-11-29T09:59:00Z", lsn: null, timeline: null },
  };

  test.each([
    ["2026-11-29T09:59:59Z", "available"],
    ["2026-11-29T10:00:00Z", "pending"],
    ["2026-10-31T23:59:59Z", "failed"],
  ])("of %s is %s", async (at, status) => {
    const moments = instancesOf(SNAPSHOTS).moments;
    expect(await moments.describe({ ...point, moment: { ...point.moment, at } })).toMatchObject({ status });
  });

  test("is restored as a full copy, from the cluster under its current name, and gets its instance", async () => {
    const instances = instancesOf(SNAPSHOTS);
    const like = await likeOf(instances);
    await instances.moments.startRestore(point, STAGING, like, "staging", TAGS);
    expect(inputs("RestoreDBClusterToPointInTime")).toMatchObject([
      {
        SourceDBClusterIdentifier: "orders",
        DBClusterIdentifier: STAGING,
        RestoreType: "full-copy",
        RestoreToTime: new Date(point.moment.at),
      },
    ]);
    await until(async () => {
      await instances.continueRestore(STAGING, like, "staging", TAGS);
      return (await instances.describe(STAGING))?.status === "available";
    });
  });

  test("of a missing cluster is refused by its identity", async () => {
    const gone = { ...point, identity: "cluster-ANOTHER" };
    const instances = instancesOf(SNAPSHOTS);
    const like = await likeOf(instances);
    await expect(instances.moments.startRestore(gone, STAGING, like, "staging", TAGS)).rejects.toMatchObject({
      message: expect.stringContaining("cluster-ANOTHER"),
    });
  });
});
