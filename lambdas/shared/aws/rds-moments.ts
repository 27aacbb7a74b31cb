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
 * RDS's automated backups: a snapshot a day, and the WAL since, which RDS sends away every five minutes. They are the
 * instance's own, whatever it is called, and nothing need be held for a moment.
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
        statusText: `Neither ${point.instance} nor ${point.aside} is to be seen with the resource id ${point.identity}: it may be between its names, or somebody deleted it.`,
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
        `There is no instance with the resource id ${point.identity} any more, neither as ${point.instance} nor as ${point.aside}: nothing can be restored to ${point.moment.at}. Look for its retained automated backups (aws rds describe-db-instance-automated-backups --dbi-resource-id ${point.identity}).`,
      );
    // By its name: that is what IAM is asked about. The resource id has told before that the name is this one's.
    const source = { instance: db.DBInstanceIdentifier ?? "", at: new Date(point.moment.at) };
    return await beginRestore(this.client, source, instance, request, purpose);
  }

  async release(): Promise<void> {}

  /** The instance that it is a moment of, under the name that it has by now. */
  private async source({ instance, aside, identity }: PointInTime): Promise<DBInstance | undefined> {
    for (const name of [instance, aside]) {
      const db = await findInstance(this.client, name);
      if (db?.DbiResourceId === identity) return { ...db, DBInstanceIdentifier: name };
    }
    return undefined;
  }

  /** When the base backups that are there were made. Nothing may fail for want of them: then there are none to see. */
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
      statusText: `Automated backups of ${name} are off (BackupRetentionPeriod 0): when they were turned off, RDS deleted all of them.`,
    };
  const until = db.LatestRestorableTime?.toISOString();
  if (until === undefined)
    return { status: "pending", statusText: `RDS has no automated backup of ${name} yet.` };
  // No base backup is kept for longer, reckoned from what can be restored now.
  const from = new Date(Date.parse(until) - days * DAY_MS).toISOString();
  const window = `${name} can be restored to any second from ${from} to ${until}`;
  const at = Date.parse(moment.at);
  if (at < Date.parse(from))
    return {
      status: "failed",
      statusText: `${window}: ${moment.at} is over, as automated backups are kept for ${days} days.`,
      from,
      until,
    };
  // Turned off and on again, or kept for fewer days for a while: what they began with then is gone.
  const oldest = Math.min(...bases);
  if (bases.length > 0 && oldest > at)
    return {
      status: "failed",
      statusText: `The oldest automated backup of ${name} that is kept is of ${new Date(oldest).toISOString()}, after ${moment.at}: those before it were deleted, as where automated backups are turned off for a while.`,
      until,
    };
  // RDS takes times before the latest one.
  return at < Date.parse(until)
    ? { status: "available", statusText: `${window}.`, from, until }
    : {
        status: "pending",
        statusText: `${name} can be restored up to ${until} by now, and not yet to ${moment.at}: RDS sends the WAL away every five minutes.`,
        from,
        until,
      };
}
