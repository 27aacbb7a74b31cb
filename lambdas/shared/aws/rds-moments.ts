import { type DBInstance, DescribeDBSnapshotsCommand, type RDSClient } from "@aws-sdk/client-rds";
import { ErrorName, SluiceError } from "../errors.ts";
import type {
  InstanceSettings,
  MomentState,
  Moments,
  PointInTime,
  RestoreBegun,
  RestorePurpose,
  Tags,
} from "../ports.ts";
import { findInstance } from "./rds-calls.ts";
import { beginRestore, restoreRequest } from "./rds-restore.ts";
import { asRdsSettings } from "./rds-settings.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * RDS's automated backups: a daily snapshot, and the WAL since, which RDS uploads every five minutes. They belong to the
 * instance under any name, so a moment needs no copy.
 */
export class RdsMoments implements Moments {
  readonly by = "archive";

  constructor(private readonly client: RDSClient) {}

  async baseAt(instance: string): Promise<string | undefined> {
    return newest(await this.bases(instance));
  }

  async hold(): Promise<boolean> {
    return true;
  }

  async describe(point: PointInTime): Promise<MomentState> {
    const db = await this.source(point);
    if (!db)
      return {
        status: "pending",
        statusText: `RDS shows no instance ${point.instance} or ${point.aside} with the resource id ${point.identity}. A rename may be under way, or somebody deleted the instance.`,
      };
    const bases = await this.bases(db.DBInstanceIdentifier ?? "");
    return {
      ...stateOf(db, point, bases),
      baseAt: newest(bases.filter((at) => at < Date.parse(point.moment.at))),
      encrypted: db.StorageEncrypted,
      kmsKey: db.KmsKeyId,
    };
  }

  async startRestore(
    point: PointInTime,
    instance: string,
    like: InstanceSettings,
    purpose: RestorePurpose,
    tags: Tags,
    anywhere = false,
  ): Promise<RestoreBegun | undefined> {
    const request = restoreRequest(asRdsSettings(like), purpose, tags, anywhere);
    const db = await this.source(point);
    if (!db)
      throw new SluiceError(
        ErrorName.FleetFailed,
        `The instance with the resource id ${point.identity} no longer exists, as ${point.instance} or as ${point.aside}. Nothing can be restored to ${point.moment.at}. Look for its retained automated backups (aws rds describe-db-instance-automated-backups --dbi-resource-id ${point.identity}).`,
      );
    // Request it by name, as IAM's policy names it. The resource id has already proven whose name it is.
    const source = { instance: db.DBInstanceIdentifier ?? "", at: new Date(point.moment.at) };
    return await beginRestore(this.client, source, instance, request, purpose);
  }

  async release(): Promise<void> {}

  /** Returns the moment's instance, under its current name. */
  private async source({ instance, aside, identity }: PointInTime): Promise<DBInstance | undefined> {
    for (const name of [instance, aside]) {
      const db = await findInstance(this.client, name);
      if (db?.DbiResourceId === identity) return { ...db, DBInstanceIdentifier: name };
    }
    return undefined;
  }

  /** Returns when the existing base backups were made. Empty where RDS does not answer: nothing may fail for that. */
  private async bases(instance: string): Promise<number[]> {
    return await this.client
      .send(new DescribeDBSnapshotsCommand({ DBInstanceIdentifier: instance, SnapshotType: "automated" }))
      .then(({ DBSnapshots = [] }) =>
        DBSnapshots.flatMap(({ Status, SnapshotCreateTime }) =>
          Status === "available" && SnapshotCreateTime ? [SnapshotCreateTime.getTime()] : [],
        ),
      )
      .catch(() => []);
  }
}

function newest(times: readonly number[]): string | undefined {
  return times.length === 0 ? undefined : new Date(Math.max(...times)).toISOString();
}

function stateOf(db: DBInstance, { moment }: PointInTime, bases: readonly number[]): MomentState {
  const name = db.DBInstanceIdentifier ?? "";
  const days = db.BackupRetentionPeriod ?? 0;
  if (days === 0)
    return {
      status: "failed",
      statusText: `Automated backups of ${name} are off (BackupRetentionPeriod 0). RDS deleted all of them when they were turned off.`,
    };
  const until = db.LatestRestorableTime?.toISOString();
  if (until === undefined)
    return { status: "pending", statusText: `RDS has no automated backup of ${name} yet.` };
  // RDS keeps no base backup longer, counted from the latest restorable time.
  const from = new Date(Date.parse(until) - days * DAY_MS).toISOString();
  const window = `${name} can be restored to any second from ${from} to ${until}`;
  const at = Date.parse(moment.at);
  if (at < Date.parse(from))
    return {
      status: "failed",
      statusText: `${window}. ${moment.at} is too old, as automated backups are kept for ${days} days.`,
      from,
      until,
    };
  // Automated backups were off, or kept for fewer days, for a while: the base backup before the moment is gone.
  const oldest = Math.min(...bases);
  if (bases.length > 0 && oldest > at)
    return {
      status: "failed",
      statusText: `The oldest automated backup of ${name} is of ${new Date(oldest).toISOString()}, after ${moment.at}. Earlier ones were deleted, as happens when automated backups are turned off for a while.`,
      until,
    };
  // RDS accepts only times before the latest restorable one.
  return at < Date.parse(until)
    ? { status: "available", statusText: `${window}.`, from, until }
    : {
        status: "pending",
        statusText: `${name} can now be restored up to ${until}, but not yet to ${moment.at}. RDS uploads the WAL every five minutes.`,
        from,
        until,
      };
}
