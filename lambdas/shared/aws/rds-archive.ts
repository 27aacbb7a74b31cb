import {
  CopyDBClusterSnapshotCommand,
  CopyDBSnapshotCommand,
  DescribeDBClusterSnapshotsCommand,
  DescribeDBSnapshotsCommand,
  DescribeExportTasksCommand,
  type RDSClient,
  StartExportTaskCommand,
} from "@aws-sdk/client-rds";
import { ErrorName, SluiceError } from "../errors.ts";
import type { Archive, ArchivedSnapshot, Tags } from "../ports.ts";
import type { RunSettings } from "../settings.ts";
import { attempt, look, tagList } from "./rds-calls.ts";
import { snapshotStatus } from "./rds-status.ts";

/** Destinations from the settings, and the role that RDS writes exports with. */
export interface Places {
  copyTo?: RunSettings["copyTo"];
  exportTo?: (NonNullable<RunSettings["exportTo"]> & { roleArn: string }) | undefined;
}

/** Instances and clusters have separate calls to describe and copy snapshots; one call exports both. */
export type SnapshotsOf = "instance" | "cluster";

interface Described {
  arn: string | undefined;
  status: string | undefined;
}

/** Copies of a snapshot to another Region and exports to a bucket, both made by RDS. */
export class RdsArchive implements Archive {
  /** @param clientIn returns a client for that Region; without a Region, for the instance's own */
  constructor(
    private readonly clientIn: (region?: string) => RDSClient,
    private readonly places: Places,
    private readonly of: SnapshotsOf = "instance",
  ) {}

  async start(snapshot: string, tags: Tags): Promise<ArchivedSnapshot[]> {
    const { copyTo, exportTo } = this.places;
    const source = await this.describe(snapshot);
    if (!source?.arn)
      throw new SluiceError(
        ErrorName.FleetFailed,
        `Snapshot ${snapshot} does not exist, so it cannot be copied or exported.`,
      );
    return [
      ...(copyTo ? [await this.copy(snapshot, source.arn, copyTo, tags)] : []),
      ...(exportTo ? [await this.export(snapshot, source.arn, exportTo)] : []),
    ];
  }

  private async copy(
    snapshot: string,
    arn: string,
    { region, kmsKeyArn }: NonNullable<Places["copyTo"]>,
    tags: Tags,
  ): Promise<ArchivedSnapshot> {
    let copy = await this.describe(snapshot, region);
    if (!copy) {
      await attempt(
        `copy ${snapshot} to ${region}`,
        ["DBSnapshotAlreadyExists", "DBClusterSnapshotAlreadyExists"],
        () => this.sendCopy(snapshot, arn, region, { KmsKeyId: kmsKeyArn, Tags: tagList(tags) }),
      );
      copy = await this.describe(snapshot, region);
    }
    const statusText = copy?.status ?? "creating";
    const status = snapshotStatus(statusText);
    return {
      kind: "copy",
      where: `Region ${region}`,
      id: copy?.arn ?? snapshot,
      status: status === "available" ? "complete" : status,
      statusText,
    };
  }

  private async export(
    snapshot: string,
    arn: string,
    { bucket, kmsKeyArn, roleArn }: NonNullable<Places["exportTo"]>,
  ): Promise<ArchivedSnapshot> {
    let task = await this.describeExport(snapshot);
    if (!task) {
      await attempt(`export ${snapshot} to ${bucket}`, ["ExportTaskAlreadyExists"], () =>
        this.clientIn().send(
          new StartExportTaskCommand({
            ExportTaskIdentifier: snapshot,
            SourceArn: arn,
            S3BucketName: bucket,
            IamRoleArn: roleArn,
            KmsKeyId: kmsKeyArn,
          }),
        ),
      );
      task = await this.describeExport(snapshot);
    }
    const statusText = task?.Status ?? "STARTING";
    return {
      kind: "export",
      where: `bucket ${bucket}`,
      id: snapshot,
      status: exportStatus(statusText),
      statusText: `${statusText}${task?.FailureCause ? `: ${task.FailureCause}` : ""}`,
    };
  }

  /** Names the source by its ARN: the client needs it to sign the request for the snapshot's Region. */
  private async sendCopy(
    snapshot: string,
    arn: string,
    region: string,
    how: { KmsKeyId: string | undefined; Tags: { Key: string; Value: string }[] },
  ): Promise<void> {
    const client = this.clientIn(region);
    if (this.of === "cluster")
      await client.send(
        new CopyDBClusterSnapshotCommand({
          SourceDBClusterSnapshotIdentifier: arn,
          TargetDBClusterSnapshotIdentifier: snapshot,
          ...how,
        }),
      );
    else
      await client.send(
        new CopyDBSnapshotCommand({
          SourceDBSnapshotIdentifier: arn,
          TargetDBSnapshotIdentifier: snapshot,
          ...how,
        }),
      );
  }

  private async describe(snapshot: string, region?: string): Promise<Described | undefined> {
    const client = this.clientIn(region);
    if (this.of === "cluster") {
      const found = await look(`describe snapshot ${snapshot}`, "DBClusterSnapshotNotFound", () =>
        client.send(new DescribeDBClusterSnapshotsCommand({ DBClusterSnapshotIdentifier: snapshot })),
      );
      const db = found?.DBClusterSnapshots?.[0];
      return db && { arn: db.DBClusterSnapshotArn, status: db.Status };
    }
    const found = await look(`describe snapshot ${snapshot}`, "DBSnapshotNotFound", () =>
      client.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: snapshot })),
    );
    const db = found?.DBSnapshots?.[0];
    return db && { arn: db.DBSnapshotArn, status: db.Status };
  }

  private async describeExport(task: string) {
    const found = await look(`describe export ${task}`, "ExportTaskNotFound", () =>
      this.clientIn().send(new DescribeExportTasksCommand({ ExportTaskIdentifier: task })),
    );
    return found?.ExportTasks?.[0];
  }
}

function exportStatus(text: string): ArchivedSnapshot["status"] {
  if (text === "COMPLETE") return "complete";
  return ["FAILED", "CANCELED", "CANCELING"].includes(text) ? "failed" : "pending";
}
