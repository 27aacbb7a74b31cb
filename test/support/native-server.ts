import pg from "pg";
import { pgbouncerRoot } from "./pgbouncer.ts";

const URL_NAME = "SLUICE_NATIVE_URL";

/** Runs before the native suite. Without a server the suite fails here and states what it needs; it never skips. */
export default async function needServer(): Promise<void> {
  if (pgbouncerRoot() === undefined)
    throw new Error(
      "The native suite needs Debian's pgbouncer: /usr/sbin/pgbouncer, on this machine or in the Debian folder NATIVE_PG_ROOT.",
    );
  const url = process.env[URL_NAME] ?? "postgres://postgres@127.0.0.1:54329/postgres";
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  const needs = `The native suite needs a PostgreSQL server (15 or newer) with pgvector and the files of pg_cron, and a superuser on it. Set ${URL_NAME} to its URL, such as postgres://postgres@127.0.0.1:5432/postgres.`;
  try {
    await client.connect();
  } catch (error) {
    throw new Error(`${needs} Nothing answers at ${new URL(url).host}: ${(error as Error).message}`);
  }
  try {
    const { rows } = await client.query(
      `SELECT current_setting('server_version_num')::int AS version,
              (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
              EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') AS vector,
              EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_cron') AS cron`,
    );
    const { version, superuser, vector, cron } = rows[0];
    if (version < 150_000 || !superuser || !vector || !cron)
      throw new Error(
        `${needs} This one: version ${version}, superuser ${superuser}, pgvector ${vector}, pg_cron ${cron}.`,
      );
  } finally {
    await client.end();
  }
}
