import type { PostgresServers } from "./postgres.ts";

interface Backup {
  name: string;
  madeAt: Date;
  /** The newest moment that is whole in the WAL that was sent away. */
  until: Date;
}

/**
 * Automated backups as RDS has them: a base backup of a server, and its WAL, which is sent away every so often. They are
 * the server's own, whatever its instance is called.
 */
export class AutomatedBackups {
  /** How often the WAL is sent away; RDS does so every five minutes. */
  walEverySeconds = 2;
  private readonly byPort = new Map<number, Backup>();
  private readonly servers: PostgresServers;
  private sending: Promise<unknown> = Promise.resolve();

  constructor(servers: PostgresServers) {
    this.servers = servers;
  }

  async begin(port: number): Promise<void> {
    const name = `automated-${port}`;
    const madeAt = await this.servers.backUp(port, name);
    this.byPort.set(port, { name, madeAt, until: madeAt });
  }

  /** Deletes all of them at once. */
  end(port: number): void {
    const backup = this.byPort.get(port);
    if (backup) this.servers.remove(backup.name);
    this.byPort.delete(port);
  }

  /** When its base backup was made; undefined: there is none. */
  madeAt(port: number): Date | undefined {
    return this.byPort.get(port)?.madeAt;
  }

  /** The newest moment that it can be restored to by now. One call after the other: several functions ask at once. */
  async until(port: number): Promise<Date | undefined> {
    const backup = this.byPort.get(port);
    if (!backup) return undefined;
    this.sending = this.sending.then(async () => {
      if (Date.now() - backup.until.getTime() >= this.walEverySeconds * 1000)
        backup.until = await this.servers.sendWal(port, backup.name);
    });
    await this.sending;
    return backup.until;
  }

  /** Starts a server on the other port, under that name, as this one was at the moment. */
  async restore(port: number, at: Date, name: string, to: number): Promise<void> {
    const backup = this.byPort.get(port);
    if (!backup) throw new Error(`There is no backup of what runs on port ${port}`);
    await this.servers.recover(backup.name, name, to, at);
  }
}
