import { STAGING_PREFIX } from "../../lambdas/shared/names.ts";
import type { Volumes } from "../support/rds-clusters.ts";
import type { PostgresServers } from "./postgres.ts";
import type { AutomatedBackups } from "./rds-backups.ts";

/**
 * A cluster's volume is a data directory; where an instance is in the cluster, a server runs on it. Its history is what
 * an instance has: a base backup and the WAL since.
 */
export class ClusterVolumes implements Volumes {
  private readonly ports = new Map<string, number>();

  constructor(
    private readonly servers: PostgresServers,
    private readonly backups: AutomatedBackups,
    private readonly nextPort: () => number,
  ) {}

  /** One whose server runs already. It is backed up from now on. */
  async adopt(volume: string, port: number): Promise<void> {
    this.ports.set(volume, port);
    await this.backups.begin(port);
  }

  async copy(from: string, to: string): Promise<void> {
    const port = this.ports.get(from);
    if (port === undefined) await this.servers.restore(from, to);
    else await this.servers.copy(port, to);
  }

  async start(volume: string, cluster: string): Promise<number> {
    const port = this.nextPort();
    await this.servers.start(volume, port);
    this.ports.set(volume, port);
    // Nobody restores staging to a moment.
    if (!cluster.startsWith(STAGING_PREFIX)) await this.backups.begin(port);
    return port;
  }

  async history(volume: string): Promise<{ from: Date; until: Date } | undefined> {
    const port = this.ports.get(volume);
    if (port === undefined) return undefined;
    const [from, until] = [this.backups.madeAt(port), await this.backups.until(port)];
    return from && until && { from, until };
  }

  /** The volume alone: no instance is in the cluster yet. */
  async copyAt(from: string, at: Date, to: string): Promise<void> {
    const source = this.ports.get(from);
    if (source === undefined) throw new Error(`No server runs on ${from}`);
    const port = this.nextPort();
    await this.backups.restore(source, at, to, port);
    await this.servers.stop(port);
  }

  async stop(volume: string): Promise<void> {
    const port = this.ports.get(volume);
    if (port !== undefined) {
      this.backups.end(port);
      await this.servers.stop(port);
    }
    this.ports.delete(volume);
  }

  async remove(volume: string): Promise<void> {
    this.servers.remove(volume);
  }
}
