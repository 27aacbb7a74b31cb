import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { withPgSession } from "../lambdas/shared/pg-session.ts";
import type { Session } from "../lambdas/shared/session.ts";
import { type LoadedPlan, loadPlan } from "../lib/plan/compile.ts";
import { connect, onServer, urlOf } from "./server.ts";
import type { Sizes } from "./types.ts";

export const PLAN = fileURLToPath(new URL("../sql/knowledge-graph", import.meta.url));
const APPLICATION_ROLES = ["v2_app", "v2_readonly"];

/** Amounts of data in a database at version 005. */
export interface Filling {
  events: number;
  agents: number;
}

/** A temporary database. */
export interface Database {
  name: string;
  /** As its owner, who is not a superuser, as on RDS. */
  url: string;
  asOwner<T>(work: (session: Session) => Promise<T>): Promise<T>;
  asSuperuser<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** As the application, for that tenant; without a tenant, as before the multi-tenant migration. */
  asApplication<T>(tenant: string | undefined, work: (session: Session) => Promise<T>): Promise<T>;
}

/** State that measurements share: sizes, the plan, and databases that are created once and dropped at the end. */
export class Bench {
  readonly #tag = randomBytes(3).toString("hex");
  readonly #owner = `sluice_bench_${this.#tag}`;
  readonly #rolesBefore: ReadonlySet<string>;
  readonly #shared = new Map<string, Promise<unknown>>();
  #made = 0;

  private constructor(
    readonly sizes: Sizes,
    readonly loaded: LoadedPlan,
    readonly progress: (line: string) => void,
    rolesBefore: readonly string[],
  ) {
    this.#rolesBefore = new Set(rolesBefore);
  }

  static async open(sizes: Sizes, progress: (line: string) => void): Promise<Bench> {
    const roles = await onServer((session) =>
      session.query<{ name: string }>("SELECT rolname AS name FROM pg_roles"),
    );
    const bench = new Bench(
      sizes,
      await loadPlan(PLAN),
      progress,
      roles.map(({ name }) => name),
    );
    await bench.#createRoles();
    return bench;
  }

  async #createRoles(): Promise<void> {
    await onServer(async (session) => {
      for (const role of APPLICATION_ROLES)
        if (!this.#rolesBefore.has(role)) await session.exec(`CREATE ROLE ${role} NOLOGIN`);
      await session.exec(`
        CREATE ROLE ${this.#owner} LOGIN NOSUPERUSER CREATEDB CREATEROLE;
        GRANT ${APPLICATION_ROLES.join(", ")} TO ${this.#owner};
        GRANT pg_signal_backend, pg_read_all_stats, pg_checkpoint TO ${this.#owner}`);
    });
  }

  /** Makes the value at the first call with a key, and returns the same one at later calls. */
  once<T>(key: string, make: () => Promise<T>): Promise<T> {
    const made = this.#shared.get(key) ?? make();
    this.#shared.set(key, made);
    return made as Promise<T>;
  }

  /** Returns the baseline at version 005. It is shared: read or copy it, but do not change it. */
  baseline(filling: Filling): Promise<Database> {
    const { events, agents } = filling;
    return this.once(`baseline ${events} ${agents}`, async () => {
      this.progress(`filling a database with ${events} events and ${agents} agents`);
      const database = await this.#create("");
      await database.asSuperuser((session) =>
        session.exec(`
          ALTER SCHEMA public OWNER TO ${this.#owner};
          CREATE EXTENSION vector; CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION pg_trgm`),
      );
      await database.asOwner(async (session) => {
        await session.exec(`SET sluice.baseline_events = ${events}; SET sluice.baseline_agents = ${agents}`);
        for (const { sql } of this.loaded.local?.baseline ?? []) await session.exec(sql);
      });
      // Otherwise autovacuum would run in the middle of a measurement.
      await database.asSuperuser((session) => session.exec("VACUUM (ANALYZE)"));
      return database;
    });
  }

  /** Creates an empty database. */
  async empty(): Promise<Database> {
    return await this.#create("");
  }

  /** Creates a copy that the caller may change. */
  async copyOf(original: Database): Promise<Database> {
    return await this.#create(`TEMPLATE ${original.name} STRATEGY FILE_COPY`);
  }

  async #create(how: string): Promise<Database> {
    const name = `sluice_bench_${this.#tag}_${++this.#made}`;
    await onServer((session) => session.exec(`CREATE DATABASE ${name} OWNER ${this.#owner} ${how}`));
    const url = urlOf(name, this.#owner);
    return {
      name,
      url,
      asOwner: (work) => withPgSession({ connectionString: url }, work),
      asSuperuser: (work) => withPgSession({ connectionString: urlOf(name) }, work),
      asApplication: (tenant, work) =>
        withPgSession({ connectionString: urlOf(name) }, async (session) => {
          await session.exec("SET ROLE v2_app");
          if (tenant !== undefined)
            await session.query("SELECT set_config('app.current_tenant', $1, false)", [tenant]);
          return await work(session);
        }),
    };
  }

  /** Drops a database as soon as it is no longer needed, to free disk. */
  async drop(database: Database): Promise<void> {
    await onServer((session) => session.exec(`DROP DATABASE IF EXISTS ${database.name} WITH (FORCE)`));
  }

  /** Drops every database and role that was created, also by rehearsals, in any state. */
  async close(): Promise<void> {
    const server = await connect("postgres");
    try {
      const { rows } = await server.query<{ name: string }>(
        "SELECT quote_ident(datname) AS name FROM pg_database WHERE pg_get_userbyid(datdba) = $1",
        [this.#owner],
      );
      for (const { name } of rows) await server.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await server.query(`DROP ROLE IF EXISTS ${this.#owner}`);
      for (const role of APPLICATION_ROLES)
        if (!this.#rolesBefore.has(role))
          // Another database may use the role by now.
          await server.query(`DROP ROLE IF EXISTS ${role}`).catch(() => undefined);
    } finally {
      await server.end();
    }
  }
}
