import { readFileSync } from "node:fs";
import type { PGlite } from "@electric-sql/pglite";
import type { CheckResult } from "../../../lambdas/shared/documents.ts";
import type { Step } from "../../../lambdas/shared/plan.ts";
import type { Session } from "../../../lambdas/shared/session.ts";
import { runChecks } from "../../../lambdas/validate/run-checks.ts";
import { parseCheckFile, parseSqlFile } from "../../../lib/plan/sql-file.ts";
import { createEmbedded, embeddedSession } from "../../../local/embedded-session.ts";

export const OWNER = "v2_owner";
export const ROLES = ["v2_app", "v2_readonly"];

const FOLDERS = {
  "006": "006_knowledge_graph",
  "007": "007_multi_tenant_isolation",
  "008": "008_hybrid_search",
} as const;
export type Version = keyof typeof FOLDERS;
export const VERSIONS = Object.keys(FOLDERS) as Version[];

/** Text of a file of the plan. */
export function planSql(path: string): string {
  return readFileSync(new URL(`../../../sql/knowledge-graph/${path}`, import.meta.url), "utf8");
}

export function stepsOf(version: Version, file: "migrate" | "rollback"): readonly Step[] {
  const path = `${FOLDERS[version]}/${file}.sql`;
  return parseSqlFile(path, planSql(path)).steps;
}

export interface Start {
  agentId?: "uuid" | "varchar";
  agents?: number;
  events?: number;
  others?: number;
  /** False: pgvector is not there yet, and 006 runs as a superuser, the only one who may install it. */
  vector?: boolean;
}

/** A database at version 005, owned by a role that is no superuser, as on RDS; its session is that role's. */
export async function createBaseline(start: Start = {}): Promise<PGlite> {
  const { agentId = "uuid", agents = 20, events = 50, others = 5, vector = true } = start;
  const db = await createEmbedded();
  await db.exec(`
    CREATE ROLE ${OWNER} LOGIN ${vector ? "NOSUPERUSER" : "SUPERUSER"} CREATEROLE CREATEDB;
    ALTER DATABASE postgres OWNER TO ${OWNER};
    ALTER SCHEMA public OWNER TO ${OWNER};
    ${vector ? "CREATE EXTENSION vector;" : ""}
  `);
  await becomeOwner(db);
  await db.exec(`
    SET createrole_self_grant = 'set, inherit';
    SET sluice.baseline_agent_id = '${agentId}';
    SET sluice.baseline_agents = ${agents};
    SET sluice.baseline_events = ${events};
    SET sluice.baseline_others = ${others};
  `);
  await db.exec(planSql("baseline/schema.sql"));
  await db.exec(planSql("baseline/data.sql"));
  return db;
}

/** Resets the session, as if it were a new connection of the owner. */
export async function becomeOwner(db: PGlite): Promise<void> {
  await db.exec("RESET SESSION AUTHORIZATION");
  await db.exec("DISCARD ALL");
  await db.exec(`SET SESSION AUTHORIZATION ${OWNER}; SET client_min_messages = error`);
}

export async function runStep(session: Session, step: Step): Promise<void> {
  if (step.kind !== "transaction") {
    for (const { sql } of step.statements) await session.exec(sql);
    return;
  }
  await session.exec("BEGIN");
  try {
    for (const { sql } of step.statements) await session.exec(sql);
    await session.exec("COMMIT");
  } catch (error) {
    await session.exec("ROLLBACK");
    throw error;
  }
}

export async function run(db: PGlite, version: Version, file: "migrate" | "rollback"): Promise<void> {
  const session = embeddedSession(db);
  for (const step of stepsOf(version, file)) await runStep(session, step);
}

export async function validate(db: PGlite, version: Version): Promise<CheckResult[]> {
  const path = `${FOLDERS[version]}/validate.sql`;
  return await runChecks(embeddedSession(db), parseCheckFile(path, planSql(path)), ROLES);
}

/** The checks that did not pass, readable. */
export function failures(results: readonly CheckResult[]): string[] {
  return results
    .filter(({ passed }) => !passed)
    .map(
      ({ name, as, expected, seen }) =>
        `${name}${as === null ? "" : ` as ${as}`}: expected ${expected}, saw ${seen}`,
    );
}
