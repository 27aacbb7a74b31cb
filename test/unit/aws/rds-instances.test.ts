import {
  AddRoleToDBInstanceCommand,
  CreateDBSnapshotCommand,
  type DBInstance,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBInstanceCommand,
  RDSClient,
  RebootDBInstanceCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
} from "@aws-sdk/client-rds";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { RdsInstances } from "../../../lambdas/shared/aws/rds-instances.ts";
import { settingsOf } from "../../../lambdas/shared/aws/rds-settings.ts";
import { instanceStatus, snapshotStatus } from "../../../lambdas/shared/aws/rds-status.ts";
import { awsError } from "../../support/aws-error.ts";
import { productionInstance } from "../../support/rds-instance.ts";

const rds = mockClient(RDSClient);
const GIB = 1024 ** 3;
const instances = new RdsInstances(new RDSClient({ region: "eu-central-1" }), async () => 7 * GIB);
const tags = { "sluice:run": "r" };
// As evidence stores them: through JSON.
const like = JSON.parse(JSON.stringify(settingsOf(productionInstance)));

const found = (...instances: Partial<DBInstance>[]) => ({ DBInstances: instances as DBInstance[] });
/** A restore of production, before the settings that a restore cannot apply. */
const restored: Partial<DBInstance> = {
  ...productionInstance,
  BackupRetentionPeriod: 1,
  PreferredMaintenanceWindow: "sat:05:00-sat:05:30",
  MonitoringInterval: 0,
  MonitoringRoleArn: undefined,
  PerformanceInsightsEnabled: false,
  MaxAllocatedStorage: undefined,
  MasterUserSecret: undefined,
  AssociatedRoles: [],
};

beforeEach(() => {
  rds.reset();
});

describe("an instance as RDS describes it", () => {
  test.each([
    "failed",
    "incompatible-parameters",
    "storage-full",
    "stopped",
    "restore-error",
    "insufficient-capacity",
  ])("%s is a status that does not pass by itself", (text) => expect(instanceStatus(text)).toBe("failed"));

  test.each(["creating", "modifying", "renaming", "backing-up", "deleting", "a status of tomorrow"])(
    "%s is waited out",
    (text) => expect(instanceStatus(text)).toBe("pending"),
  );

  test.each(["storage-optimization", "storage-initialization"])("in %s an instance is usable", (text) =>
    expect(instanceStatus(text)).toBe("available"),
  );

  test.each<[object, object | undefined]>([
    [{}, undefined],
    [{ DBInstanceStatus: "storage-initialization" }, { doing: "Initializing" }],
    [{ DBInstanceStatus: "storage-optimization" }, { doing: "Optimizing" }],
    [
      { StorageOperationStatus: "Initializing", StorageOperationPercentProgress: 37 },
      { doing: "Initializing", percent: 37 },
    ],
    [
      { StorageOperationStatus: "Something new", StorageOperationPercentProgress: 0 },
      { doing: "Something new", percent: 0 },
    ],
  ])("the work on its storage is shown: %j", async (more, storage) => {
    rds.on(DescribeDBInstancesCommand).resolves(found({ ...productionInstance, ...more }));
    expect(await instances.describe("orders")).toMatchObject({ status: "available" });
    expect((await instances.describe("orders"))?.storage).toEqual(storage);
  });

  test("an instance without AWS capacity is distinguished from other failed ones", async () => {
    for (const [text, noRoom] of [
      ["insufficient-capacity", true],
      ["incompatible-network", undefined],
    ] as const) {
      rds.on(DescribeDBInstancesCommand).resolves(found({ DBInstanceStatus: text }));
      expect(await instances.describe("orders")).toMatchObject({ status: "failed" });
      expect((await instances.describe("orders"))?.noRoom).toBe(noRoom);
    }
  });

  test("an instance during a backup answers, and is not free for changes", async () => {
    rds
      .on(DescribeDBInstancesCommand)
      .resolves(found({ ...productionInstance, DBInstanceStatus: "backing-up" }));
    expect(await instances.describe("orders")).toMatchObject({ status: "pending", answers: true });
    rds
      .on(DescribeDBInstancesCommand)
      .resolves(found({ ...productionInstance, DBInstanceStatus: "creating" }));
    expect(await instances.describe("orders")).toMatchObject({ status: "pending", answers: false });
  });

  test("a failed snapshot cannot be restored from", () => {
    expect(snapshotStatus("failed")).toBe("failed");
    expect(snapshotStatus("creating")).toBe("pending");
    expect(snapshotStatus("available")).toBe("available");
  });

  test("a missing instance is undefined", async () => {
    rds.on(DescribeDBInstancesCommand).rejects(awsError("DBInstanceNotFoundFault"));
    expect(await instances.describe("orders")).toBeUndefined();
  });

  test("a refusal reports what was tried and what helps", async () => {
    rds.on(DescribeDBInstancesCommand).rejects(awsError("AccessDenied", { message: "not authorized" }));
    await expect(instances.describe("orders")).rejects.toMatchObject({
      name: "FleetFailed",
      message:
        "RDS refused to describe orders: AccessDenied: not authorized Deploy the stack again. If that does not help, look for a service control policy.",
    });
  });

  test.each([
    awsError("Throttling"),
    awsError("InternalFailure", { fault: "server" }),
    new TypeError("socket"),
  ])("%s passes unchanged, to be tried again", async (error) => {
    rds.on(DescribeDBInstancesCommand).rejects(error);
    await expect(instances.describe("orders")).rejects.toMatchObject({ name: error.name });
  });

  test("an instance without an address has no endpoint yet, and its free disk is not requested", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(found({ DBInstanceStatus: "creating" }));
    expect(await instances.describe("orders")).toMatchObject({ endpoint: undefined, freeBytes: undefined });
  });

  test("unknown free disk is left out", async () => {
    const blind = new RdsInstances(new RDSClient({ region: "eu-central-1" }), () =>
      Promise.reject(new Error("no")),
    );
    rds.on(DescribeDBInstancesCommand).resolves(found(productionInstance));
    expect(await blind.describe("orders")).toMatchObject({ status: "available", freeBytes: undefined });
  });

  test("an available instance is described in full", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(found(productionInstance));
    expect(await instances.describe("orders")).toMatchObject({
      id: "orders",
      identity: "db-PRODUCTION",
      status: "available",
      endpoint: { host: "orders.abc.eu-central-1.rds.amazonaws.com", port: 5433 },
      engineVersion: "17.4",
      freeBytes: 7 * GIB,
    });
  });
});

describe("snapshots", () => {
  test("an existing snapshot counts as taken", async () => {
    rds.on(CreateDBSnapshotCommand).rejects(awsError("DBSnapshotAlreadyExistsFault"));
    await instances.startSnapshot("sluice-final-1", "orders", tags);
  });

  test("while production is busy nothing is refused: the loop requests it again", async () => {
    rds.on(CreateDBSnapshotCommand).rejects(awsError("InvalidDBInstanceStateFault"));
    await instances.startSnapshot("sluice-final-1", "orders", tags);
  });

  test("a full quota is final, and is reported", async () => {
    rds.on(CreateDBSnapshotCommand).rejects(awsError("SnapshotQuotaExceededFault"));
    await expect(instances.startSnapshot("sluice-final-1", "orders", tags)).rejects.toThrow(
      /RDS refused to take snapshot sluice-final-1 of orders: SnapshotQuotaExceeded.*higher quota/,
    );
  });

  test("a snapshot shows its size in bytes, its encryption and its key", async () => {
    rds.on(DescribeDBSnapshotsCommand).resolves({
      DBSnapshots: [
        {
          DBInstanceIdentifier: "orders",
          Status: "available",
          AllocatedStorage: 2,
          SnapshotCreateTime: new Date("2026-11-03T02:00:00Z"),
          Encrypted: true,
          KmsKeyId: "arn:key",
          EngineVersion: "17.4",
        },
      ],
    });
    expect(await instances.describeSnapshot("s")).toEqual({
      id: "s",
      instance: "orders",
      status: "available",
      statusText: "available",
      createdAt: "2026-11-03T02:00:00.000Z",
      sizeBytes: 2 * GIB,
      engineVersion: "17.4",
      encrypted: true,
      kmsKey: "arn:key",
    });
  });

  test("a missing snapshot is undefined", async () => {
    rds.on(DescribeDBSnapshotsCommand).rejects(awsError("DBSnapshotNotFoundFault"));
    expect(await instances.describeSnapshot("s")).toBeUndefined();
  });
});

describe("restores", () => {
  const request = () => rds.commandCalls(RestoreDBInstanceFromDBSnapshotCommand)[0]?.args[0].input;

  test("a restore that was begun already counts as begun", async () => {
    rds.on(RestoreDBInstanceFromDBSnapshotCommand).rejects(awsError("DBInstanceAlreadyExistsFault"));
    await instances.startRestore("s", "sluice-staging-1", like, "staging", tags);
  });

  test("settings of an unknown shape are refused", async () => {
    await expect(instances.startRestore("s", "i", { some: "thing" }, "staging", tags)).rejects.toThrow();
    expect(rds.calls()).toEqual([]);
  });

  test("staging is never public, has one zone, no backups, and can be deleted", async () => {
    rds.on(RestoreDBInstanceFromDBSnapshotCommand).resolves({});
    const open = { ...like, publiclyAccessible: true, multiAz: true, deletionProtection: true };
    await instances.startRestore("s", "sluice-staging-1", open, "staging", tags);
    expect(request()).toMatchObject({
      PubliclyAccessible: false,
      MultiAZ: false,
      DeletionProtection: false,
      BackupRetentionPeriod: 0,
      Tags: [{ Key: "sluice:run", Value: "r" }],
    });
  });

  test("staging answers in production's network, with its parameters and its class", async () => {
    rds.on(RestoreDBInstanceFromDBSnapshotCommand).resolves({});
    await instances.startRestore("s", "sluice-staging-1", like, "staging", tags);
    expect(request()).toMatchObject({
      DBSnapshotIdentifier: "s",
      DBInstanceIdentifier: "sluice-staging-1",
      DBInstanceClass: "db.r7g.large",
      DBSubnetGroupName: "private",
      VpcSecurityGroupIds: ["sg-1", "sg-2"],
      DBParameterGroupName: "orders-17",
      EnableIAMDatabaseAuthentication: true,
      Port: 5433,
    });
  });

  test("production comes back with its own settings and tags, except for those that only AWS can set", async () => {
    rds.on(RestoreDBInstanceFromDBSnapshotCommand).resolves({});
    await instances.startRestore("s", "orders", like, "production", tags);
    expect(request()).toMatchObject({
      // The second zone comes after the proof: converted in use, it costs no downtime.
      MultiAZ: false,
      DeletionProtection: true,
      PubliclyAccessible: false,
      EnableCloudwatchLogsExports: ["postgresql"],
      Tags: [
        { Key: "team", Value: "orders" },
        { Key: "sluice:run", Value: "r" },
      ],
    });
    expect(request()?.AvailabilityZone).toBeUndefined();
  });

  test("IOPS of a small gp3 volume are omitted, since RDS refuses them", async () => {
    rds.on(RestoreDBInstanceFromDBSnapshotCommand).resolves({});
    const small = settingsOf({ ...productionInstance, AllocatedStorage: 100 });
    await instances.startRestore("s", "i", small, "staging", tags);
    await instances.startRestore("s", "i", like, "staging", tags);
    const given = rds
      .commandCalls(RestoreDBInstanceFromDBSnapshotCommand)
      .map((call) => call.args[0].input.Iops);
    expect(given).toEqual([undefined, 12_000]);
  });
});

describe("finishing a restore", () => {
  const changes = () => rds.commandCalls(ModifyDBInstanceCommand).map((call) => call.args[0].input);

  test("a deleted instance is final", async () => {
    rds.on(DescribeDBInstancesCommand).rejects(awsError("DBInstanceNotFoundFault"));
    await expect(instances.finishRestore("orders", like, "production")).rejects.toThrow(/FleetFailed|gone/);
  });

  test("an instance in a bad status is final", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(found({ DBInstanceStatus: "incompatible-network" }));
    await expect(instances.finishRestore("orders", like, "production")).rejects.toThrow(
      "incompatible-network",
    );
  });

  test("while RDS works on it nothing is requested", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(found({ ...restored, DBInstanceStatus: "modifying" }));
    expect(await instances.finishRestore("orders", like, "production")).toMatchObject({ changing: true });
    expect(changes()).toEqual([]);
  });

  test("production gets everything that a restore cannot set, at once", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(found(restored));
    rds.on(ModifyDBInstanceCommand).resolves({});
    expect(await instances.finishRestore("orders", like, "production")).toMatchObject({ changing: true });
    expect(changes()).toEqual([
      {
        DBInstanceIdentifier: "orders",
        ApplyImmediately: true,
        BackupRetentionPeriod: 14,
        PreferredMaintenanceWindow: "sun:03:00-sun:04:00",
        MonitoringInterval: 60,
        MonitoringRoleArn: "arn:aws:iam::123456789012:role/monitoring",
        EnablePerformanceInsights: true,
        PerformanceInsightsRetentionPeriod: 465,
        PerformanceInsightsKMSKeyId: "arn:key",
        DatabaseInsightsMode: "advanced",
        MaxAllocatedStorage: 2000,
        ManageMasterUserPassword: true,
        MasterUserSecretKmsKeyId: "arn:secret-key",
      },
    ]);
  });

  test("staging gets only production's limit of storage growth", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(found({ ...restored, DeletionProtection: false }));
    await instances.finishRestore("sluice-staging-1", like, "staging");
    expect(changes()).toEqual([
      { DBInstanceIdentifier: "sluice-staging-1", ApplyImmediately: true, MaxAllocatedStorage: 2000 },
    ]);
  });

  test("a change that RDS is too busy for is requested again", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(found(restored));
    rds.on(ModifyDBInstanceCommand).rejects(awsError("InvalidDBInstanceStateFault"));
    expect(await instances.finishRestore("orders", like, "production")).toMatchObject({ changing: true });
  });

  test("roles come after settings, one at a time", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(found({ ...productionInstance, AssociatedRoles: [] }));
    rds.on(AddRoleToDBInstanceCommand).resolves({});
    expect(await instances.finishRestore("orders", like, "production")).toMatchObject({ changing: true });
    expect(rds.commandCalls(AddRoleToDBInstanceCommand)[0]?.args[0].input).toEqual({
      DBInstanceIdentifier: "orders",
      RoleArn: "arn:aws:iam::123456789012:role/s3-import",
      FeatureName: "s3Import",
    });
  });

  test("a pending change is waited for", async () => {
    rds
      .on(DescribeDBInstancesCommand)
      .resolves(found({ ...productionInstance, PendingModifiedValues: { BackupRetentionPeriod: 14 } }));
    expect(await instances.finishRestore("orders", like, "production")).toMatchObject({ changing: true });
  });

  test("parameters that wait for a reboot get one, and only then is the restore finished", async () => {
    const groups = (state: string) => [{ DBParameterGroupName: "orders-17", ParameterApplyStatus: state }];
    rds
      .on(DescribeDBInstancesCommand)
      .resolvesOnce(found({ ...productionInstance, DBParameterGroups: groups("applying") }))
      .resolvesOnce(found({ ...productionInstance, DBParameterGroups: groups("pending-reboot") }))
      .resolvesOnce(found({ ...productionInstance, DBInstanceStatus: "rebooting" }))
      .resolves(found(productionInstance));
    const answers = [];
    for (let i = 0; i < 4; i++)
      answers.push((await instances.finishRestore("orders", like, "production")).changing);
    expect(answers).toEqual([true, true, true, false]);
    expect(rds.commandCalls(RebootDBInstanceCommand)).toHaveLength(1);
    expect(changes()).toEqual([]);
  });
});

describe("handing over", () => {
  const aside: Partial<DBInstance> = {
    ...productionInstance,
    DBInstanceIdentifier: "orders-before-1",
    ReadReplicaDBInstanceIdentifiers: ["orders-replica"],
    DomainMemberships: [{ Domain: "d-123" }],
  };
  const taken: Partial<DBInstance> = {
    ...productionInstance,
    DbiResourceId: "db-RESTORED",
    MasterUserSecret: { SecretArn: "arn:secret-2" },
  };
  const handedOver = async (former: Partial<DBInstance>, now: Partial<DBInstance>) => {
    rds
      .on(DescribeDBInstancesCommand, { DBInstanceIdentifier: "orders-before-1" })
      .resolves(found(former))
      .on(DescribeDBInstancesCommand, { DBInstanceIdentifier: "orders" })
      .resolves(found(now));
    return (await instances.handOver("orders-before-1", "orders")).join("\n");
  };

  test("names what stayed with the former production, and what now belongs to another instance", async () => {
    const text = await handedOver(aside, taken);
    expect(text).toContain("Read replicas stayed with orders-before-1: orders-replica");
    expect(text).toContain("arn:secret-2");
    expect(text).toContain("name db-PRODUCTION must name db-RESTORED");
    expect(text).toContain("d-123");
    expect(text).toContain("point in time before the restore is possible only from orders-before-1");
  });

  test("names the zone, if AWS had no capacity in the former one", async () => {
    const one = { MultiAZ: false };
    expect(
      await handedOver({ ...aside, ...one }, { ...taken, ...one, AvailabilityZone: "eu-central-1b" }),
    ).toContain("orders is now in zone eu-central-1b instead of eu-central-1a");
    expect(await handedOver(aside, { ...taken, AvailabilityZone: "eu-central-1b" })).not.toContain("in zone");
  });

  test("omits what the instance never had", async () => {
    const plain = {
      ReadReplicaDBInstanceIdentifiers: [],
      DomainMemberships: [],
      MasterUserSecret: undefined,
      IAMDatabaseAuthenticationEnabled: false,
    };
    expect((await handedOver({ ...aside, ...plain }, { ...taken, ...plain })).split("\n")).toHaveLength(1);
  });
});

describe("renaming", () => {
  test("once the new name is taken, whatever now has the old name is left alone", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(found(productionInstance));
    await instances.startRename("orders", "orders-before-1");
    expect(rds.commandCalls(ModifyDBInstanceCommand)).toEqual([]);
  });

  test("a missing instance cannot be renamed", async () => {
    rds.on(DescribeDBInstancesCommand).rejects(awsError("DBInstanceNotFoundFault"));
    rds.on(ModifyDBInstanceCommand).rejects(awsError("DBInstanceNotFoundFault"));
    await expect(instances.startRename("orders", "orders-before-1")).rejects.toThrow(/database\.instance/);
  });

  test("a rename takes place at once, not in the maintenance window", async () => {
    rds.on(DescribeDBInstancesCommand).rejects(awsError("DBInstanceNotFoundFault"));
    await instances.startRename("orders", "orders-before-1");
    expect(rds.commandCalls(ModifyDBInstanceCommand)[0]?.args[0].input).toEqual({
      DBInstanceIdentifier: "orders",
      NewDBInstanceIdentifier: "orders-before-1",
      ApplyImmediately: true,
    });
  });
});

describe("deleting", () => {
  test("only staging is deleted, whatever the caller requests", async () => {
    await expect(instances.startDelete("orders")).rejects.toThrow("orders is not a staging instance");
    await expect(instances.startDelete("sluice-other")).rejects.toThrow("is not a staging instance");
    expect(rds.calls()).toEqual([]);
  });

  test.each(["DBInstanceNotFoundFault", "InvalidDBInstanceStateFault"])(
    "%s: gone or going already",
    async (name) => {
      rds.on(DeleteDBInstanceCommand).rejects(awsError(name));
      await instances.startDelete("sluice-staging-1");
    },
  );

  test("no backup of staging is kept", async () => {
    rds.on(DeleteDBInstanceCommand).resolves({});
    await instances.startDelete("sluice-staging-1");
    expect(rds.commandCalls(DeleteDBInstanceCommand)[0]?.args[0].input).toEqual({
      DBInstanceIdentifier: "sluice-staging-1",
      SkipFinalSnapshot: true,
      DeleteAutomatedBackups: true,
    });
  });
});
