import { ErrorName, SluiceError } from "../../lambdas/shared/errors.ts";
import type { MomentState, Moments, PointInTime, RestoreBegun } from "../../lambdas/shared/ports.ts";
import type { WalArchive } from "./wal-archive.ts";

/** What moments need of the instances. */
export interface Instances {
  /** The archive of the instance with that name, or with that identity whatever its name; undefined if it has none. */
  archiveOf(instance: string | { identity: string }): WalArchive | undefined;
  has(instance: string): boolean;
  restore(archive: WalArchive, instance: string, at: string): Promise<void>;
}

/** Moments of physical copies: as with RDS's automated backups, a base backup and the WAL since. */
export class PhysicalMoments implements Moments {
  readonly by = "archive";

  constructor(private readonly instances: Instances) {}

  async baseAt(instance: string): Promise<string | undefined> {
    return this.instances.archiveOf(instance)?.from.toISOString();
  }

  async hold(): Promise<boolean> {
    return true;
  }

  async describe({ instance, identity, moment }: PointInTime): Promise<MomentState> {
    const archive = this.instances.archiveOf({ identity });
    if (!archive) return { status: "failed", statusText: `There is no base backup of ${instance}.` };
    const [from, until] = [archive.from.toISOString(), (await archive.until()).toISOString()];
    const window = `${instance} can be restored to any second from ${from} to ${until}`;
    const at = Date.parse(moment.at);
    const status = at < Date.parse(from) ? "failed" : at < Date.parse(until) ? "available" : "pending";
    return {
      status,
      statusText: status === "available" ? `${window}.` : `${window}, but not to ${moment.at}.`,
      from,
      until,
      baseAt: from,
      encrypted: false,
    };
  }

  async startRestore(point: PointInTime, instance: string): Promise<RestoreBegun | undefined> {
    if (this.instances.has(instance)) return undefined;
    const { status, statusText } = await this.describe(point);
    if (status === "pending") return { waits: { why: statusText }, without: [] };
    const archive = this.instances.archiveOf({ identity: point.identity });
    if (status === "failed" || !archive) throw new SluiceError(ErrorName.FleetFailed, statusText);
    await this.instances.restore(archive, instance, point.moment.at);
    return undefined;
  }

  async release(): Promise<void> {}
}
