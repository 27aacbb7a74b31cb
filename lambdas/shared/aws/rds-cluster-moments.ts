import { type DBCluster, type RDSClient, RestoreDBClusterToPointInTimeCommand } from "@aws-sdk/client-rds";
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
import { findCluster } from "./rds-cluster-find.ts";
import { CLUSTER_CAN_WAIT, momentRequest } from "./rds-cluster-requests.ts";
import { asClusterSettings } from "./rds-cluster-settings.ts";
import { NO_ROOM, sendWithLess } from "./rds-send-less.ts";

/**
 * What a cluster's storage keeps by itself: every moment of its retention, without base backups. They are the cluster's
 * own, whatever it is called, and nothing need be held for a moment.
 */
export class RdsClusterMoments implements Moments {
  readonly by = "archive";

  constructor(private readonly client: RDSClient) {}

  async baseAt(): Promise<undefined> {
    return undefined;
  }

  async hold(): Promise<boolean> {
    return true;
  }

  async describe(point: PointInTime): Promise<MomentState> {
    const db = await this.source(point);
    if (!db)
      return {
        status: "pending",
        statusText: `neither ${point.instance} nor ${point.aside} is to be seen with the identity ${point.identity}: it may be between its names, or somebody deleted it`,
      };
    return { ...stateOf(db, point), encrypted: db.StorageEncrypted, kmsKey: db.KmsKeyId };
  }

  async startRestore(
    point: PointInTime,
    cluster: string,
    like: InstanceSettings,
    purpose: RestorePurpose,
    tags: Tags,
  ): Promise<RestoreBegun | undefined> {
    const db = await this.source(point);
    if (!db)
      throw new SluiceError(
        ErrorName.FleetFailed,
        `There is no cluster with the identity ${point.identity} any more, neither as ${point.instance} nor as ${point.aside}: nothing can be restored to ${point.moment.at}. Look for its retained automated backups (aws rds describe-db-cluster-automated-backups --db-cluster-resource-id ${point.identity}).`,
      );
    const source = db.DBClusterIdentifier ?? "";
    const at = new Date(point.moment.at);
    return await sendWithLess(momentRequest(source, at, cluster, asClusterSettings(like), purpose, tags), {
      send: (asked) => this.client.send(new RestoreDBClusterToPointInTimeCommand(asked)),
      parts: CLUSTER_CAN_WAIT,
      done: "DBClusterAlreadyExists",
      waits: NO_ROOM,
      tried: `restore ${source} at ${at.toISOString()} as ${cluster}`,
    });
  }

  async release(): Promise<void> {}

  /** The cluster that it is a moment of, under the name that it has by now. */
  private async source({ instance, aside, identity }: PointInTime): Promise<DBCluster | undefined> {
    for (const name of [instance, aside]) {
      const db = await findCluster(this.client, name);
      if (db?.DbClusterResourceId === identity) return { ...db, DBClusterIdentifier: name };
    }
    return undefined;
  }
}

function stateOf(db: DBCluster, { moment }: PointInTime): MomentState {
  const name = db.DBClusterIdentifier ?? "";
  const [from, until] = [db.EarliestRestorableTime?.toISOString(), db.LatestRestorableTime?.toISOString()];
  if (from === undefined || until === undefined)
    return { status: "pending", statusText: `RDS does not say yet to which moments ${name} can be restored` };
  const window = `${name} can be restored to any second from ${from} to ${until}`;
  const at = Date.parse(moment.at);
  if (at < Date.parse(from))
    return { status: "failed", statusText: `${window}: ${moment.at} is over`, from, until };
  // RDS takes times before the latest one.
  return at < Date.parse(until)
    ? { status: "available", statusText: window, from, until }
    : {
        status: "pending",
        statusText: `${name} can be restored up to ${until} by now, and not yet to ${moment.at}`,
        from,
        until,
      };
}
