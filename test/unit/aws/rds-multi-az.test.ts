import { RDSClient } from "@aws-sdk/client-rds";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { RdsClusterInstances } from "../../../lambdas/shared/aws/rds-clusters.ts";
import { asideName, quietName, snapshotName, stagingName } from "../../../lambdas/shared/names.ts";
import type { InstanceSettings, PointInTime, RestorePurpose } from "../../../lambdas/shared/ports.ts";
import { answerBy, until } from "../../support/rds-answering.ts";
import { multiAzCluster, multiAzMembers } from "../../support/rds-cluster.ts";
import { RdsClusters, RdsRefusal } from "../../support/rds-clusters.ts";

const rds = mockClient(RDSClient);
const client = new RDSClient({ region: "eu-central-1" });
const TAGS = { "sluice:run": "r" };
const [FINAL, REHEARSAL] = [snapshotName("r", "final"), snapshotName("r", "rehearsal")];
const [STAGING, ASIDE] = [stagingName("r"), asideName("orders", "r")];

let environment: RdsClusters;
const instances = new RdsClusterInstances(client, "orders", { staging: "snapshot", backup: "snapshot" });

beforeEach(() => {
  rds.reset();
  environment = new RdsClusters();
  environment.adopt(multiAzCluster, multiAzMembers, "production");
  answerBy(rds, environment);
});

const inputs = (action: string) =>
  environment.calls.filter((call) => call.action === action).map(({ input }) => input);
// As evidence stores them: through JSON.
const likeOf = async () =>
  JSON.parse(JSON.stringify((await instances.describe("orders"))?.settings)) as InstanceSettings;

const available = (name: string) =>
  until(async () => (await instances.describe(name))?.status === "available");

async function snapshotTaken(name: string): Promise<void> {
  await instances.startSnapshot(name, "orders", TAGS);
  await until(async () => (await instances.describeSnapshot(name))?.status === "available");
}

async function restored(name: string, like: InstanceSettings, purpose: RestorePurpose, from: string) {
  await until(async () => {
    const found = await instances.describe(name);
    if (!found) await instances.startRestore(from, name, like, purpose, TAGS);
    else if (found.status === "pending") await instances.continueRestore(name, like, purpose, TAGS);
    return found?.status === "available";
  });
}

async function movedAside(): Promise<void> {
  await until(async () => {
    const former = await instances.describe(ASIDE);
    if (!former && (await instances.describe("orders"))) await instances.startRename("orders", ASIDE);
    return former?.status === "available";
  });
}

/** RDS lets one of its instances be rebooted, and permits nothing else. */
function expectInstancesLeftAlone(): void {
  for (const action of ["CreateDBInstance", "ModifyDBInstance", "DeleteDBInstance"])
    expect([action, inputs(action)]).toEqual([action, []]);
}

describe("a Multi-AZ DB cluster", () => {
  test("is described with the settings of all its instances", async () => {
    const found = await instances.describe("orders");
    expect(found).toMatchObject({
      status: "available",
      endpoint: { host: multiAzCluster.Endpoint, port: 5433 },
      settings: {
        storageType: "io2",
        multiAz: { instanceClass: "db.r6gd.large", iops: 3000, monitoring: { seconds: 60 } },
      },
    });
  });

  test("is staged from a snapshot with its class, its storage and its IOPS; RDS makes the instances, and removes them", async () => {
    const like = { ...(await likeOf()), clusterParameterGroup: quietName("r") };
    await snapshotTaken(REHEARSAL);
    await restored(STAGING, like, "staging", REHEARSAL);
    expect(inputs("RestoreDBClusterFromSnapshot")).toMatchObject([
      {
        DBClusterIdentifier: STAGING,
        Engine: "postgres",
        DBClusterInstanceClass: "db.r6gd.large",
        StorageType: "io2",
        Iops: 3000,
        DBClusterParameterGroupName: quietName("r"),
        PubliclyAccessible: false,
        MonitoringInterval: undefined,
        EnablePerformanceInsights: undefined,
      },
    ]);
    const given = await until(async () => {
      const now = await instances.finishRestore(STAGING, like, "staging");
      return now.changing ? undefined : now;
    });
    expect(given).toEqual({ changing: false, refused: [], underWay: [] });
    await until(async () => {
      await instances.startDelete(STAGING);
      return (await instances.describe(STAGING)) === undefined;
    });
    expectInstancesLeftAlone();
    expect([...environment.members.keys()]).toEqual([
      "orders-instance-1",
      "orders-instance-2",
      "orders-instance-3",
    ]);
  });

  test("goes back from its snapshot under its own name, while the former one's instances keep theirs", async () => {
    const like = await likeOf();
    await snapshotTaken(FINAL);
    await movedAside();
    await restored("orders", like, "production", FINAL);
    const given = await until(async () => {
      const now = await instances.finishRestore("orders", like, "production");
      return now.changing ? undefined : now;
    });
    expect(given).toEqual({ changing: false, refused: [], underWay: [] });
    expect(await instances.describe("orders")).toMatchObject({ endpoint: { host: multiAzCluster.Endpoint } });
    expect(environment.clusters.get("orders")?.db).toMatchObject({
      DBClusterParameterGroup: "orders-multi-az-17",
      StorageType: "io2",
      Iops: 3000,
      MonitoringInterval: 60,
      PerformanceInsightsEnabled: true,
      AutoMinorVersionUpgrade: false,
      CertificateDetails: { CAIdentifier: "rds-ca-rsa2048-g1" },
      DeletionProtection: true,
    });
    expectInstancesLeftAlone();
  });

  test("goes back to a moment by a full copy of the cluster that was moved aside", async () => {
    const like = await likeOf();
    await movedAside();
    const point: PointInTime = {
      name: "m",
      instance: "orders",
      aside: ASIDE,
      identity: "cluster-PRODUCTION",
      moment: { at: "2026-11-29T09:59:00Z", lsn: null, timeline: null },
    };
    await instances.moments.startRestore(point, "orders", like, "production", TAGS);
    await available("orders");
    expect(inputs("RestoreDBClusterToPointInTime")).toMatchObject([
      { SourceDBClusterIdentifier: ASIDE, RestoreType: "full-copy", DBClusterInstanceClass: "db.r6gd.large" },
    ]);
    expectInstancesLeftAlone();
  });

  test("that was moved aside is kept still by the cluster's own group and one reboot of the cluster", async () => {
    await movedAside();
    await until(() => instances.quieten(ASIDE, quietName("r")));
    expect(inputs("RebootDBCluster")).toEqual([{ DBClusterIdentifier: ASIDE }]);
    expectInstancesLeftAlone();
  });

  test("whose kind of storage is refused at the restore gets it afterwards, with its IOPS", async () => {
    const like = await likeOf();
    await snapshotTaken(FINAL);
    await movedAside();
    environment.refuse = (action, { StorageType: type }) => {
      if (action === "RestoreDBClusterFromSnapshot" && type !== undefined)
        throw new RdsRefusal("StorageTypeNotSupported", "io1 alone");
    };
    const begun = await instances.startRestore(FINAL, "orders", like, "production", TAGS);
    expect(begun).toEqual({ without: ["the kind of storage: StorageTypeNotSupported: io1 alone"] });
    await available("orders");
    await until(async () => !(await instances.finishRestore("orders", like, "production")).changing);
    expect(inputs("ModifyDBCluster").filter(({ StorageType: type }) => type !== undefined)).toMatchObject([
      { StorageType: "io2", Iops: 3000 },
    ]);
  });
});
