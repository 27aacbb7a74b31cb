import { snapshotPrefix } from "../../../lambdas/shared/names.ts";
import type { Instance, Snapshot, Tags } from "../../../lambdas/shared/ports.ts";
import { PRODUCTION, type SavedEnvironment } from "./environment.ts";
import type { StandInDatabase } from "./stand-in-database.ts";
import { type Contents, StandInEnvironment } from "./stand-in-environment.ts";

interface ClusterContents extends Contents {
  clones: ReadonlySet<string>;
  bare: ReadonlyMap<string, StandInDatabase>;
  usedUp: ReadonlySet<string>;
}

/**
 * The stand-ins as clusters: a snapshot that is restored only once is a clone, and the copy is that
 * clone. A copy exists before it has an instance. Production leaves its name in two steps.
 */
export class ClusterEnvironment extends StandInEnvironment {
  private readonly clones: Set<string>;
  /** Copies without an instance yet. */
  private readonly bare: Map<string, StandInDatabase>;
  /** Clones that became production. */
  private readonly usedUp: Set<string>;
  private membersAside = false;

  constructor(contents?: ClusterContents) {
    super(contents);
    this.clones = new Set(contents?.clones);
    this.bare = new Map([...(contents?.bare ?? [])].map(([name, database]) => [name, database.twin()]));
    this.usedUp = new Set(contents?.usedUp);
  }

  override async describe(cluster: string): Promise<Instance | undefined> {
    const found = this.bare.get(cluster);
    if (!found) return await super.describe(cluster);
    return {
      id: cluster,
      identity: found.identity,
      status: "pending",
      statusText: "available, without a writer",
      engineVersion: "18",
      settings: {},
    };
  }

  override async startSnapshot(id: string, cluster: string, _tags?: Tags, often = false): Promise<void> {
    if (!this.taken.has(id) && !often) this.clones.add(id);
    await super.startSnapshot(id, cluster);
  }

  override async describeSnapshot(id: string): Promise<Snapshot | undefined> {
    const found = await super.describeSnapshot(id);
    return found && this.clones.has(id) ? { ...found, clone: true } : found;
  }

  override async deleteSnapshot(id: string): Promise<void> {
    this.clones.delete(id);
    await super.deleteSnapshot(id);
  }

  override async startRestore(snapshot: string, cluster: string) {
    const found = this.taken.get(snapshot);
    if (this.held.has(cluster) || this.bare.has(cluster)) return undefined;
    if (!found)
      return { waits: { why: `neither ${snapshot} nor ${cluster} is to be seen.`, minutes: 0 }, without: [] };
    this.bare.set(cluster, found.copy());
    if (this.clones.delete(snapshot)) {
      this.taken.delete(snapshot);
      if (cluster === PRODUCTION) this.usedUp.add(snapshot);
    }
    return undefined;
  }

  async continueRestore(cluster: string): Promise<undefined> {
    const found = this.bare.get(cluster);
    if (found) this.held.set(cluster, found);
    this.bare.delete(cluster);
  }

  override async startRename(from: string, to: string): Promise<void> {
    if (!this.held.has(to) && !this.membersAside) this.membersAside = true;
    else await super.startRename(from, to);
  }

  override async startDelete(cluster: string): Promise<void> {
    this.bare.delete(cluster);
    await super.startDelete(cluster);
  }

  override instanceNames(): string[] {
    return [...super.instanceNames(), ...this.bare.keys()];
  }

  /** The final clone that became production is not lost: it has production's name. */
  override snapshots(): string[] {
    const production = [...this.usedUp].filter((id) => id.startsWith(snapshotPrefix("final")));
    return [...super.snapshots(), ...production];
  }

  override async save(): Promise<SavedEnvironment> {
    const saved = new ClusterEnvironment(this.contents());
    return () => new ClusterEnvironment(saved.contents());
  }

  protected override contents(): ClusterContents {
    return { ...super.contents(), clones: this.clones, bare: this.bare, usedUp: this.usedUp };
  }
}
