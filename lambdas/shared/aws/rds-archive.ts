import {
  CopyDBSnapshotCommand,
  DescribeDBSnapshotsCommand,
  DescribeExportTasksCommand,
  type RDSClient,
  StartExportTaskCommand,
} from "@aws-sdk/client-rds";
import { ErrorName, SluiceError } from "../errors.ts";
import type { Archive, ArchivedSnapshot, Tags } from "../ports.ts";
import type { RunSettings } from "../settings.ts";
import { attempt, look } from "./rds-calls.ts";
import { snapshotStatus } from "./rds-status.ts";
import { tagList } from "./rds-tags.ts";

/** The settings', and the role that RDS writes exports with. */
export interface Places {
  copyTo?: RunSettings["copyTo"];
  exportTo?: (NonNullable<RunSettings["exportTo"]> & { roleArn: string }) | undefined;
}

/** Copies of a snapshot in another Region, and exports of it to a bucket, by RDS itself. */
export class RdsArchive implements Archive {
  /** @param clientIn a client for that Region; without one for the instance's own */
  constructor(
    private readonly clientIn: (region?: string) => RDSClient,
    private readonly places: Places,
  ) {}

  async start(snapshot: string, tags: Tags): Promise<ArchivedSnapshot[]> {
    const { copyTo, exportTo } = this.places;
    const source = await this.describe(snapshot);
    if (!source?.DBSnapshotArn)
      throw new SluiceError(ErrorName.FleetFailed, `There is no snapshot ${snapshot} to be sent anywhere.`);
    return [
      ...(copyTo ? [await this.copy(snapshot, source.DBSnapshotArn, copyTo, tags)] : []),
      ...(exportTo ? [await this.export(snapshot, source.DBSnapshotArn, exportTo)] : []),
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
      await attempt(`copy ${snapshot} to ${region}`, ["DBSnapshotAlreadyExists"], () =>
        this.clientIn(region).send(
          new CopyDBSnapshotCommand({
            // An ARN: by it the client signs the request for the Region that the snapshot is in.
            SourceDBSnapshotIdentifier: arn,
            TargetDBSnapshotIdentifier: snapshot,
            KmsKeyId: kmsKeyArn,
            Tags: tagList(tags),
          }),
        ),
      );
      copy = await this.describe(snapshot, region);
    }
    const statusText = copy?.Status ?? "creating";
    const status = snapshotStatus(statusText);
    return {
      kind: "copy",
      where: `Region ${region}`,
      id: copy?.DBSnapshotArn ?? snapshot,
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

  private async describe(snapshot: string, region?: string) {
    const found = await look(`describe snapshot ${snapshot}`, "DBSnapshotNotFound", () =>
      this.clientIn(region).send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: snapshot })),
    );
    return found?.DBSnapshots?.[0];
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
