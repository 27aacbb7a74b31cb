import type { Volumes } from "../support/rds-clusters.ts";
import type { PostgresServers } from "./postgres.ts";

/** A cluster's volume is a data directory; where an instance is in the cluster, a server runs on it. */
export class ClusterVolumes implements Volumes {
  private readonly ports = new Map<string, number>();

  constructor(
    private readonly servers: PostgresServers,
    private readonly freePort: () => Promise<number>,
  ) {}

  /** One whose server runs already. */
  adopt(volume: string, port: number): void {
    this.ports.set(volume, port);
  }

  async copy(from: string, to: string): Promise<void> {
    const port = this.ports.get(from);
    if (port === undefined) await this.servers.restore(from, to);
    else await this.servers.copy(port, to);
  }

  async start(volume: string): Promise<number> {
    const port = await this.freePort();
    await this.servers.start(volume, port);
    this.ports.set(volume, port);
    return port;
  }

  async stop(volume: string): Promise<void> {
    const port = this.ports.get(volume);
    if (port !== undefined) await this.servers.stop(port);
    this.ports.delete(volume);
  }

  async remove(volume: string): Promise<void> {
    this.servers.remove(volume);
  }
}
