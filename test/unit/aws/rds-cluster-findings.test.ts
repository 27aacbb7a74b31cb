import {
  type DBCluster,
  type DBInstance,
  DescribeAccountAttributesCommand,
  DescribeBlueGreenDeploymentsCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  DescribeDBMajorEngineVersionsCommand,
  DescribeDBProxiesCommand,
  RDSClient,
} from "@aws-sdk/client-rds";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { RdsClusterInstances } from "../../../lambdas/shared/aws/rds-clusters.ts";
import type { RunCluster } from "../../../lambdas/shared/settings.ts";
import {
  multiAzCluster,
  multiAzMembers,
  productionCluster,
  productionMembers,
} from "../../support/rds-cluster.ts";

const rds = mockClient(RDSClient);
const client = new RDSClient({ region: "eu-central-1" });
const RUN = { "sluice:run": "r", "sluice:purpose": "final", "sluice:keep-until": "" };
const CLONES: RunCluster = { staging: "clone", backup: "clone" };

const placesOf = (members: readonly DBInstance[]) =>
  members.map(({ DBInstanceIdentifier }, at) => ({
    DBInstanceIdentifier,
    IsClusterWriter: at === 0,
    DBClusterParameterGroupStatus: "in-sync",
  }));

async function inspect(
  more: Partial<DBCluster> = {},
  how = CLONES,
  members = productionMembers,
  group: DBCluster[] = [],
) {
  const production = { ...productionCluster, DBClusterMembers: placesOf(members), ...more };
  rds
    .on(DescribeDBClustersCommand)
    .callsFake(({ Filters: filters }) => ({ DBClusters: filters ? group : [production] }));
  rds.on(DescribeDBInstancesCommand).callsFake(({ DBInstanceIdentifier: id }) => ({
    DBInstances: members.filter((one) => one.DBInstanceIdentifier === id),
  }));
  return await new RdsClusterInstances(client, "orders", how).inspect("orders", RUN);
}

beforeEach(() => {
  rds.reset();
  rds
    .on(DescribeBlueGreenDeploymentsCommand)
    .resolves({ BlueGreenDeployments: [] })
    .on(DescribeAccountAttributesCommand)
    .resolves({ AccountQuotas: [{ AccountQuotaName: "DBClusters", Used: 39, Max: 40 }] })
    .on(DescribeDBProxiesCommand)
    .resolves({ DBProxies: [] })
    .on(DescribeDBMajorEngineVersionsCommand)
    .resolves({ DBMajorEngineVersions: [] });
});

describe("a cluster that no run supports is refused by name", () => {
  test.each<[string, Partial<DBCluster>, RegExp]>([
    ["Aurora MySQL", { Engine: "aurora-mysql" }, /Aurora MySQL .*not PostgreSQL/],
    ["Neptune", { Engine: "neptune" }, /Neptune/],
    [
      "a Multi-AZ DB cluster that is to be cloned",
      { Engine: "postgres" },
      /Multi-AZ DB cluster .* no clones: set database\.staging and backup to snapshot/,
    ],
    ["Limitless, by its kind", { ClusterScalabilityType: "limitless" }, /Limitless/],
    ["Limitless, by its version", { EngineVersion: "16.6-limitless" }, /Limitless/],
    ["Limitless, by its status", { LimitlessDatabase: { Status: "active" } }, /Limitless/],
    ["Serverless v1", { EngineMode: "serverless" }, /Aurora Serverless v1/],
    ["an unknown engine mode", { EngineMode: "another" }, /engine mode another/],
    ["a member of a global database", { GlobalClusterIdentifier: "world" }, /global database world/],
    ["a replica", { ReplicationSourceIdentifier: "arn:source" }, /replica of arn:source/],
    ["one without instances", { DBClusterMembers: [] }, /has no writer/],
  ])("%s", async (_, more, text) => {
    const { refusals } = await inspect(more);
    expect(refusals).toEqual([expect.stringMatching(text)]);
    // RDS gets no further question about it.
    expect(rds.commandCalls(DescribeAccountAttributesCommand)).toEqual([]);
  });

  test("an instance that the roles may not rename, with everything that the settings must name", async () => {
    const [writer] = productionMembers;
    const members = [...productionMembers, { ...writer, DBInstanceIdentifier: "reports" }];
    const { refusals } = await inspect({}, CLONES, members);
    expect(refusals).toEqual([expect.stringContaining("reports")]);
    expect(refusals[0]).toContain("orders-1, orders-2, reports");
    const named = { ...CLONES, members: ["orders-1", "orders-2", "reports"] };
    expect((await inspect({}, named, members)).refusals).toEqual([]);
  });

  test.each([undefined, "not-in-use", "disabled"] as const)(
    "but not a cluster whose Limitless is %s",
    async (Status) => {
      const limitless = Status === undefined ? {} : { LimitlessDatabase: { Status } };
      expect((await inspect(limitless as Partial<DBCluster>)).refusals).toEqual([]);
    },
  );
});

describe("a Multi-AZ DB cluster", () => {
  const SNAPSHOTS: RunCluster = { staging: "snapshot", backup: "snapshot" };
  const inspectIt = (how = SNAPSHOTS, members = multiAzMembers) => inspect(multiAzCluster, how, members);

  test("is supported without clones, and RDS manages its instances", async () => {
    const { refusals, forGates, names, leavesOut, checks } = await inspectIt();
    expect(refusals).toEqual([]);
    expect(names).toEqual(["orders", "orders-instance-2", "orders-instance-3"]);
    expect(forGates.join()).toContain("RDS creates new ones together with the writer");
    expect(leavesOut.join()).not.toContain("Creating the readers");
    expect(checks.find(({ name }) => name === "clones")).toBeUndefined();
    expect(checks.find(({ name }) => name === "restore of production")?.seen).toContain(
      "MonitoringInterval 60 (staging: not given)",
    );
  });

  test("is refused with a list of its instances, which a restore names differently", async () => {
    const { refusals } = await inspectIt({ ...SNAPSHOTS, members: ["orders-instance-1"] });
    expect(refusals).toEqual([expect.stringContaining("Remove database.members")]);
  });

  test("is refused if its final snapshot is to be copied, which RDS does not do", async () => {
    await inspectIt();
    const instances = new RdsClusterInstances(client, "orders", SNAPSHOTS, true);
    expect((await instances.inspect("orders", RUN)).refusals).toEqual([
      expect.stringContaining("Remove backup.copyTo"),
    ]);
  });

  test("is refused with instances that were named after another cluster", async () => {
    const [first, ...others] = multiAzMembers;
    const members = [{ ...first, DBInstanceIdentifier: "former-instance-1" }, ...others];
    const { refusals } = await inspectIt(SNAPSHOTS, members);
    expect(refusals).toEqual([expect.stringMatching(/former-instance-1.*Rename the cluster/)]);
  });
});

describe("what a run needs from a cluster", () => {
  test("which of the two ways of copying the rehearsal tests", async () => {
    const seen = async (how: RunCluster) =>
      (await inspect({}, how)).checks.find(({ name }) => name === "copies")?.seen;
    expect(await seen(CLONES)).toMatch(/staging is made from a clone .* tests no backup/);
    expect(await seen({ staging: "snapshot", backup: "snapshot" })).toMatch(/tests a backup/);
    expect((await inspect()).forGates.join()).toContain("tests no backup");
  });

  test("that a restore from a snapshot was not measured if staging was cloned", async () => {
    const { leavesOut } = await inspect({}, { staging: "clone", backup: "snapshot" });
    expect(leavesOut.join()).toContain("cluster snapshot");
    expect((await inspect()).leavesOut.join()).not.toContain("cluster snapshot");
  });

  test.each<[string, Partial<DBCluster>, own?: string]>([
    ["custom endpoints", { CustomEndpoints: ["reports.cluster-custom-1"] }, "reports.cluster-custom-1"],
    ["replicas in other clusters and Regions", { ReadReplicaIdentifiers: ["arn:replica"] }, "arn:replica"],
    ["activity stream", { ActivityStreamStatus: "started", ActivityStreamKinesisStreamName: "s" }, "s"],
    ["Data API", { HttpEndpointEnabled: true }],
  ])("that a restore leaves %s behind", async (name, more, own) => {
    const { checks, forGates, names } = await inspect(more);
    if (own !== undefined) expect(names).toContain(own);
    expect(checks.find((check) => check.name === name)).toMatchObject({ passed: null });
    expect(forGates.join()).toContain(`stay with the former cluster: ${name}`);
  });

  test("the quota of clusters: a run needs two", async () => {
    const { checks } = await inspect();
    expect(checks.find(({ name }) => name === "quota of DB clusters")).toMatchObject({
      passed: false,
      expected: "room for 2 more",
    });
  });

  describe("how many clones already share production's storage", () => {
    const group = { CloneGroupId: "group" };
    const clonesWith = async (others: number, how = CLONES, more: Partial<DBCluster> = group) => {
      const { checks } = await inspect(more, how, productionMembers, [
        { ...productionCluster, ...group },
        ...Array.from({ length: others }, (_, at) => ({
          DBClusterIdentifier: `sluice-final-${at}`,
          DbClusterResourceId: `cluster-${at}`,
          ...group,
        })),
      ]);
      return checks.find(({ name }) => name === "clones");
    };

    test("none if it has no clone group", async () => {
      expect(await clonesWith(3, CLONES, {})).toMatchObject({ passed: true, seen: "none" });
    });

    test("with room for the run's own", async () => {
      expect(await clonesWith(13)).toMatchObject({
        passed: true,
        seen: expect.stringContaining("13: sluice-final-0"),
      });
    });

    test("and too many for the run's two, with what to delete or set", async () => {
      const check = await clonesWith(14);
      expect(check).toMatchObject({
        passed: false,
        expected: expect.stringContaining("room for 2 more of the 15"),
      });
      expect(check?.mend).toMatch(/sluice:keep-until.* set database\.staging and backup to snapshot/);
      expect(await clonesWith(14, { staging: "clone", backup: "snapshot" })).toMatchObject({ passed: true });
      expect(await clonesWith(15, { staging: "snapshot", backup: "clone" })).toMatchObject({
        passed: false,
        mend: expect.stringContaining("set backup to snapshot"),
      });
    });

    test("which is not requested if the run makes no clones", async () => {
      expect(await clonesWith(15, { staging: "snapshot", backup: "snapshot" })).toBeUndefined();
    });
  });

  test("how staging's requests differ from production's", async () => {
    const { checks } = await inspect();
    const { seen } = checks.find(({ name }) => name === "restore of production") ?? {};
    expect(seen).toContain("DeletionProtection true (staging: false)");
    expect(seen).toContain("MonitoringInterval 60 (staging: not given)");
    expect(seen).not.toContain("ServerlessV2ScalingConfiguration");
  });
});
