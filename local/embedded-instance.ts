import { randomUUID } from "node:crypto";
import type { PGlite } from "@electric-sql/pglite";
import { isPostgresError } from "../lambdas/shared/errors.ts";
import { requireRow, type Session } from "../lambdas/shared/session.ts";
import { identifier, literal } from "../lambdas/shared/sql-text.ts";
import type { LocalPlan } from "../lib/plan/compile.ts";
import { createEmbedded, embeddedSession } from "./embedded-session.ts";
import { UsageError } from "./events.ts";
import { Mutex } from "./mutex.ts";

/** What the server says of a file of the baseline, with the file and, where it says so, the line. */
function ofBaseline(path: string, sql: string, error: unknown): unknown {
  if (!isPostgresError(error)) return error;
  const { position, message, code, detail, hint } = error;
  const before = [...sql].slice(0, Number(position ?? 0)).join("");
  const line = position === undefined ? "" : ` line ${before.split("\n").length}:`;
  const more = [...(detail ? [`Detail: ${detail}`] : []), ...(hint ? [`Hint: ${hint}`] : [])];
  return new UsageError(
    [
      `${path}:${line} the embedded PostgreSQL does not take the baseline: ${message} (${code})`,
      ...more,
      ...(/^role .* does not exist$/.test(message)
        ? [
            "Make the role at the top of the file (CREATE ROLE ... LOGIN), as `sluice new --from-database` does.",
          ]
        : []),
      ...(/extension/.test(message)
        ? [
            "It has pgcrypto, pg_trgm, uuid-ossp and vector, and no other extension; with --database-url a server of yours takes its place.",
          ]
        : []),
    ].join("\n  "),
  );
}

async function as<T>(session: Session, role: string, work: (session: Session) => Promise<T>): Promise<T> {
  await session.query("SELECT set_config('role', $1, false)", [role]);
  return await work(session);
}

/** One database in memory. It has one session; its users take turns. */
export class EmbeddedInstance {
  readonly identity = randomUUID();
  private readonly turns = new Mutex();

  private constructor(
    private readonly db: PGlite,
    private readonly owner: string,
  ) {}

  /** Makes it from the plan's baseline, as a role that owns everything and is no superuser, as on RDS. */
  static async fromBaseline(
    owner: string,
    baseline: LocalPlan["baseline"],
    extensions: readonly string[],
  ): Promise<EmbeddedInstance> {
    const db = await createEmbedded();
    const name = identifier(owner);
    await db.exec(`
      CREATE ROLE ${name} LOGIN NOSUPERUSER CREATEROLE CREATEDB;
      ALTER ROLE ${name} SET createrole_self_grant = 'set, inherit';
      GRANT pg_signal_backend, pg_read_all_stats TO ${name};
      ALTER SCHEMA public OWNER TO ${name};
      DO $owner$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO %I', current_database(), ${literal(owner)}); END $owner$;`);
    // RDS's master user may create these; on stock Postgres it takes a superuser.
    for (const extension of extensions)
      await db.exec(`CREATE EXTENSION IF NOT EXISTS ${identifier(extension)}`);
    const made = new EmbeddedInstance(db, owner);
    await made.withSession(async (session) => {
      await session.exec("SET createrole_self_grant = 'set, inherit'");
      for (const { path, sql } of baseline)
        await session.exec(sql).catch((error: unknown) => {
          throw ofBaseline(path, sql, error);
        });
    });
    return made;
  }

  /** @param data as `dump` gives it */
  static async load(owner: string, data: Blob): Promise<EmbeddedInstance> {
    return new EmbeddedInstance(await createEmbedded(data), owner);
  }

  async withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return await this.turns.run(async () => {
      // As a new session would be: nothing of the one before is left.
      await this.db.exec("ROLLBACK");
      await this.db.exec("DISCARD ALL");
      await this.db.exec(
        `SET SESSION AUTHORIZATION ${identifier(this.owner)}; SET client_min_messages = error`,
      );
      return await work(embeddedSession(this.db));
    });
  }

  /** As the application would connect: refused while the role may not. */
  async withApplicationSession<T>(role: string, work: (session: Session) => Promise<T>): Promise<T> {
    return await this.withSession(async (session) => {
      const { allowed } = await requireRow<{ allowed: boolean }>(
        session,
        "SELECT has_database_privilege($1, current_database(), 'CONNECT') AS allowed",
        [role],
      );
      if (!allowed) throw new Error(`permission denied for database: ${role} may not connect`);
      return await as(session, role, work);
    });
  }

  /** The owner connects and takes the role on, so the fence does not keep it out. */
  async withRole<T>(role: string, work: (session: Session) => Promise<T>): Promise<T> {
    return await this.withSession((session) => as(session, role, work));
  }

  async version(): Promise<string> {
    const { rows } = await this.turns.run(() =>
      this.db.query<{ version: string }>("SELECT current_setting('server_version') AS version"),
    );
    return rows[0]?.version ?? "unknown";
  }

  /** Its data directory. */
  async dump(): Promise<Blob> {
    return await this.turns.run(async () => {
      // What is loaded from it is the image of a server that crashed here: without this, sequences would stand up to 32
      // ahead there. As the superuser who started it: here DISCARD ALL leaves the last turn's role in place.
      for (const statement of ["ROLLBACK", "SET SESSION AUTHORIZATION postgres", "CHECKPOINT"])
        await this.db.exec(statement);
      return await this.db.dumpDataDir("none");
    });
  }

  async close(): Promise<void> {
    await this.turns.run(() => this.db.close());
  }
}
