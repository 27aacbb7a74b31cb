import pg from "pg";
import { messageOf } from "../lambdas/shared/errors.ts";
import { withPgSession } from "../lambdas/shared/pg-session.ts";
import type { Session } from "../lambdas/shared/session.ts";

export const SERVER_URL = process.env.SLUICE_NATIVE_URL ?? "postgres://postgres@127.0.0.1:54329/postgres";

const NEEDS = `The bench needs a PostgreSQL server, 15 or later, with pgvector, and a superuser's URL of it in the
environment variable SLUICE_NATIVE_URL. It makes databases of its own there and drops them at the end.`;

export class NoServer extends Error {
  override readonly name = "NoServer";
}

export interface ServerFacts {
  postgres: string;
  pgvector: string;
  settings: Readonly<Record<string, string>>;
}

export function urlOf(database: string, user?: string): string {
  const url = new URL(SERVER_URL);
  url.pathname = `/${database}`;
  if (user !== undefined) url.username = user;
  return url.href;
}

export const onServer = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
  withPgSession({ connectionString: SERVER_URL }, work);

/** @throws NoServer with what is missing. */
export async function inspectServer(): Promise<ServerFacts> {
  const [facts] = await onServer((session) =>
    session.query<{ postgres: string; number: number; pgvector: string | null; superuser: boolean }>(
      `SELECT current_setting('server_version') AS postgres, current_setting('server_version_num')::int AS number,
              (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS pgvector,
              rolsuper AS superuser
         FROM pg_roles WHERE rolname = current_user`,
    ),
  ).catch((error: unknown) => {
    throw new NoServer(`${NEEDS}\n${withoutPassword(SERVER_URL)}: ${messageOf(error)}`);
  });
  if (!facts?.pgvector || !facts.superuser || facts.number < 150000)
    throw new NoServer(
      `${NEEDS}\n${withoutPassword(SERVER_URL)} is PostgreSQL ${facts?.postgres}, ` +
        `${facts?.pgvector ? `pgvector ${facts.pgvector}` : "without pgvector"}, ` +
        `${facts?.superuser ? "as a superuser" : "as a role that is not a superuser"}.`,
    );
  const settings = await onServer((session) =>
    session.query<{ name: string; value: string }>(
      `SELECT name, current_setting(name) AS value FROM pg_settings
        WHERE name IN ('shared_buffers', 'maintenance_work_mem', 'work_mem', 'fsync', 'jit', 'max_parallel_workers')`,
    ),
  );
  return {
    postgres: facts.postgres,
    pgvector: facts.pgvector,
    settings: Object.fromEntries(settings.map(({ name, value }) => [name, value])),
  };
}

function withoutPassword(url: string): string {
  const shown = new URL(url);
  if (shown.password) shown.password = "***";
  return shown.href;
}

/** Opens a session that the caller closes, without the settings of Sluice's own sessions. */
export async function connect(database: string, user?: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: urlOf(database, user), application_name: "sluice bench" });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
