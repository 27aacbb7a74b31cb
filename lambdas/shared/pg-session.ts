import { Socket } from "node:net";
import pg from "pg";
import { ErrorName, SluiceError } from "./errors.ts";
import { type Session, StatementFailed } from "./session.ts";

const CONNECT_TIMEOUT_MS = 15_000;
const CLOSE_TIMEOUT_MS = 2_000;
const KEEPALIVE_MS = 30_000;

export interface PgConnection {
  session: Session;
  /** True where a pooler answers: it reports another process than the one that serves the session. */
  isPooled(): Promise<boolean>;
  /** Does not wait for a running statement: the server continues it. */
  close(): Promise<void>;
}

/** Opens one session on a PostgreSQL server, and closes it when `work` is done. */
export async function withPgSession<T>(
  config: pg.ClientConfig,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const connection = await openPgSession(config);
  try {
    return await work(connection.session);
  } finally {
    await connection.close();
  }
}

/**
 * @param owned true: the session belongs to the caller alone, so Sluice's settings are made in it and a pooler is
 * refused. False: nothing is set, as the setting would stay for the connection's next user (`asGuest` in session.ts).
 * @throws Pooled where the session is owned and a pooler answers
 */
export async function openPgSession(config: pg.ClientConfig, owned = true): Promise<PgConnection> {
  // The socket is created here so that it can be closed even when the server no longer answers.
  const socket = new Socket();
  const client = new pg.Client({
    application_name: "sluice",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    ...config,
    stream: () => socket,
  });
  let lost: Error | undefined;
  // No caller awaits an error between two statements; without a listener it would end the process.
  client.on("error", (error) => {
    lost = error;
  });
  const close = () => closed(client, socket);
  try {
    await client.connect();
    if (owned) await takeOver(client);
  } catch (error) {
    await close();
    throw error;
  }
  const isPooled = async () => {
    const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
    return rows[0]?.pid !== processOf(client);
  };
  return { session: sayingWhy(pgSession(client), () => lost), isPooled, close };
}

/** Makes Sluice's settings, unless a pooler answers: with a pooler they would stay for the connection's next user. */
async function takeOver(client: pg.Client): Promise<void> {
  const announced = processOf(client);
  const { rows } = await client.query(
    `SELECT pg_backend_pid() AS pid, (${MAKE_SETTINGS} AND pg_backend_pid() = $3) AS made`,
    [JSON.stringify(SESSION_SETTINGS), JSON.stringify(ONLY_FROM), announced],
  );
  if (rows[0]?.pid !== announced) throw new Pooled(`${client.host}:${client.port}`);
}

/** Returns the server process of this session, as the server announced it at the start. */
function processOf(client: pg.Client): number | null {
  return (client as pg.Client & { processID: number | null }).processID;
}

/** A pooler hands each transaction to any free connection, so the run owns no session, lock or setting. */
export class Pooled extends SluiceError {
  /** @param address host and port of the pooler */
  constructor(address: string) {
    super(
      ErrorName.FleetFailed,
      `${address} is a connection pooler (such as PgBouncer or RDS Proxy). Behind a pooler no session, lock or setting belongs to the run alone. Give the PostgreSQL server's own address and port.`,
    );
  }
}

export function pgSession(client: pg.ClientBase): Session {
  return {
    async query<Row>(text: string, params: readonly unknown[] = []) {
      const result = await client.query(text, params.length > 0 ? [...params] : undefined);
      return result.rows as Row[];
    },
    async exec(text) {
      await client.query(text);
    },
    async together(statements) {
      const { connection } = client as pg.Client;
      let done = 0;
      const count = () => {
        done++;
      };
      connection.on("commandComplete", count);
      try {
        const results = await client.query(statements.map(ended).join(""));
        // A single statement's result is no array.
        return [results].flat().map((result) => result.rows);
      } catch (error) {
        if (!(error instanceof pg.DatabaseError)) throw error;
        // The server counts characters from the beginning of the message, where a surrogate pair is one.
        const lengths = statements.map((statement) => [...ended(statement)].length);
        const before = lengths.slice(0, done).reduce((sum, length) => sum + length, 0);
        let failed = done;
        if (error.position !== undefined) {
          let position = Number(error.position) - before;
          // The server refuses a syntax error before it runs the first statement, so `done` may be too low.
          while (position > (lengths[failed] ?? position) && failed < statements.length - 1)
            position -= lengths[failed++] ?? 0;
          error.position = String(position);
        }
        throw new StatementFailed(failed, error);
      } finally {
        connection.off("commandComplete", count);
      }
    },
  };
}

/** The semicolon stands on a line of its own, as a statement may end with a comment. */
function ended(statement: string): string {
  return `${statement}\n;\n`;
}

/** After a loss node-postgres reports only that the client is unusable. This reports the first error instead. */
function sayingWhy(session: Session, lost: () => Error | undefined): Session {
  const why = (error: unknown): never => {
    const first = lost();
    if (!first) throw error;
    throw new SluiceError(
      ErrorName.ConnectionLost,
      `The session to the database was lost: ${first.message}`,
      { cause: error },
    );
  };
  return {
    query: (text, params) => session.query<never>(text, params).catch(why),
    exec: (text) => session.exec(text).catch(why),
    together: (statements) => session.together(statements).catch(why),
  };
}

async function closed(client: pg.Client, socket: Socket): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  });
  await Promise.race([client.end().catch(() => undefined), late]);
  clearTimeout(timer);
  socket.destroy();
}

/**
 * Settings of every session of a run, whatever the defaults of the server, the role or the database are. They cover
 * everything that could change how a statement runs or how a name or value is spelt, except the database's own choices.
 * (A test gives a reason for each other setting that is left alone.) A plan's own SET comes later and wins.
 */
export const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  // A statement whose worker died must finish, so that the next worker finds it done.
  client_connection_check_interval: "0",
  // A NOTICE to a client that is gone would cancel the statement.
  client_min_messages: "error",
  // An error fails the step and must not end the session.
  exit_on_error: "off",
  // A plan sets its own limits. A role's limit must not end a checksum, an index build or a wait at a gate.
  statement_timeout: "0",
  transaction_timeout: "0",
  lock_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  // When a worker and its machine vanish between two statements, the session ends within half a minute and releases its
  // locks.
  tcp_keepalives_idle: "10",
  tcp_keepalives_interval: "5",
  tcp_keepalives_count: "3",
  tcp_user_timeout: "30000",
  // What a transaction sees, and whether its commit is durable: a step and its ledger row commit together.
  default_transaction_isolation: "read committed",
  default_transaction_deferrable: "off",
  synchronous_commit: "on",
  // How names and values are spelt, in both directions.
  quote_all_identifiers: "off",
  client_encoding: "UTF8",
  // The order of day and month stays the database's own.
  DateStyle: "ISO",
  IntervalStyle: "postgres",
  extra_float_digits: "1",
  bytea_output: "hex",
  xmlbinary: "base64",
  xmloption: "content",
  standard_conforming_strings: "on",
  backslash_quote: "safe_encoding",
  array_nulls: "on",
  transform_null_equals: "off",
  // What a statement does, and which rows it sees.
  row_security: "on",
  check_function_bodies: "on",
  restrict_nonsystem_relation_kind: "",
  icu_validation_level: "warning",
  gin_fuzzy_search_limit: "0",
  stats_fetch_consistency: "cache",
  debug_parallel_query: "off",
  // These need a right. Where the role lacks it, they stay as the administrator set them.
  session_replication_role: "origin",
  event_triggers: "on",
  allow_system_table_mods: "off",
  ignore_checksum_failure: "off",
  zero_damaged_pages: "off",
  lo_compat_privileges: "off",
  track_activities: "on",
};

/** For these settings only this value is changed: all other values are equally safe. */
export const ONLY_FROM: Readonly<Record<string, string>> = { synchronous_commit: "off" };

/** SQL that makes the settings that this server has and this role may make. $1: the settings, $2: ONLY_FROM, as JSON. */
export const MAKE_SETTINGS = `SELECT count(set_config(name, wanted.value, false))
    FROM json_each_text($1) AS wanted(name, value) JOIN pg_settings USING (name)
   WHERE setting IS DISTINCT FROM wanted.value AND setting = coalesce($2::json ->> name, setting)
     AND (context = 'user' OR has_parameter_privilege(name, 'SET'))`;
