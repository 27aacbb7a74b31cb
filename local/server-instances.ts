import pg from "pg";
import type { Fingerprint } from "../lambdas/shared/documents.ts";
import { ErrorName, SluiceError } from "../lambdas/shared/errors.ts";
import type { PgConnection } from "../lambdas/shared/pg-session.ts";
import type { Databases, Instance, Instances, SettingsGiven, Snapshot } from "../lambdas/shared/ports.ts";
import { requireRow, type Session } from "../lambdas/shared/session.ts";
import { copyDatabaseSettings } from "./copies/database-settings.ts";
import { createEmptyLike, fillByDump, notInCopy } from "./copies/dump.ts";
import { dropDatabase, dropLetGo, LET_GO_UP_TO_BYTES, letGo } from "./copies/let-go.ts";
import { momentsByCopies } from "./copies/moments-by-copies.ts";
import { alone, copyByTemplate } from "./copies/template.ts";
import { type Address, addressIn } from "./server/address.ts";
import { maintenanceFor } from "./server/fit.ts";
import { configFor, connecting, openSessionAt, withSessionAt } from "./server/session.ts";
import { takeServerState } from "./server-state.ts";

/**
 * A PostgreSQL server as instances: an instance is a database, a snapshot is a copy that nothing connects to, and a restore
 * is a copy of that. CREATE DATABASE ... TEMPLATE makes copies; it allows no other session in the original.
 */
export class ServerInstances implements Instances, Databases {
  readonly single = false;
  readonly renameSeconds = 0;
  private readonly address: Address;
  /** Databases that may be opened, renamed and dropped: those made here, and those that the caller allows. */
  private readonly own: Set<string>;
  private watching: PgConnection | undefined;
  readonly moments = momentsByCopies({
    copy: (name, instance) => this.startSnapshot(name, instance),
    isThere: async (name) => (await this.describeSnapshot(name)) !== undefined,
    restore: (name, instance) => this.startRestore(name, instance),
    remove: (name) => this.deleteSnapshot(name),
  });

  /**
   * @param address of any database on the server, or its URL; its database gets only the requested sessions
   * @param mayChange a database that may be changed though it was not made here
   * @param dumped a database that is copied by pg_dump and pg_restore, as other sessions use it
   */
  constructor(
    address: string | Address,
    mayChange?: string,
    private readonly dumped?: string,
  ) {
    this.address = typeof address === "string" ? addressIn(address) : address;
    this.own = new Set(mayChange === undefined ? [] : [mayChange]);
  }

  /** @throws SluiceError FleetFailed for a database that was not made here and may not be changed */
  async withSession<T>(
    endpoint: { host: string },
    work: (session: Session) => Promise<T>,
    database?: string,
  ): Promise<T> {
    this.refuseForeign(endpoint.host, "opened");
    return await withSessionAt(this.to(database ?? endpoint.host), {}, work);
  }

  async describe(instance: string): Promise<Instance | undefined> {
    return await this.onServer(async (session) => {
      const [row] = await session.query<{ version: string; oid: string }>(
        "SELECT current_setting('server_version') AS version, oid::text FROM pg_database WHERE datname = $1",
        [instance],
      );
      if (!row) return undefined;
      return {
        id: instance,
        identity: row.oid,
        status: "available",
        statusText: "available",
        endpoint: { host: instance, port: this.address.port },
        engineVersion: row.version,
        settings: {},
      };
    });
  }

  async startSnapshot(snapshot: string, instance: string): Promise<void> {
    await this.copy(instance, snapshot);
  }

  async describeSnapshot(snapshot: string): Promise<Snapshot | undefined> {
    return await this.onServer(async (session) => {
      const [row] = await session.query<{ size: string; version: string }>(
        "SELECT pg_database_size(datname)::text AS size, current_setting('server_version') AS version FROM pg_database WHERE datname = $1",
        [snapshot],
      );
      if (!row) return undefined;
      return {
        id: snapshot,
        instance: "",
        status: "available",
        statusText: "available",
        sizeBytes: Number(row.size),
        engineVersion: row.version,
      };
    });
  }

  async deleteSnapshot(snapshot: string): Promise<void> {
    await this.startDelete(snapshot);
  }

  async startRestore(snapshot: string, instance: string): Promise<undefined> {
    await this.copy(snapshot, instance);
  }

  async handOver(): Promise<string[]> {
    return [];
  }

  async finishRestore(): Promise<SettingsGiven> {
    return { changing: false, refused: [], underWay: [] };
  }

  async startRename(from: string, to: string): Promise<void> {
    this.refuseForeign(from, "renamed");
    this.own.add(to);
    await this.onServer(async (session) => {
      const [row] = await session.query<{ sql: string }>(
        `SELECT format('ALTER DATABASE %I RENAME TO %I', $1::text, $2::text) AS sql
          WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = $2)`,
        [from, to],
      );
      if (row) await alone(session, row.sql, from);
    });
  }

  async startDelete(instance: string): Promise<void> {
    if (!(await this.mayDrop(instance))) return;
    await this.onServer(async (session) => {
      if (!(await letGo(session, instance, LET_GO_UP_TO_BYTES))) await dropDatabase(session, instance);
    });
  }

  /** Drops it at once, without renaming. */
  async drop(database: string): Promise<void> {
    if (await this.mayDrop(database)) await this.onServer((session) => dropDatabase(session, database));
  }

  /** Drops what this run, and runs that were killed, marked for dropping. */
  async dropLetGo(): Promise<void> {
    await this.onServer(dropLetGo);
  }

  /** Copies a database, with what a template copy leaves out: access list, settings, connection limit and comment. @returns notes for the operator */
  async copy(from: string, to: string): Promise<string[]> {
    return await this.onServer(async (session) => {
      const [there] = await session.query("SELECT FROM pg_database WHERE datname = $1", [to]);
      if (there && this.own.has(to)) return [];
      if (there)
        throw new SluiceError(
          ErrorName.FleetFailed,
          `There already is a database ${to}, which this run did not make. Nothing is copied over it.`,
        );
      const isDumped = from === this.dumped;
      if (isDumped) await createEmptyLike(this.to(from), session, to);
      else await copyByTemplate(session, from, to, await this.relationsOf(from));
      this.own.add(to);
      try {
        if (isDumped) await fillByDump(this.to(from), to);
        await copyDatabaseSettings(session, from, to);
        return isDumped ? await notInCopy(this.to(from), this.to(to)) : [];
      } catch (error) {
        // Half a copy could be taken for a whole one.
        await this.drop(to);
        throw error;
      }
    });
  }

  /** Undefined for a database that was not made here: that needs no session in it. */
  private async relationsOf(database: string): Promise<number | undefined> {
    if (!this.own.has(database)) return undefined;
    const { count } = await this.withSession({ host: database }, (session) =>
      requireRow<{ count: number }>(
        session,
        "SELECT count(*)::int AS count FROM pg_class WHERE relfilenode <> 0",
      ),
    );
    return count;
  }

  /**
   * Takes the server's lock for a database, which works across machines and folders. A session on another database holds it,
   * so that the locked database can be copied, renamed and dropped. It ends with this process.
   * @returns a function that releases it; undefined if another session has it
   */
  async lock(database: string): Promise<(() => Promise<void>) | undefined> {
    // A session for as long as a run on template1 would keep everyone on the server from creating databases.
    if (maintenanceFor(database) === "template1") return async () => undefined;
    const address = this.to(maintenanceFor(database));
    const client = await connecting(address, async (tls) => {
      const opened = new pg.Client({
        ...configFor(address, tls),
        application_name: "sluice",
        // It is idle while the run lasts.
        options: [address.options ?? "", "-c idle_session_timeout=0"].join(" ").trim(),
        keepAlive: true,
      });
      // An idle session that is lost raises an event.
      opened.on("error", () => undefined);
      await opened.connect();
      return opened;
    });
    const { rows } = await client.query(
      "SELECT pg_try_advisory_lock(hashtextextended('sluice ' || $1, 0)) AS taken",
      [database],
    );
    if (rows[0]?.taken === true) return () => client.end();
    await client.end();
    return undefined;
  }

  private refuseForeign(database: string, how: string): void {
    if (this.own.has(database)) return;
    throw new SluiceError(
      ErrorName.FleetFailed,
      `Database ${database} must not be ${how}: this run neither made it nor was allowed to change it.`,
    );
  }

  /** False also for a database that does not exist. */
  private async mayDrop(database: string): Promise<boolean> {
    if (!this.own.has(database) && !(await this.exists(database))) return false;
    this.refuseForeign(database, "dropped");
    return true;
  }

  private async exists(database: string): Promise<boolean> {
    return (await this.describe(database)) !== undefined;
  }

  /**
   * The state of the server beside its databases' contents. It is read after each state that writes, so its session stays
   * open; `close` ends it.
   */
  async state(database: string): Promise<Fingerprint> {
    const maintenance = maintenanceFor(this.address.database);
    // A session for as long as a run on template1 would keep everyone on the server from creating databases.
    if (maintenance === "template1")
      return await this.onServer((session) => takeServerState(session, database));
    for (;;) {
      const known = this.watching;
      const connection = known ?? (await openSessionAt(this.to(maintenance)));
      this.watching = connection;
      try {
        return await takeServerState(connection.session, database);
      } catch (error) {
        this.watching = undefined;
        await connection.close();
        // An administrator or a restart may have ended the idle session.
        if (!known) throw error;
      }
    }
  }

  async close(): Promise<void> {
    await this.watching?.close();
    this.watching = undefined;
  }

  /** A session on no database that is to be copied, renamed or dropped. */
  private async onServer<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return await withSessionAt(this.to(maintenanceFor(this.address.database)), {}, work);
  }

  private to(database: string): Address {
    return { ...this.address, database };
  }
}
