import { randomUUID } from "node:crypto";
import type { PGlite } from "@electric-sql/pglite";
import { isPostgresError } from "../lambdas/shared/errors.ts";
import { requireRow, type Session } from "../lambdas/shared/session.ts";
import { identifier, literal } from "../lambdas/shared/sql-text.ts";
import type { LocalPlan } from "../lib/plan/compile.ts";
import { createEmbedded, embeddedSession } from "./embedded-session.ts";
import { UsageError } from "./events.ts";
import { Mutex } from "./mutex.ts";

/** The server's error about a file of the baseline, with the file and, if known, the line. */
function ofBaseline(path: string, sql: string, error: unknown): unknown {
  if (!isPostgresError(error)) return error;
  const { position, message, code, detail, hint } = error;
  const before = [...sql].slice(0, Number(position ?? 0)).join("");
  const line = position === undefined ? "" : ` line ${before.split("\n").length}:`;
  const more = [...(detail ? [`Detail: ${detail}`] : []), ...(hint ? [`Hint: ${hint}`] : [])];
  return new UsageError(
    [
      `${path}:${line} the embedded PostgreSQL refused the baseline: ${message} (${code})`,
      ...more,
      ...(/^role .* does not exist$/.test(message)
        ? [
            "Make the role at the top of the file (CREATE ROLE ... LOGIN), as `sluice new --from-database` does.",
          ]
        : []),
      ...(/extension/.test(message)
        ? [
            "It has the extensions pgcrypto, pg_trgm, uuid-ossp and vector, and no others. With --database-url a server of yours takes its place.",
          ]
        : []),
    ].join("\n  "),
  );
}

async function as<T>(session: Session, role: string, work: (session: Session) => Promise<T>): Promise<T> {
  await session.query("SELECT set_config('role', $1, false)", [role]);
  return await work(session);
}

/** A database in memory. It has one session, which its users take in turn. */
export class EmbeddedInstance {
  readonly identity = randomUUID();
  private readonly turns = new Mutex();

  private constructor(
    private readonly db: PGlite,
    private readonly owner: string,
  ) {}

  /** Makes it from the plan's baseline, owned by a role that is no superuser, as on RDS. */
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
    // RDS's master user may create these; on stock Postgres only a superuser may.
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

  /** @param data from `dump` */
  static async load(owner: string, data: Blob): Promise<EmbeddedInstance> {
    return new EmbeddedInstance(await createEmbedded(data), owner);
  }

  async withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return await this.turns.run(async () => {
      // As in a new session: nothing of the session before is left.
      await this.db.exec("ROLLBACK");
      await this.db.exec("DISCARD ALL");
      await this.db.exec(
        `SET SESSION AUTHORIZATION ${identifier(this.owner)}; SET client_min_messages = error`,
      );
      return await work(embeddedSession(this.db));
    });
  }

  /** A session as the application's role; refused while that role may not connect. */
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

  /** The owner connects and assumes the role, so the fence lets it in. */
  async withRole<T>(role: string, work: (session: Session) => Promise<T>): Promise<T> {
    return await this.withSession((session) => as(session, role, work));
  }

  async version(): Promise<string> {
    const { rows } = await this.turns.run(() =>
      this.db.query<{ version: string }>("SELECT current_setting('server_version') AS version"),
    );
    return rows[0]?.version ?? "unknown";
  }

  /** Returns its data directory. */
  async dump(): Promise<Blob> {
    return await this.turns.run(async () => {
      // The dump is the image of a server that crashed: without a checkpoint, sequences could be up to 32 ahead in the copy.
      // It runs as the superuser who started the server, as DISCARD ALL here leaves the role of the last turn in place.
      for (const statement of ["ROLLBACK", "SET SESSION AUTHORIZATION postgres", "CHECKPOINT"])
        await this.db.exec(statement);
      return await this.db.dumpDataDir("none");
    });
  }

  async close(): Promise<void> {
    await this.turns.run(() => this.db.close());
  }
}
