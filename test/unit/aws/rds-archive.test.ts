import {
  CopyDBClusterSnapshotCommand,
  CopyDBSnapshotCommand,
  DescribeDBClusterSnapshotsCommand,
  DescribeDBSnapshotsCommand,
  DescribeExportTasksCommand,
  RDSClient,
  StartExportTaskCommand,
} from "@aws-sdk/client-rds";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { RdsArchive } from "../../../lambdas/shared/aws/rds-archive.ts";
import { awsError } from "../../support/aws-error.ts";

const home = new RDSClient({ region: "eu-central-1" });
const abroad = new RDSClient({ region: "eu-west-1" });
const [here, there] = [mockClient(home), mockClient(abroad)];
const clientIn = (region?: string) => (region === "eu-west-1" ? abroad : home);

const SNAPSHOT = "sluice-final-1";
const ARN = `arn:aws:rds:eu-central-1:123456789012:snapshot:${SNAPSHOT}`;
const COPY_ARN = `arn:aws:rds:eu-west-1:123456789012:snapshot:${SNAPSHOT}`;
const copyTo = { region: "eu-west-1", kmsKeyArn: "arn:aws:kms:eu-west-1:123456789012:key/copies" };
const exportTo = {
  bucket: "orders-archive",
  kmsKeyArn: "arn:aws:kms:eu-central-1:123456789012:key/exports",
  roleArn: "arn:aws:iam::123456789012:role/export",
};
const tags = { "sluice:run": "r", "sluice:keep-until": "2027-11-03" };
const copying = new RdsArchive(clientIn, { copyTo });
const exporting = new RdsArchive(clientIn, { exportTo });

beforeEach(() => {
  here.reset();
  there.reset();
  here
    .on(DescribeDBSnapshotsCommand)
    .resolves({ DBSnapshots: [{ DBSnapshotArn: ARN, Status: "available" }] });
});

test("if nothing is requested, nothing is begun", async () => {
  expect(await new RdsArchive(clientIn, {}).start(SNAPSHOT, tags)).toEqual([]);
});

test("a missing snapshot is final", async () => {
  here.on(DescribeDBSnapshotsCommand).rejects(awsError("DBSnapshotNotFoundFault"));
  await expect(copying.start(SNAPSHOT, tags)).rejects.toMatchObject({ name: "FleetFailed" });
});

describe("a copy in another Region", () => {
  const absentThenCreating = () =>
    there
      .on(DescribeDBSnapshotsCommand)
      .rejectsOnce(awsError("DBSnapshotNotFoundFault"))
      .resolves({ DBSnapshots: [{ DBSnapshotArn: COPY_ARN, Status: "creating" }] });

  test("is requested there, by the snapshot's ARN, with a key of that Region and the run's tags", async () => {
    absentThenCreating();
    there.on(CopyDBSnapshotCommand).resolves({});
    expect(await copying.start(SNAPSHOT, tags)).toEqual([
      { kind: "copy", where: "Region eu-west-1", id: COPY_ARN, status: "pending", statusText: "creating" },
    ]);
    expect(there.commandCalls(CopyDBSnapshotCommand).map((call) => call.args[0].input)).toEqual([
      {
        SourceDBSnapshotIdentifier: ARN,
        TargetDBSnapshotIdentifier: SNAPSHOT,
        KmsKeyId: copyTo.kmsKeyArn,
        Tags: [
          { Key: "sluice:run", Value: "r" },
          { Key: "sluice:keep-until", Value: "2027-11-03" },
        ],
      },
    ]);
    expect(here.commandCalls(CopyDBSnapshotCommand)).toEqual([]);
  });

  test("is not requested again if it exists", async () => {
    there
      .on(DescribeDBSnapshotsCommand)
      .resolves({ DBSnapshots: [{ DBSnapshotArn: COPY_ARN, Status: "available" }] });
    expect(await copying.start(SNAPSHOT, tags)).toMatchObject([{ status: "complete" }]);
    expect(there.commandCalls(CopyDBSnapshotCommand)).toEqual([]);
  });

  test("counts as begun if another worker began it at the same moment", async () => {
    absentThenCreating();
    there.on(CopyDBSnapshotCommand).rejects(awsError("DBSnapshotAlreadyExistsFault"));
    expect(await copying.start(SNAPSHOT, tags)).toMatchObject([{ status: "pending" }]);
  });

  test("is reported as failed if it failed", async () => {
    there.on(DescribeDBSnapshotsCommand).resolves({ DBSnapshots: [{ Status: "failed" }] });
    expect(await copying.start(SNAPSHOT, tags)).toMatchObject([{ status: "failed", statusText: "failed" }]);
  });

  test("that is refused reports what was tried and what helps", async () => {
    absentThenCreating();
    there.on(CopyDBSnapshotCommand).rejects(awsError("KMSKeyNotAccessibleFault"));
    await expect(copying.start(SNAPSHOT, tags)).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringContaining("copy sluice-final-1 to eu-west-1: KMSKeyNotAccessible"),
    });
  });
});

describe("an export to a bucket", () => {
  const absentThen = (task: object) =>
    here
      .on(DescribeExportTasksCommand)
      .rejectsOnce(awsError("ExportTaskNotFoundFault"))
      .resolves({ ExportTasks: [task] });

  test("is requested with its role and its key, under the snapshot's name", async () => {
    absentThen({ Status: "STARTING" });
    here.on(StartExportTaskCommand).resolves({});
    expect(await exporting.start(SNAPSHOT, tags)).toEqual([
      {
        kind: "export",
        where: "bucket orders-archive",
        id: SNAPSHOT,
        status: "pending",
        statusText: "STARTING",
      },
    ]);
    expect(here.commandCalls(StartExportTaskCommand).map((call) => call.args[0].input)).toEqual([
      {
        ExportTaskIdentifier: SNAPSHOT,
        SourceArn: ARN,
        S3BucketName: "orders-archive",
        IamRoleArn: exportTo.roleArn,
        KmsKeyId: exportTo.kmsKeyArn,
      },
    ]);
  });

  test("is not requested again if it exists", async () => {
    here.on(DescribeExportTasksCommand).resolves({ ExportTasks: [{ Status: "COMPLETE" }] });
    expect(await exporting.start(SNAPSHOT, tags)).toMatchObject([{ status: "complete" }]);
    expect(here.commandCalls(StartExportTaskCommand)).toEqual([]);
  });

  test("reports why it failed", async () => {
    here
      .on(DescribeExportTasksCommand)
      .resolves({ ExportTasks: [{ Status: "FAILED", FailureCause: "the bucket is gone" }] });
    expect(await exporting.start(SNAPSHOT, tags)).toMatchObject([
      { status: "failed", statusText: "FAILED: the bucket is gone" },
    ]);
  });

  test("counts as begun if another worker began it at the same moment", async () => {
    absentThen({ Status: "IN_PROGRESS" });
    here.on(StartExportTaskCommand).rejects(awsError("ExportTaskAlreadyExistsFault"));
    expect(await exporting.start(SNAPSHOT, tags)).toMatchObject([{ status: "pending" }]);
  });
});

describe("of a cluster", () => {
  const OF_CLUSTER = ARN.replace(":snapshot:", ":cluster-snapshot:");
  beforeEach(() => {
    here
      .on(DescribeDBClusterSnapshotsCommand)
      .resolves({ DBClusterSnapshots: [{ DBClusterSnapshotArn: OF_CLUSTER, Status: "available" }] });
  });

  test("a copy is requested by the call for cluster snapshots", async () => {
    there
      .on(DescribeDBClusterSnapshotsCommand)
      .rejectsOnce(awsError("DBClusterSnapshotNotFoundFault"))
      .resolves({ DBClusterSnapshots: [{ DBClusterSnapshotArn: "arn:copy", Status: "copying" }] });
    there.on(CopyDBClusterSnapshotCommand).resolves({});
    expect(await new RdsArchive(clientIn, { copyTo }, "cluster").start(SNAPSHOT, tags)).toMatchObject([
      { kind: "copy", id: "arn:copy", status: "pending", statusText: "copying" },
    ]);
    expect(there.commandCalls(CopyDBClusterSnapshotCommand)[0]?.args[0].input).toMatchObject({
      SourceDBClusterSnapshotIdentifier: OF_CLUSTER,
      TargetDBClusterSnapshotIdentifier: SNAPSHOT,
      KmsKeyId: copyTo.kmsKeyArn,
    });
    expect(there.commandCalls(CopyDBSnapshotCommand)).toEqual([]);
  });

  test("an export is of the cluster snapshot", async () => {
    here.on(DescribeExportTasksCommand).resolves({ ExportTasks: [] }).on(StartExportTaskCommand).resolves({});
    await new RdsArchive(clientIn, { exportTo }, "cluster").start(SNAPSHOT, tags);
    expect(here.commandCalls(StartExportTaskCommand)[0]?.args[0].input).toMatchObject({
      SourceArn: OF_CLUSTER,
    });
  });
});
