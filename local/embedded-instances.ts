import { ErrorName, SluiceError } from "../lambdas/shared/errors.ts";
import type { Databases, Instance, Instances, SettingsGiven, Snapshot } from "../lambdas/shared/ports.ts";
import type { Session } from "../lambdas/shared/session.ts";
import type { LocalPlan } from "../lib/plan/compile.ts";
import { momentsByCopies } from "./copies/moments-by-copies.ts";
import { EmbeddedInstance } from "./embedded-instance.ts";

/**
 * The embedded Postgres as instances: an instance is one in-memory database, a snapshot is a dump of its data directory,
 * and a restore is a new instance loaded from that. All of them end with the process.
 */
export class EmbeddedInstances implements Instances, Databases {
  readonly single = true;
  readonly renameSeconds = 0;
  private readonly instances = new Map<string, EmbeddedInstance>();
  private readonly snapshots = new Map<string, { snapshot: Snapshot; data: Blob }>();
  readonly moments = momentsByCopies({
    copy: (name, instance) => this.startSnapshot(name, instance),
    isThere: async (name) => this.snapshots.has(name),
    restore: (name, instance) => this.startRestore(name, instance),
    remove: (name) => this.deleteSnapshot(name),
  });

  constructor(private readonly owner: string) {}

  async createFromBaseline(
    instance: string,
    baseline: LocalPlan["baseline"],
    extensions: readonly string[],
  ): Promise<void> {
    this.instances.set(instance, await EmbeddedInstance.fromBaseline(this.owner, baseline, extensions));
  }

  async withSession<T>(endpoint: { host: string }, work: (session: Session) => Promise<T>): Promise<T> {
    return await this.need(endpoint.host).withSession(work);
  }

  async withApplicationSession<T>(
    instance: string,
    role: string,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    return await this.need(instance).withApplicationSession(role, work);
  }

  async withRole<T>(instance: string, role: string, work: (session: Session) => Promise<T>): Promise<T> {
    return await this.need(instance).withRole(role, work);
  }

  async describe(instance: string): Promise<Instance | undefined> {
    const found = this.instances.get(instance);
    if (!found) return undefined;
    return {
      id: instance,
      identity: found.identity,
      status: "available",
      statusText: "available",
      endpoint: { host: instance, port: 0 },
      engineVersion: await found.version(),
      settings: {},
    };
  }

  async startSnapshot(snapshot: string, instance: string): Promise<void> {
    if (this.snapshots.has(snapshot)) return;
    const from = this.need(instance);
    const createdAt = new Date().toISOString();
    const data = await from.dump();
    this.snapshots.set(snapshot, {
      data,
      snapshot: {
        id: snapshot,
        instance,
        status: "available",
        statusText: "available",
        createdAt,
        sizeBytes: data.size,
        engineVersion: await from.version(),
        encrypted: false,
      },
    });
  }

  async describeSnapshot(snapshot: string): Promise<Snapshot | undefined> {
    return this.snapshots.get(snapshot)?.snapshot;
  }

  async deleteSnapshot(snapshot: string): Promise<void> {
    this.snapshots.delete(snapshot);
  }

  async startRestore(snapshot: string, instance: string): Promise<undefined> {
    if (this.instances.has(instance)) return;
    const found = this.snapshots.get(snapshot);
    if (!found) throw new SluiceError(ErrorName.FleetFailed, `There is no snapshot ${snapshot}`);
    this.instances.set(instance, await EmbeddedInstance.load(this.owner, found.data));
  }

  async handOver(): Promise<string[]> {
    return [];
  }

  async finishRestore(): Promise<SettingsGiven> {
    return { changing: false, refused: [], underWay: [] };
  }

  async startRename(from: string, to: string): Promise<void> {
    if (this.instances.has(to)) return;
    this.instances.set(to, this.need(from));
    this.instances.delete(from);
  }

  async startDelete(instance: string): Promise<void> {
    const found = this.instances.get(instance);
    if (!found) return;
    this.instances.delete(instance);
    await found.close();
  }

  async close(): Promise<void> {
    for (const instance of [...this.instances.keys()]) await this.startDelete(instance);
    this.snapshots.clear();
  }

  private need(instance: string): EmbeddedInstance {
    const found = this.instances.get(instance);
    if (!found) throw new SluiceError(ErrorName.FleetFailed, `There is no instance ${instance}`);
    return found;
  }
}
