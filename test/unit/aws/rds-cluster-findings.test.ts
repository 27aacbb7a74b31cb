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
import { productionCluster, productionMembers } from "../../support/rds-cluster.ts";

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

async function inspect(more: Partial<DBCluster> = {}, how = CLONES, members = productionMembers) {
  rds
    .on(DescribeDBClustersCommand)
    .resolves({ DBClusters: [{ ...productionCluster, DBClusterMembers: placesOf(members), ...more }] });
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

describe("a cluster that no run works on is refused by name", () => {
  test.each<[string, Partial<DBCluster>, RegExp]>([
    ["Aurora MySQL", { Engine: "aurora-mysql" }, /Aurora MySQL .*not PostgreSQL/],
    ["Neptune", { Engine: "neptune" }, /Neptune/],
    ["a Multi-AZ DB cluster", { Engine: "postgres" }, /Multi-AZ DB cluster/],
    ["Limitless, by its kind", { ClusterScalabilityType: "limitless" }, /Limitless/],
    ["Limitless, by its version", { EngineVersion: "16.6-limitless" }, /Limitless/],
    ["Limitless, by its status", { LimitlessDatabase: { Status: "active" } }, /Limitless/],
    ["Serverless v1", { EngineMode: "serverless" }, /Aurora Serverless v1/],
    ["an engine mode of tomorrow", { EngineMode: "another" }, /engine mode another/],
    ["a member of a global database", { GlobalClusterIdentifier: "world" }, /global database world/],
    ["a replica", { ReplicationSourceIdentifier: "arn:source" }, /replica of arn:source/],
    ["one without instances", { DBClusterMembers: [] }, /has no writer/],
  ])("%s", async (_, more, text) => {
    const { refusals } = await inspect(more);
    expect(refusals).toEqual([expect.stringMatching(text)]);
    // Nothing else is asked about it.
    expect(rds.commandCalls(DescribeAccountAttributesCommand)).toEqual([]);
  });

  test("one with an instance that the roles may not rename, with all that the settings must name", async () => {
    const [writer] = productionMembers;
    const members = [...productionMembers, { ...writer, DBInstanceIdentifier: "reports" }];
    const { refusals } = await inspect({}, CLONES, members);
    expect(refusals).toEqual([expect.stringContaining("reports")]);
    expect(refusals[0]).toContain("orders-1, orders-2, reports");
    const named = { ...CLONES, members: ["orders-1", "orders-2", "reports"] };
    expect((await inspect({}, named, members)).refusals).toEqual([]);
  });

  test.each([undefined, "not-in-use", "disabled"] as const)(
    "but not one whose Limitless is %s",
    async (Status) => {
      const limitless = Status === undefined ? {} : { LimitlessDatabase: { Status } };
      expect((await inspect(limitless as Partial<DBCluster>)).refusals).toEqual([]);
    },
  );
});

describe("what a run has to know of a cluster", () => {
  test("which of the two ways of copying the rehearsal tests", async () => {
    const seen = async (how: RunCluster) =>
      (await inspect({}, how)).checks.find(({ name }) => name === "copies")?.seen;
    expect(await seen(CLONES)).toMatch(/staging is made from a clone .* tests no backup/);
    expect(await seen({ staging: "snapshot", backup: "snapshot" })).toMatch(/tests a backup/);
    expect((await inspect()).forGates.join()).toContain("tests no backup");
  });

  test("that a restore from a snapshot was not measured where staging was cloned", async () => {
    const { leavesOut } = await inspect({}, { staging: "clone", backup: "snapshot" });
    expect(leavesOut.join()).toContain("cluster snapshot");
    expect((await inspect()).leavesOut.join()).not.toContain("cluster snapshot");
  });

  test.each<[string, Partial<DBCluster>]>([
    ["custom endpoints", { CustomEndpoints: ["reports.cluster-custom-1"] }],
    ["replicas in other clusters and Regions", { ReadReplicaIdentifiers: ["arn:replica"] }],
    ["activity stream", { ActivityStreamStatus: "started", ActivityStreamKinesisStreamName: "s" }],
    ["Data API", { HttpEndpointEnabled: true }],
  ])("that a restore leaves %s behind", async (name, more) => {
    const { checks, forGates } = await inspect(more);
    expect(checks.find((check) => check.name === name)).toMatchObject({ passed: null });
    expect(forGates.join()).toContain(`with the former cluster: ${name}`);
  });

  test("quotas of clusters, which a run takes two of", async () => {
    const { checks } = await inspect();
    expect(checks.find(({ name }) => name === "quota of DB clusters")).toMatchObject({
      passed: false,
      expected: "room for 2 more",
    });
  });

  test("in what staging's requests differ from production's", async () => {
    const { checks } = await inspect();
    const { seen } = checks.find(({ name }) => name === "restore of production") ?? {};
    expect(seen).toContain("DeletionProtection true (staging: false)");
    expect(seen).toContain("MonitoringInterval 60 (staging: not given)");
    expect(seen).not.toContain("ServerlessV2ScalingConfiguration");
  });
});
