import { randomBytes } from "node:crypto";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { loadPlan } from "../../lib/plan/compile.ts";
import { ServerInstances } from "../../local/server-instances.ts";
import { TINY_PLAN } from "./rehearsal.ts";

/** Superuser URL of the native suite's server. */
export const NATIVE_URL = process.env.SLUICE_NATIVE_URL ?? "postgres://postgres@127.0.0.1:54329/postgres";

export function urlOf(database: string, user = "postgres"): string {
  const url = new URL(NATIVE_URL);
  url.pathname = `/${database}`;
  url.username = user;
  return url.href;
}

export const onServer = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
  withPgSession({ connectionString: NATIVE_URL }, work);

export interface NativeDatabase {
  name: string;
  /** As its owner, who is not a superuser. */
  url: string;
  drop(): Promise<void>;
}

/** Creates a database with the tiny plan's baseline. Its owner is not a superuser and may create databases. */
export async function tinyDatabase(): Promise<NativeDatabase> {
  const { local } = await loadPlan(TINY_PLAN);
  if (!local) throw new Error("The tiny plan has no baseline");
  const name = `sluice_test_${randomBytes(4).toString("hex")}`;
  await onServer(async (session) => {
    await session.exec(`DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${local.owner}') THEN
        CREATE ROLE ${local.owner} LOGIN CREATEDB NOSUPERUSER;
        GRANT pg_signal_backend, pg_read_all_stats TO ${local.owner};
      END IF;
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'notes_app') THEN CREATE ROLE notes_app LOGIN; END IF;
      GRANT notes_app TO ${local.owner};
    END $$`);
    await session.exec(`CREATE DATABASE ${name} OWNER ${local.owner}`);
  });
  await withPgSession({ connectionString: urlOf(name, local.owner) }, async (session) => {
    // Roles belong to the server and already exist.
    for (const { sql } of local.baseline)
      await session.exec(sql.replace("CREATE ROLE notes_app NOLOGIN;", ""));
  });
  return {
    name,
    url: urlOf(name, local.owner),
    drop: () => new ServerInstances(NATIVE_URL, name).drop(name),
  };
}

/** Names of all databases on the server. */
export async function databases(): Promise<string[]> {
  const rows = await onServer((session) =>
    session.query<{ name: string }>("SELECT datname AS name FROM pg_database ORDER BY 1"),
  );
  return rows.map(({ name }) => name);
}
