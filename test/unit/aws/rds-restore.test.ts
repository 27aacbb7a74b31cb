import {
  AddRoleToDBInstanceCommand,
  AddTagsToResourceCommand,
  type DBInstance,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  RDSClient,
  RebootDBInstanceCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
} from "@aws-sdk/client-rds";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { RdsInstances } from "../../../lambdas/shared/aws/rds-instances.ts";
import { INSTANCE_PARTS } from "../../../lambdas/shared/aws/rds-modify.ts";
import { missingSettings } from "../../../lambdas/shared/aws/rds-restore.ts";
import { settingsOf } from "../../../lambdas/shared/aws/rds-settings.ts";
import { awsError } from "../../support/aws-error.ts";
import { productionInstance } from "../../support/rds-instance.ts";

const rds = mockClient(RDSClient);
const instances = new RdsInstances(new RDSClient({ region: "eu-central-1" }), async () => undefined);
const like = JSON.parse(JSON.stringify(settingsOf(productionInstance)));
const oneZone = { ...like, multiAz: false };
const tags = { "sluice:run": "r", "sluice:purpose": "production" };
const so = (more: Partial<DBInstance> = {}) => ({
  DBInstances: [{ ...productionInstance, ...more } as DBInstance],
});

const requests = () =>
  rds.commandCalls(RestoreDBInstanceFromDBSnapshotCommand).map((call) => call.args[0].input);
const changes = () => rds.commandCalls(ModifyDBInstanceCommand).map((call) => call.args[0].input);

beforeEach(() => {
  rds.reset();
});

describe("if AWS has no room for an instance", () => {
  test.each(["staging", "production"] as const)(
    "%s waits for capacity, and the message shows for what",
    async (purpose) => {
      rds.on(RestoreDBInstanceFromDBSnapshotCommand).rejects(awsError("InsufficientDBInstanceCapacityFault"));
      expect(await instances.startRestore("s", "i", oneZone, purpose, tags)).toMatchObject({
        waits: { why: expect.stringContaining("InsufficientDBInstanceCapacity") },
      });
    },
  );

  test("it is requested in production's zone first, then in any", async () => {
    rds.on(RestoreDBInstanceFromDBSnapshotCommand).resolves({});
    await instances.startRestore("s", "i", oneZone, "production", tags);
    await instances.startRestore("s", "i", oneZone, "staging", tags);
    await instances.startRestore("s", "i", oneZone, "production", tags, true);
    await instances.startRestore("s", "i", oneZone, "staging", tags, true);
    expect(requests().map(({ AvailabilityZone }) => AvailabilityZone)).toEqual([
      "eu-central-1a",
      "eu-central-1a",
      undefined,
      undefined,
    ]);
  });

  test.each(["InstanceQuotaExceededFault", "StorageQuotaExceededFault"])(
    "%s is final for staging; production waits a while, as staging may be on its way out",
    async (name) => {
      rds.on(RestoreDBInstanceFromDBSnapshotCommand).rejects(awsError(name));
      await expect(instances.startRestore("s", "i", like, "staging", tags)).rejects.toMatchObject({
        name: "FleetFailed",
      });
      expect(await instances.startRestore("s", "i", like, "production", tags)).toMatchObject({
        waits: { minutes: 30 },
      });
    },
  );
});

describe("what RDS refuses in a restore request", () => {
  test.each([
    ["OptionGroupNotFoundFault", "OptionGroupName"],
    ["CertificateNotFoundFault", "CACertificateIdentifier"],
    ["StorageTypeNotSupportedFault", "StorageType"],
    ["ProvisionedIopsNotAvailableInAZFault", "Iops"],
  ] as const)("%s: it is requested again without %s, and nothing else is left out", async (name, key) => {
    rds.on(RestoreDBInstanceFromDBSnapshotCommand).rejectsOnce(awsError(name)).resolves({});
    const begun = await instances.startRestore("s", "orders", like, "production", tags);
    expect(begun?.without).toEqual([expect.stringContaining(name.replace("Fault", ""))]);
    expect(requests()[1]?.[key]).toBeUndefined();
    expect(requests()[1]).toMatchObject({ DBParameterGroupName: "orders-17", Tags: requests()[0]?.Tags });
  });

  test("an unnamed setting leaves out all that can be applied later, except network and parameters", async () => {
    rds
      .on(RestoreDBInstanceFromDBSnapshotCommand)
      .rejectsOnce(awsError("InvalidParameterCombination", { message: "no" }))
      .resolves({});
    await instances.startRestore("s", "orders", like, "production", tags);
    expect(requests()[1]).toMatchObject({
      DBInstanceClass: "db.r7g.large",
      DBSubnetGroupName: "private",
      VpcSecurityGroupIds: ["sg-1", "sg-2"],
      DBParameterGroupName: "orders-17",
      PubliclyAccessible: false,
      DeletionProtection: true,
    });
    expect(requests()[1]?.Tags).toBeUndefined();
    expect(requests()[1]?.StorageType).toBeUndefined();
  });

  test("staging is never restored with other parameters; production is, rather than not at all", async () => {
    rds.on(RestoreDBInstanceFromDBSnapshotCommand).rejects(awsError("DBParameterGroupNotFoundFault"));
    await expect(instances.startRestore("s", "i", like, "staging", tags)).rejects.toThrow(
      /Create the parameter group again/,
    );
    rds.reset();
    rds
      .on(RestoreDBInstanceFromDBSnapshotCommand)
      .rejectsOnce(awsError("DBParameterGroupNotFoundFault"))
      .resolves({});
    const begun = await instances.startRestore("s", "orders", like, "production", tags);
    expect(begun?.without[0]).toContain("the parameter group");
  });

  test.each([
    "InvalidSubnet",
    "DBSubnetGroupNotFoundFault",
    "AccessDenied",
    "KMSKeyNotAccessibleFault",
    "DBSnapshotNotFoundFault",
  ])("%s is final, and requested once", async (name) => {
    rds.on(RestoreDBInstanceFromDBSnapshotCommand).rejects(awsError(name));
    await expect(instances.startRestore("s", "orders", like, "production", tags)).rejects.toMatchObject({
      name: "FleetFailed",
    });
    expect(requests()).toHaveLength(1);
  });

  test("it always ends, whatever is refused", async () => {
    rds.on(RestoreDBInstanceFromDBSnapshotCommand).rejects(awsError("InvalidParameterValue"));
    await expect(instances.startRestore("s", "orders", like, "production", tags)).rejects.toMatchObject({
      name: "FleetFailed",
    });
    expect(requests().length).toBeLessThan(5);
  });
});

test("every setting that can be missing is one that is requested, together or alone", async () => {
  const everything = missingSettings(
    {
      ...productionInstance,
      ...{
        StorageType: "gp2",
        Iops: 1,
        StorageThroughput: 1,
        DedicatedLogVolume: true,
        MaxAllocatedStorage: 1,
      },
      ...{
        OptionGroupMemberships: [{ OptionGroupName: "o" }],
        CACertificateIdentifier: "c",
        NetworkType: "DUAL",
      },
      ...{ AutoMinorVersionUpgrade: true, CopyTagsToSnapshot: false, EnabledCloudwatchLogsExports: [] },
      ...{
        DBParameterGroups: [],
        BackupRetentionPeriod: 1,
        PreferredBackupWindow: "x",
        PreferredMaintenanceWindow: "x",
      },
      ...{ DeletionProtection: false, MonitoringInterval: 0, PerformanceInsightsEnabled: false },
      ...{ MasterUserSecret: undefined, EngineLifecycleSupport: "a" },
    },
    { ...like, networkType: "IPV4", lifecycleSupport: "b" },
    "production",
  );
  expect(Object.keys(everything).length).toBeGreaterThan(22);
  const given = INSTANCE_PARTS.flatMap(({ keys }) => keys);
  expect(Object.keys(everything).filter((key) => !(given as string[]).includes(key))).toEqual([]);
  expect(new Set(given).size).toBe(given.length);
});

describe("tags", () => {
  const own = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, "v"]));

  test.each([
    [48, 50],
    [49, 50],
    [50, 50],
    [0, 2],
  ])("of production with %i of its own make %i: no tag of the run fails its restore", async (count, all) => {
    rds.on(RestoreDBInstanceFromDBSnapshotCommand).resolves({});
    await instances.startRestore("s", "orders", { ...like, tags: own(count) }, "production", tags);
    expect(requests()[0]?.Tags).toHaveLength(all);
    expect(requests()[0]?.Tags).toEqual(
      expect.arrayContaining(Object.entries(own(count)).map(([Key, Value]) => ({ Key, Value }))),
    );
  });

  test("staging has those of the run alone", async () => {
    rds.on(RestoreDBInstanceFromDBSnapshotCommand).resolves({});
    await instances.startRestore("s", "i", { ...like, tags: own(50) }, "staging", {
      owner: "db-team",
      ...tags,
    });
    expect(requests()[0]?.Tags?.map(({ Key }) => Key)).toEqual(["owner", "sluice:run", "sluice:purpose"]);
  });
});

test("staging uses production's own request, except for what keeps staging apart", async () => {
  rds.on(RestoreDBInstanceFromDBSnapshotCommand).resolves({});
  await instances.startRestore(
    "s",
    "i",
    { ...oneZone, publiclyAccessible: true, minorUpgrades: true },
    "production",
    {},
  );
  await instances.startRestore(
    "s",
    "i",
    { ...oneZone, publiclyAccessible: true, minorUpgrades: true },
    "staging",
    {},
  );
  const [production, staging] = requests().map((request): Record<string, unknown> => ({ ...request }));
  const differs = Object.keys({ ...production, ...staging }).filter(
    (key) => JSON.stringify(production?.[key]) !== JSON.stringify(staging?.[key]),
  );
  expect(differs.sort()).toEqual([
    "AutoMinorVersionUpgrade",
    "BackupRetentionPeriod",
    "DeletionProtection",
    "EnableCloudwatchLogsExports",
    "PubliclyAccessible",
    "Tags",
  ]);
});

describe("a setting that RDS refuses", () => {
  const NEAR_ITS_MAXIMUM = awsError("InvalidParameterCombination", {
    message: "The maximum allocated storage must be increased by at least 10 percent.",
  });

  test("does not stop staging: it is reported, and the rehearsal continues", async () => {
    rds
      .on(DescribeDBInstancesCommand)
      .resolves(so({ MaxAllocatedStorage: undefined, DeletionProtection: false }));
    rds.on(ModifyDBInstanceCommand).rejects(NEAR_ITS_MAXIMUM);
    expect(await instances.finishRestore("sluice-staging-1", like, "staging")).toEqual({
      changing: false,
      refused: [expect.stringMatching(/^storage autoscaling: .*at least 10 percent/)],
      underWay: [],
    });
  });

  test("does not stop the others: all are requested again without it", async () => {
    rds
      .on(DescribeDBInstancesCommand)
      .resolves(so({ MaxAllocatedStorage: undefined, BackupRetentionPeriod: 1 }));
    rds.on(ModifyDBInstanceCommand).rejectsOnce(NEAR_ITS_MAXIMUM).resolves({});
    expect(await instances.finishRestore("orders", like, "production")).toMatchObject({
      changing: true,
      refused: [expect.stringContaining("storage autoscaling")],
    });
    expect(changes()[1]).toEqual({
      DBInstanceIdentifier: "orders",
      ApplyImmediately: true,
      BackupRetentionPeriod: 14,
    });
  });

  test("and a second one: each is requested alone, and each is reported", async () => {
    rds
      .on(DescribeDBInstancesCommand)
      .resolves(so({ MaxAllocatedStorage: undefined, MonitoringInterval: 0, BackupRetentionPeriod: 1 }));
    rds
      .on(ModifyDBInstanceCommand)
      .rejects(NEAR_ITS_MAXIMUM)
      .on(
        ModifyDBInstanceCommand,
        { DBInstanceIdentifier: "orders", ApplyImmediately: true, BackupRetentionPeriod: 14 },
        true,
      )
      .resolves({});
    const given = await instances.finishRestore("orders", like, "production");
    expect(given.changing).toBe(true);
    expect(given.refused.map((line) => line.split(":")[0])).toEqual(["storage autoscaling", "monitoring"]);
  });

  test("a refused role is reported, and the others are applied", async () => {
    const roles = [
      { arn: "arn:a", feature: "s3Import" },
      { arn: "arn:b", feature: "s3Export" },
    ];
    rds.on(DescribeDBInstancesCommand).resolves(so({ AssociatedRoles: [] }));
    rds
      .on(AddRoleToDBInstanceCommand)
      .resolves({})
      .on(AddRoleToDBInstanceCommand, { RoleArn: "arn:a" })
      .rejects(awsError("AccessDenied"));
    expect(await instances.finishRestore("orders", { ...like, roles }, "production")).toMatchObject({
      changing: true,
      refused: [expect.stringContaining("the role arn:a")],
    });
    expect(rds.commandCalls(AddRoleToDBInstanceCommand)).toHaveLength(2);
  });

  test("staging's required settings stay required: no rehearsal runs with other parameters", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(
      so({
        DBParameterGroups: [{ DBParameterGroupName: "default.postgres17" }],
        DeletionProtection: false,
      }),
    );
    rds.on(ModifyDBInstanceCommand).rejects(awsError("DBParameterGroupNotFoundFault"));
    await expect(instances.finishRestore("sluice-staging-1", like, "staging")).rejects.toMatchObject({
      name: "FleetFailed",
    });
  });

  test("a service fault or a throttle is no refusal: it passes through, to be tried again", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(so({ BackupRetentionPeriod: 1 }));
    rds.on(ModifyDBInstanceCommand).rejects(awsError("Throttling"));
    await expect(instances.finishRestore("orders", like, "production")).rejects.toMatchObject({
      name: "Throttling",
    });
  });
});

test("the report shows how far the volume of a restored production is filled: production is in use earlier", async () => {
  const filling = { StorageOperationStatus: "Initializing", StorageOperationPercentProgress: 37 };
  rds.on(DescribeDBInstancesCommand).resolves(so({ ...filling, DBInstanceStatus: "storage-initialization" }));
  expect((await instances.finishRestore("orders", like, "production")).underWay).toEqual([
    expect.stringContaining("Initializing, 37 %"),
  ]);
});

test("tags and logs that the restore had to leave out are applied afterwards", async () => {
  rds
    .on(DescribeDBInstancesCommand)
    .resolves(so({ DBInstanceArn: "arn:orders", TagList: [], EnabledCloudwatchLogsExports: undefined }));
  rds.on(ModifyDBInstanceCommand).resolves({}).on(AddTagsToResourceCommand).resolves({});
  await instances.finishRestore("orders", like, "production");
  expect(changes()).toEqual([
    expect.objectContaining({ CloudwatchLogsExportConfiguration: { EnableLogTypes: ["postgresql"] } }),
  ]);
  rds.on(DescribeDBInstancesCommand).resolves(so({ DBInstanceArn: "arn:orders", TagList: [] }));
  await instances.finishRestore("orders", like, "production");
  expect(rds.commandCalls(AddTagsToResourceCommand)[0]?.args[0].input).toEqual({
    ResourceName: "arn:orders",
    Tags: [{ Key: "team", Value: "orders" }],
  });
});

describe("the second zone", () => {
  test("is requested when nothing else is missing, and not waited for", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(so({ MultiAZ: false }));
    rds.on(ModifyDBInstanceCommand).resolves({});
    expect(await instances.finishRestore("orders", like, "production")).toEqual({
      changing: false,
      refused: [],
      underWay: [expect.stringContaining("converted to Multi-AZ")],
    });
    expect(changes()).toEqual([{ DBInstanceIdentifier: "orders", ApplyImmediately: true, MultiAZ: true }]);
  });

  test("is not requested twice", async () => {
    rds
      .on(DescribeDBInstancesCommand)
      .resolves(so({ MultiAZ: false, PendingModifiedValues: { MultiAZ: true } }));
    expect(await instances.finishRestore("orders", like, "production")).toMatchObject({
      changing: false,
      underWay: [expect.stringContaining("no standby")],
    });
    expect(changes()).toEqual([]);
  });

  test("is requested again if RDS is too busy for it, and not reported as under way", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(so({ MultiAZ: false }));
    rds.on(ModifyDBInstanceCommand).rejects(awsError("InvalidDBInstanceStateFault"));
    expect(await instances.finishRestore("orders", like, "production")).toEqual({
      changing: true,
      refused: [],
      underWay: [],
    });
  });

  test("is reported if AWS has no room for it: production is in use without it", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(so({ MultiAZ: false }));
    rds.on(ModifyDBInstanceCommand).rejects(awsError("InsufficientDBInstanceCapacityFault"));
    expect(await instances.finishRestore("orders", like, "production")).toMatchObject({
      changing: false,
      refused: [expect.stringContaining("a second zone")],
    });
  });

  test("is never requested for staging", async () => {
    rds.on(DescribeDBInstancesCommand).resolves(so({ MultiAZ: false, DeletionProtection: false }));
    await instances.finishRestore("sluice-staging-1", like, "staging");
    expect(changes()).toEqual([]);
    expect(rds.commandCalls(RebootDBInstanceCommand)).toEqual([]);
  });
});
