import type { PGlite } from "@electric-sql/pglite";
import { ErrorName, SluiceError } from "../lambdas/shared/errors.ts";
import type { DatabaseFleet, Databases, Instance, Snapshot } from "../lambdas/shared/ports.ts";
import type { Session } from "../lambdas/shared/session.ts";
import type { LocalPlan } from "../lib/plan/compile.ts";
import { createEmbedded, embeddedSession } from "./embedded-session.ts";
import { Mutex } from "./mutex.ts";

interface EmbeddedInstance {
  db: PGlite;
  /** The embedded Postgres has one session; its users take turns. */
  turns: Mutex;
}

/**
 * The embedded Postgres as a fleet: an instance is one in-memory database, a snapshot is a dump of its data directory,
 * and a restore is a new instance loaded from that. All is gone when the process ends.
 */
export class EmbeddedFleet implements DatabaseFleet, Databases {
  readonly single = true;
  private readonly instances = new Map<string, EmbeddedInstance>();
  private readonly snapshots = new Map<string, { snapshot: Snapshot; data: Blob }>();

  constructor(private readonly owner: string) {}

  /** Makes an instance from the plan's baseline, as a role that owns everything and is no superuser, as on RDS. */
  async createFromBaseline(
    instance: string,
    baseline: LocalPlan["baseline"],
    extensions: readonly string[],
  ): Promise<void> {
    const db = await createEmbedded();
    const owner = `"${this.owner.replaceAll('"', '""')}"`;
    await db.exec(`
      CREATE ROLE ${owner} LOGIN NOSUPERUSER CREATEROLE CREATEDB;
      ALTER ROLE ${owner} SET createrole_self_grant = 'set, inherit';
      GRANT pg_signal_backend, pg_read_all_stats TO ${owner};
      ALTER SCHEMA public OWNER TO ${owner};
      DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO ${owner.replaceAll("'", "''")}', current_database()); END $$;`);
    // RDS's master user may create these; on stock Postgres it takes a superuser.
    for (const extension of extensions) await db.exec(`CREATE EXTENSION IF NOT EXISTS "${extension}"`);
    this.instances.set(instance, { db, turns: new Mutex() });
    await this.withSession({ host: instance }, async (session) => {
      await session.exec("SET createrole_self_grant = 'set, inherit'");
      for (const { sql } of baseline) await session.exec(sql);
    });
  }

  async withSession<T>(endpoint: { host: string }, work: (session: Session) => Promise<T>): Promise<T> {
    const { db, turns } = this.need(endpoint.host);
    return await turns.run(async () => {
      // As a new session would be: nothing of the one before is left.
      await db.exec("ROLLBACK");
      await db.exec("DISCARD ALL");
      await db.exec(
        `SET SESSION AUTHORIZATION "${this.owner.replaceAll('"', '""')}"; SET client_min_messages = error`,
      );
      return await work(embeddedSession(db));
    });
  }

  /** As the application would connect: refused while the role may not. */
  async withApplicationSession<T>(
    instance: string,
    role: string,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    return await this.withSession({ host: instance }, async (session) => {
      const [row] = await session.query<{ allowed: boolean }>(
        "SELECT has_database_privilege($1, current_database(), 'CONNECT') AS allowed",
        [role],
      );
      if (!row?.allowed) throw new Error(`permission denied for database: ${role} may not connect`);
      await session.query("SELECT set_config('role', $1, false)", [role]);
      return await work(session);
    });
  }

  async describe(instance: string): Promise<Instance | undefined> {
    const found = this.instances.get(instance);
    if (!found) return undefined;
    const [row] = (
      await found.turns.run(() =>
        found.db.query<{ version: string }>("SELECT current_setting('server_version') AS version"),
      )
    ).rows;
    return {
      id: instance,
      status: "available",
      statusText: "available",
      endpoint: { host: instance, port: 0 },
      engineVersion: row?.version ?? "unknown",
      settings: {},
    };
  }

  async startSnapshot(snapshot: string, instance: string): Promise<void> {
    if (this.snapshots.has(snapshot)) return;
    const { db, turns } = this.need(instance);
    const data = await turns.run(() => db.dumpDataDir("none"));
    this.snapshots.set(snapshot, {
      data,
      snapshot: {
        id: snapshot,
        instance,
        status: "available",
        statusText: "available",
        createdAt: new Date().toISOString(),
        sizeBytes: data.size,
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

  async startRestore(snapshot: string, instance: string): Promise<void> {
    if (this.instances.has(instance)) return;
    const found = this.snapshots.get(snapshot);
    if (!found) throw new SluiceError(ErrorName.FleetFailed, `There is no snapshot ${snapshot}`);
    this.instances.set(instance, { db: await createEmbedded(found.data), turns: new Mutex() });
  }

  async finishRestore(): Promise<boolean> {
    return true;
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
    await found.turns.run(() => found.db.close());
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
