import {
  type DBCluster,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  RDSClient,
} from "@aws-sdk/client-rds";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { lookUp } from "../../../local/look-up.ts";
import { awsError } from "../../support/aws-error.ts";
import { multiAzCluster, productionCluster, productionMembers } from "../../support/rds-cluster.ts";
import { productionInstance } from "../../support/rds-instance.ts";

const rds = mockClient(RDSClient);
const REGION = "eu-central-1";
const VPC = { VpcId: "vpc-0ab1" };

beforeEach(() => rds.reset());

describe("an instance", () => {
  test("is shown as AWS describes it, with its database and its network", async () => {
    const db = { ...productionInstance, DBName: "shop", DBSubnetGroup: VPC };
    rds.on(DescribeDBInstancesCommand).resolves({ DBInstances: [db] });
    expect(await lookUp("instance", "orders", REGION)).toMatchObject({
      says: [expect.stringMatching(/^Found: orders, postgres /)],
      database: "shop",
      vpc: "vpc-0ab1",
      mistake: undefined,
    });
  });

  test("that is in a cluster is a mistake, and the cluster is named", async () => {
    rds.on(DescribeDBInstancesCommand).resolves({ DBInstances: productionMembers.slice(0, 1) });
    const { mistake } = await lookUp("instance", "orders-1", REGION);
    expect(mistake).toMatch(/a member of the Aurora cluster orders.* Set database\.cluster to orders/);
  });

  test("that does not exist is a mistake, which names the Region", async () => {
    rds.on(DescribeDBInstancesCommand).rejects(awsError("DBInstanceNotFound"));
    const { mistake } = await lookUp("instance", "orders", REGION);
    expect(mistake).toBe("there is no instance orders in eu-central-1");
  });
});

describe("a cluster", () => {
  function there(more: Partial<DBCluster> = {}, ids = ["orders-1", "orders-2"]) {
    const members = ids.map((DBInstanceIdentifier) => ({
      ...productionMembers[0],
      DBInstanceIdentifier,
      DBSubnetGroup: VPC,
    }));
    const places = ids.map((DBInstanceIdentifier, at) => ({
      DBInstanceIdentifier,
      IsClusterWriter: at === 0,
    }));
    rds.on(DescribeDBClustersCommand).resolves({
      DBClusters: [{ ...productionCluster, DatabaseName: "shop", DBClusterMembers: places, ...more }],
    });
    rds.on(DescribeDBInstancesCommand).callsFake(({ DBInstanceIdentifier: id }) => ({
      DBInstances: members.filter((one) => one.DBInstanceIdentifier === id),
    }));
  }

  test("is shown with its instances, its database, and its writer's network", async () => {
    there();
    const found = await lookUp("cluster", "orders", REGION);
    expect(found).toEqual({
      says: [
        expect.stringMatching(
          /^Found: orders, aurora-postgresql 17\.4, available, with orders-1, orders-2\.$/,
        ),
      ],
      mistake: undefined,
      database: "shop",
      vpc: "vpc-0ab1",
    });
  });

  test("with an instance whose name does not begin with the cluster's gets all instances listed", async () => {
    there({}, ["orders-1", "reports"]);
    expect(await lookUp("cluster", "orders", REGION)).toMatchObject({
      members: ["orders-1", "reports"],
      mistake: undefined,
    });
  });

  test.each<[string, Partial<DBCluster>, RegExp]>([
    ["of another engine", { Engine: "aurora-mysql" }, /Aurora MySQL/],
    ["of a global database", { GlobalClusterIdentifier: "world" }, /global database world/],
  ])("%s is a mistake, in the words of a run's refusal", async (_, more, said) => {
    there(more);
    expect((await lookUp("cluster", "orders", REGION)).mistake).toMatch(said);
  });

  test("that is a Multi-AZ DB cluster is staged from a snapshot, and its instances are not listed", async () => {
    there(multiAzCluster, ["orders-instance-1"]);
    const found = await lookUp("cluster", "orders", REGION);
    expect(found).toMatchObject({ staging: "snapshot", mistake: undefined });
    expect(found.members).toBeUndefined();
  });

  test("that does not exist is a mistake", async () => {
    rds.on(DescribeDBClustersCommand).rejects(awsError("DBClusterNotFoundFault"));
    expect((await lookUp("cluster", "orders", REGION)).mistake).toBe(
      "there is no cluster orders in eu-central-1",
    );
  });
});

test("if AWS refuses the look-up, its reason is shown, and the answer is no mistake", async () => {
  rds.on(DescribeDBInstancesCommand).rejects(awsError("AccessDenied", { message: "not for you" }));
  const found = await lookUp("instance", "orders", REGION);
  expect(found.mistake).toBeUndefined();
  expect(found.says.join()).toMatch(/^orders was not looked up: .*not for you/);
});
