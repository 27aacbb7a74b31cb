import pg from "pg";
import { pgSession } from "../../../lambdas/shared/pg-session.ts";
import type { Session } from "../../../lambdas/shared/session.ts";
import {
  planSql,
  ROLES,
  runStep,
  type Start,
  stepsOf,
  type Version,
} from "../../sql/knowledge-graph/database.ts";

const SERVER = process.env.SLUICE_NATIVE_URL ?? "postgres://postgres@127.0.0.1:54329/postgres";
const OWNER = "sluice_test_owner";

/** A database of its own on the server, owned by a role that is no superuser; dropped by close(). */
export interface Scratch {
  url: string;
  owner: Session;
  /** Another session of the owner's. */
  connect(): Promise<pg.Client>;
  pool(): pg.Pool;
  close(): Promise<void>;
}

export async function createScratch(name: string, start: Start = {}): Promise<Scratch> {
  const database = `sluice_test_${name}_${process.pid}`;
  const admin = await connect(SERVER);
  for (const role of [OWNER, ...ROLES])
    await admin.query(`DO $$ BEGIN CREATE ROLE ${role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$`);
  await admin.query(
    `ALTER ROLE ${OWNER} LOGIN NOSUPERUSER CREATEROLE; GRANT ${ROLES.join(", ")} TO ${OWNER} WITH ADMIN OPTION`,
  );
  await admin.query(`CREATE DATABASE ${database} OWNER ${OWNER}`);
  const superuser = await connect(urlOf(database));
  await superuser.query(`ALTER SCHEMA public OWNER TO ${OWNER}; CREATE EXTENSION vector`);
  await superuser.end();

  const url = urlOf(database, OWNER);
  const clients = [await connect(url)];
  const pools: pg.Pool[] = [];
  const owner = pgSession(clients[0] as pg.Client);
  const { agentId = "uuid", agents = 20, events = 50, others = 5 } = start;
  await owner.exec(`
    SET client_min_messages = error;
    SET sluice.baseline_agent_id = '${agentId}';
    SET sluice.baseline_agents = ${agents};
    SET sluice.baseline_events = ${events};
    SET sluice.baseline_others = ${others};
    ${planSql("baseline/schema.sql")}
    ${planSql("baseline/data.sql")}`);
  return {
    url,
    owner,
    async connect() {
      const client = await connect(url);
      clients.push(client);
      return client;
    },
    pool() {
      const pool = new pg.Pool({ connectionString: url, max: 1 });
      pools.push(pool);
      return pool;
    },
    async close() {
      for (const pool of pools) await pool.end();
      for (const client of clients) await client.end();
      await admin.query(`DROP DATABASE ${database}`);
      await admin.end();
    },
  };
}

export async function run(session: Session, version: Version, file: "migrate" | "rollback"): Promise<void> {
  for (const step of stepsOf(version, file)) await runStep(session, step);
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

function urlOf(database: string, user?: string): string {
  const url = new URL(SERVER);
  url.pathname = `/${database}`;
  if (user) url.username = user;
  return url.href;
}
