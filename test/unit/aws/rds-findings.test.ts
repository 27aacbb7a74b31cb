import {
  type DBInstance,
  DescribeAccountAttributesCommand,
  DescribeBlueGreenDeploymentsCommand,
  DescribeDBInstancesCommand,
  DescribeDBMajorEngineVersionsCommand,
  DescribeDBProxiesCommand,
  DescribeDBProxyTargetsCommand,
  RDSClient,
} from "@aws-sdk/client-rds";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { RdsInstances } from "../../../lambdas/shared/aws/rds-instances.ts";
import { awsError } from "../../support/aws-error.ts";
import { productionInstance } from "../../support/rds-instance.ts";

const rds = mockClient(RDSClient);
const instances = new RdsInstances(new RDSClient({ region: "eu-central-1" }), async () => undefined);
const ARN = "arn:aws:rds:eu-central-1:123456789012:db:orders";
const RUN = { "sluice:run": "r", "sluice:purpose": "final", "sluice:keep-until": "" };

const inspect = async (more: Partial<DBInstance> = {}) => {
  rds
    .on(DescribeDBInstancesCommand)
    .resolves({ DBInstances: [{ ...productionInstance, DBInstanceArn: ARN, ...more }] });
  return await instances.inspect("orders", RUN);
};
const checkOf = async (name: string, more: Partial<DBInstance> = {}) =>
  (await inspect(more)).checks.find((check) => check.name === name);

beforeEach(() => {
  rds.reset();
  rds
    .on(DescribeBlueGreenDeploymentsCommand)
    .resolves({ BlueGreenDeployments: [] })
    .on(DescribeAccountAttributesCommand)
    .resolves({ AccountQuotas: [] })
    .on(DescribeDBProxiesCommand)
    .resolves({ DBProxies: [] })
    .on(DescribeDBMajorEngineVersionsCommand)
    .resolves({ DBMajorEngineVersions: [] });
});

describe("an instance that no run supports is refused by name", () => {
  test.each<[string, Partial<DBInstance>, RegExp]>([
    [
      "a member of an Aurora cluster",
      { Engine: "aurora-postgresql", DBClusterIdentifier: "c" },
      /member of the Aurora cluster c/,
    ],
    ["a member of a Multi-AZ cluster", { DBClusterIdentifier: "c" }, /member of the Multi-AZ cluster c/],
    ["a read replica", { ReadReplicaSourceDBInstanceIdentifier: "primary" }, /read replica of primary/],
    ["a read replica of a cluster", { ReadReplicaSourceDBClusterIdentifier: "c" }, /read replica of c/],
    ["Aurora MySQL", { Engine: "aurora-mysql", DBClusterIdentifier: "c" }, /Aurora MySQL .*not PostgreSQL/],
    ["the oldest Aurora", { Engine: "aurora", DBClusterIdentifier: "c" }, /Aurora MySQL/],
    ["MySQL", { Engine: "mysql" }, /RDS for MySQL/],
    ["MariaDB", { Engine: "mariadb" }, /RDS for MariaDB/],
    ["Oracle", { Engine: "oracle-ee-cdb" }, /RDS for Oracle/],
    ["SQL Server", { Engine: "sqlserver-web" }, /RDS for SQL Server/],
    ["Db2", { Engine: "db2-se" }, /RDS for Db2/],
    ["RDS Custom", { Engine: "custom-oracle-ee" }, /RDS Custom/],
    ["Neptune, which RDS's API lists too", { Engine: "neptune", DBClusterIdentifier: "c" }, /Neptune/],
    ["DocumentDB, too", { Engine: "docdb", DBClusterIdentifier: "c" }, /DocumentDB/],
    ["an unknown engine", { Engine: "another" }, /runs another \(engine another\)/],
  ])("%s", async (_, more, text) => {
    const { refusals } = await inspect(more);
    expect(refusals).toEqual([expect.stringMatching(text)]);
    // RDS gets no further question about it.
    expect(rds.commandCalls(DescribeAccountAttributesCommand)).toEqual([]);
  });

  test.each([
    "PROVISIONING",
    "AVAILABLE",
    "SWITCHOVER_IN_PROGRESS",
    "SWITCHOVER_FAILED",
    "INVALID_CONFIGURATION",
    "DELETING",
  ])("an instance with a blue/green deployment that is %s", async (Status) => {
    rds.on(DescribeBlueGreenDeploymentsCommand).resolves({
      BlueGreenDeployments: [{ BlueGreenDeploymentName: "to-18", Source: ARN, Status }],
    });
    expect((await inspect()).refusals).toEqual([expect.stringContaining(`to-18 (${Status})`)]);
  });

  test("the green one, too, and on any page of the answer", async () => {
    rds
      .on(DescribeBlueGreenDeploymentsCommand)
      .resolvesOnce({ BlueGreenDeployments: [], Marker: "more" })
      .resolves({
        BlueGreenDeployments: [{ BlueGreenDeploymentIdentifier: "bgd-1", Target: ARN, Status: "AVAILABLE" }],
      });
    expect((await inspect()).refusals).toEqual([expect.stringContaining("bgd-1")]);
  });

  test("but not for another instance's deployment, nor for one that was switched over", async () => {
    rds.on(DescribeBlueGreenDeploymentsCommand).resolves({
      BlueGreenDeployments: [
        { BlueGreenDeploymentName: "others", Source: `${ARN}-2`, Status: "AVAILABLE" },
        { BlueGreenDeploymentName: "done", Target: ARN, Status: "SWITCHOVER_COMPLETED" },
      ],
    });
    expect((await inspect()).refusals).toEqual([]);
  });
});

describe("obstacles to a restore are found in advance", () => {
  test.each([
    [undefined, true],
    [549, null],
    [550, true],
    [2000, true],
  ])("a maximum of %s GiB with 500 allocated", async (MaxAllocatedStorage, passed) => {
    expect(await checkOf("storage autoscaling", { MaxAllocatedStorage })).toMatchObject({ passed });
  });

  test.each([
    [47, true],
    [48, null],
    [50, null],
  ])("%i tags of production's own", async (count, passed) => {
    const TagList = Array.from({ length: count }, (_, i) => ({ Key: `key-${i}`, Value: "v" }));
    expect(await checkOf("tags", { TagList })).toMatchObject({ passed });
  });

  test.each([
    ["DBInstances", "quota of DB instances", 39, true],
    ["DBInstances", "quota of DB instances", 40, false],
    ["AllocatedStorage", "quota of GiB of storage", 0, false],
    ["ManualSnapshots", "quota of manual snapshots", 39, false],
    ["DBParameterGroups", "quota of parameter groups", 40, false],
  ])("%s: %s, %i of 40 in use", async (AccountQuotaName, name, Used, passed) => {
    rds
      .on(DescribeAccountAttributesCommand)
      .resolves({ AccountQuotas: [{ AccountQuotaName, Used, Max: 40 }] });
    expect(await checkOf(name)).toMatchObject({ passed, seen: `${Used} of 40` });
  });

  test("changes that wait for a reboot or for maintenance", async () => {
    expect(await checkOf("pending changes")).toMatchObject({ passed: true });
    expect(
      await checkOf("pending changes", { PendingModifiedValues: { DBInstanceClass: "db.r7g.xlarge" } }),
    ).toMatchObject({
      passed: null,
      seen: expect.stringContaining("DBInstanceClass"),
    });
    expect(
      await checkOf("pending changes", { PendingModifiedValues: { BackupRetentionPeriod: 0 } }),
    ).toMatchObject({ passed: null, seen: expect.stringContaining("no moment can be restored then") });
    expect(
      await checkOf("pending changes", {
        DBParameterGroups: [{ DBParameterGroupName: "orders-17", ParameterApplyStatus: "pending-reboot" }],
      }),
    ).toMatchObject({ passed: null, seen: expect.stringContaining("wait for a reboot") });
  });

  test("storage that is at work, with its percentage", async () => {
    expect(
      await checkOf("storage at work", {
        StorageOperationStatus: "Optimizing",
        StorageOperationPercentProgress: 12,
      }),
    ).toMatchObject({ passed: null, seen: expect.stringContaining("Optimizing, 12 %") });
  });

  test("how its request differs from staging's", async () => {
    expect(await checkOf("restore of production")).toMatchObject({
      passed: true,
      seen: expect.stringMatching(/DeletionProtection true \(staging: false\)/),
    });
  });

  test("what the time of staging's restore leaves out: with two zones, also the conversion", async () => {
    expect((await inspect()).leavesOut.join("\n")).toContain("Multi-AZ");
    expect((await inspect({ MultiAZ: false })).leavesOut.join("\n")).not.toContain("Multi-AZ");
  });
});

describe("what people need at the gates", () => {
  test("replicas, which a restore leaves with the former instance", async () => {
    const found = await inspect({ ReadReplicaDBInstanceIdentifiers: ["orders-reports"] });
    expect(found.forGates).toEqual([expect.stringContaining("orders-reports")]);
    expect(found.names).toContain("orders-reports");
    expect(found.checks.find(({ name }) => name === "read replicas")).toMatchObject({ passed: null });
  });

  test.each([{ RdsResourceId: "orders" }, { RdsResourceId: "db-PRODUCTION" }, { TargetArn: ARN }])(
    "a proxy in front, by its target %j, and what to do about it after a restore",
    async (target) => {
      rds
        .on(DescribeDBProxiesCommand)
        .resolves({ DBProxies: [{ DBProxyName: "others" }, { DBProxyName: "orders-proxy" }] })
        .on(DescribeDBProxyTargetsCommand)
        .resolves({ Targets: [{ RdsResourceId: "others" }] })
        .on(DescribeDBProxyTargetsCommand, { DBProxyName: "orders-proxy" })
        .resolves({ Targets: [target] });
      const found = await inspect();
      expect(found.forGates).toEqual([expect.stringContaining("RDS Proxy orders-proxy is in front")]);
      expect(found.names).toContain("orders-proxy");
      expect(found.afterRestore).toEqual([expect.stringContaining("orders-proxy")]);
    },
  );

  const ended = (date: string) =>
    rds.on(DescribeDBMajorEngineVersionsCommand, { Engine: "postgres", MajorEngineVersion: "17" }).resolves({
      DBMajorEngineVersions: [
        {
          MajorEngineVersion: "17",
          SupportedEngineLifecycles: [
            {
              LifecycleSupportName: "open-source-rds-standard-support",
              LifecycleSupportStartDate: new Date(0),
              LifecycleSupportEndDate: new Date(date),
            },
          ],
        },
      ],
    });

  test("a version past its support, which a restore upgrades if Extended Support is off", async () => {
    ended("2020-02-29");
    const found = await inspect({ EngineLifecycleSupport: "open-source-rds-extended-support-disabled" });
    expect(found.forGates).toEqual([
      expect.stringMatching(/ended on 2020-02-29: RDS upgrades a restored instance/),
    ]);
  });

  test("or the charges if it is on, and neither while the version is supported", async () => {
    ended("2020-02-29");
    expect(await checkOf("support of the engine")).toMatchObject({
      passed: null,
      seen: expect.stringContaining("charges"),
    });
    ended("2999-12-31");
    expect(await checkOf("support of the engine")).toMatchObject({ passed: true });
  });
});

describe("a question that RDS does not answer", () => {
  test("is left to people, and does not stop a run", async () => {
    rds.on(DescribeBlueGreenDeploymentsCommand).rejects(awsError("AccessDenied"));
    rds.on(DescribeAccountAttributesCommand).rejects(awsError("AccessDenied"));
    rds.on(DescribeDBProxiesCommand).rejects(awsError("AccessDenied"));
    rds.on(DescribeDBMajorEngineVersionsCommand).rejects(awsError("InvalidParameterValue"));
    const { refusals, checks } = await inspect();
    expect(refusals).toEqual([]);
    expect(checks.filter(({ passed }) => passed === null).map(({ name }) => name)).toEqual([
      "blue/green deployments",
      "quotas of RDS",
      "RDS Proxy",
      "support of the engine",
    ]);
  });

  test("passes a throttle through, to be tried again: a throttle is no answer", async () => {
    rds.on(DescribeBlueGreenDeploymentsCommand).rejects(awsError("Throttling"));
    await expect(inspect()).rejects.toMatchObject({ name: "Throttling" });
  });
});
