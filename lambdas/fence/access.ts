import { type ConnectRightDoc, Doc, docName, type StepsDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import { requireRow, type Session, withTransaction } from "../shared/session.ts";
import { IS_USERS_SCHEMA } from "../shared/sql-text.ts";

/** The database's access list as text items, or null where it is the one every new database has. */
export async function readAccess(session: Session): Promise<string[] | null> {
  const { acl } = await requireRow<{ acl: string[] | null }>(
    session,
    "SELECT datacl::text[] AS acl FROM pg_database WHERE datname = current_database()",
  );
  return acl;
}

/** SQL: the database's owner. */
const OWNER = "(SELECT datdba FROM pg_database WHERE datname = current_database())";

/**
 * SQL condition on the roles in $1: one of them is the database's owner, or acts as it. Then the fence takes the owner's
 * own CONNECT too, and Sluice, which logs in as another role, is given it by name.
 */
const OWNER_IS_AMONG = `EXISTS (SELECT FROM pg_roles o WHERE o.rolname = ANY($1) AND NOT o.rolsuper AND pg_has_role(o.oid, ${OWNER}, 'USAGE'))`;

/** How these roles have CONNECT: by name, through PUBLIC, or through a role they are in, the database's owner among it. */
export async function connectRights(session: Session, roles: readonly string[]): Promise<ConnectRightDoc[]> {
  return await session.query<{ grantee: string | null; grantable: boolean }>(
    `SELECT g.rolname AS grantee, bool_or(a.is_grantable) AS grantable
       FROM pg_database d
            CROSS JOIN aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
            LEFT JOIN pg_roles g ON g.oid = a.grantee
      WHERE d.datname = current_database() AND a.privilege_type = 'CONNECT' AND (a.grantee <> d.datdba OR ${OWNER_IS_AMONG})
        AND (a.grantee = 0 OR EXISTS (SELECT FROM pg_roles r
                                       WHERE r.rolname = ANY($1) AND pg_has_role(r.oid, a.grantee, 'USAGE')))
      GROUP BY g.rolname ORDER BY g.rolname`,
    [roles],
  );
}

/** SQL condition on a row `r` of pg_roles: it has CONNECT still when it is taken from the roles in $1 and, by $2, PUBLIC. */
const KEEPS_CONNECT = `EXISTS (
  SELECT FROM pg_database d
         CROSS JOIN aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
         LEFT JOIN pg_roles g ON g.oid = a.grantee
   WHERE d.datname = current_database() AND a.privilege_type = 'CONNECT'
     AND (a.grantee = 0 OR pg_has_role(r.oid, a.grantee, 'USAGE'))
     AND CASE WHEN a.grantee = 0 THEN NOT $2::bool ELSE g.rolname <> ALL ($1::text[]) END)`;

const takenFrom = (taken: readonly ConnectRightDoc[]) => [
  taken.flatMap(({ grantee }) => grantee ?? []),
  taken.some(({ grantee }) => grantee === null),
];

/** This session's own login, where it would have CONNECT no more once these rights are taken. */
export async function losesConnect(session: Session, taken: readonly ConnectRightDoc[]): Promise<string[]> {
  const rows = await session.query<{ role: string }>(
    `SELECT r.rolname AS role FROM pg_roles r
      WHERE r.rolname = session_user AND NOT r.rolsuper AND NOT ${KEEPS_CONNECT}`,
    takenFrom(taken),
  );
  return rows.map(({ role }) => role);
}

/**
 * Takes these rights, and no other, once those who must still get in have it by name: all of it, or nothing. What is gone
 * already stays gone.
 */
export async function takeConnect(
  session: Session,
  rights: readonly ConnectRightDoc[],
  granted: readonly string[] = [],
): Promise<void> {
  await withTransaction(session, async () => {
    for (const right of byName(granted)) await change(session, "GRANT", right);
    for (const right of await ofLivingRoles(session, rights)) await change(session, "REVOKE", right);
  });
}

/**
 * Gives back what was taken, takes back what was given for the fence's sake, and touches nothing else: what was granted
 * or revoked meanwhile stays as it is. Roles that were dropped meanwhile have nothing to be given back.
 * @throws Error naming the rights that are not there afterwards.
 */
export async function giveBack(
  session: Session,
  taken: readonly ConnectRightDoc[],
  granted: readonly string[] = [],
): Promise<void> {
  const wanted = await ofLivingRoles(session, taken);
  await withTransaction(session, async () => {
    for (const right of without(wanted, await allConnectRights(session)))
      await change(session, "GRANT", right);
    for (const right of await ofLivingRoles(session, byName(granted))) await change(session, "REVOKE", right);
  });
  const missing = without(wanted, await allConnectRights(session));
  if (missing.length > 0) {
    const names = missing.map(({ grantee }) => grantee ?? "PUBLIC").join(", ");
    throw new Error(
      `The fence took CONNECT from ${names}, and it could not be given back. Grant it by hand.`,
    );
  }
}

const byName = (roles: readonly string[]): ConnectRightDoc[] =>
  roles.map((grantee) => ({ grantee, grantable: false }));

/** Those that are not there, or there without the grant option that they had. */
function without(wanted: readonly ConnectRightDoc[], there: readonly ConnectRightDoc[]): ConnectRightDoc[] {
  return wanted.filter(
    ({ grantee, grantable }) =>
      !there.some((right) => right.grantee === grantee && (right.grantable || !grantable)),
  );
}

async function allConnectRights(session: Session): Promise<ConnectRightDoc[]> {
  return await session.query<{ grantee: string | null; grantable: boolean }>(
    `SELECT g.rolname AS grantee, bool_or(a.is_grantable) AS grantable
       FROM pg_database d
            CROSS JOIN aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
            LEFT JOIN pg_roles g ON g.oid = a.grantee
      WHERE d.datname = current_database() AND a.privilege_type = 'CONNECT' GROUP BY g.rolname`,
  );
}

async function ofLivingRoles(
  session: Session,
  rights: readonly ConnectRightDoc[],
): Promise<readonly ConnectRightDoc[]> {
  const names = rights.flatMap(({ grantee }) => grantee ?? []);
  const living = await session.query<{ role: string }>(
    "SELECT rolname AS role FROM pg_roles WHERE rolname = ANY($1)",
    [names],
  );
  return rights.filter(({ grantee }) => grantee === null || living.some(({ role }) => role === grantee));
}

async function change(session: Session, verb: "GRANT" | "REVOKE", right: ConnectRightDoc): Promise<void> {
  const { sql } = await requireRow<{ sql: string }>(
    session,
    `SELECT format('%s CONNECT ON DATABASE %I %s %s%s', $1::text, current_database(),
              CASE WHEN $1 = 'GRANT' THEN 'TO' ELSE 'FROM' END,
              CASE WHEN $2::text IS NULL THEN 'PUBLIC' ELSE quote_ident($2) END,
              CASE WHEN $3 AND $1 = 'GRANT' THEN ' WITH GRANT OPTION' ELSE '' END) AS sql`,
    [verb, right.grantee, right.grantable],
  );
  await session.exec(sql);
}

/** SQL condition on a row `r` of pg_roles: it acts as the database's owner, whose CONNECT is not taken. */
const ACTS_AS_OWNER = `(pg_has_role(r.oid, ${OWNER}, 'USAGE') AND NOT ${OWNER_IS_AMONG})`;
const IS_MEMBER =
  "EXISTS (SELECT FROM pg_roles app WHERE app.rolname = ANY($1) AND pg_has_role(r.oid, app.oid, 'MEMBER'))";
const MAY_BE_FENCED = "NOT r.rolsuper AND r.rolname NOT IN (current_user, session_user)";

/**
 * The application's roles with every role that acts as one of them. Not among these: superusers, whom nothing fences; the
 * migrating role; and who acts as the database's owner, unless the application itself does. Owners are members so that
 * they can run checks as the application.
 */
export async function withMembers(session: Session, roles: readonly string[]): Promise<string[]> {
  const rows = await session.query<{ role: string }>(
    `SELECT r.rolname AS role FROM pg_roles r
      WHERE r.rolname = ANY($1)
         OR (${MAY_BE_FENCED} AND NOT ${ACTS_AS_OWNER} AND ${IS_MEMBER})
      ORDER BY role`,
    [roles],
  );
  return rows.map((row) => row.role);
}

/** Those of the roles that may still connect. */
export async function stillAllowed(session: Session, roles: readonly string[]): Promise<string[]> {
  const rows = await session.query<{ role: string }>(
    `SELECT rolname AS role FROM pg_roles
      WHERE rolname = ANY($1) AND has_database_privilege(oid, current_database(), 'CONNECT') ORDER BY rolname`,
    [roles],
  );
  return rows.map((row) => row.role);
}

/** A session that may write to the database, and that the fence does not end. */
interface LooseSession {
  pid: number;
  role: string;
  program: string;
  /** It is logged in as Sluice is, and is not Sluice's. */
  own: boolean;
}

/** Whoever manages the server for its provider. */
const PROVIDERS = "^(rds(admin|repladmin|topmgr|proxyadmin|_.*)|cloudsqladmin|azuresu|azure_superuser)$";

/** Of these roles, those that may write to tables, or may become one that does; of superusers all. */
const WRITERS_AMONG = (roles: string) =>
  `SELECT o.oid FROM (${roles}) o
     JOIN LATERAL (SELECT g.oid, g.rolsuper FROM pg_roles g WHERE g.oid = o.oid OR pg_has_role(o.oid, g.oid, 'MEMBER')) g ON true
    WHERE g.rolsuper OR g.oid = ${OWNER} OR EXISTS (
      SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p', 'v') AND ${IS_USERS_SCHEMA("n.nspname")}
         AND (has_table_privilege(g.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
              OR has_any_column_privilege(g.oid, c.oid, 'INSERT, UPDATE')))`;

/**
 * Sessions of others that may write to tables, and that the fence neither ends nor keeps out. Whoever manages the server
 * for its provider is none of them.
 * @param fenced roles that the fence keeps out, as withMembers gives them
 */
export async function looseSessions(session: Session, fenced: readonly string[]): Promise<LooseSession[]> {
  // Without pg_read_all_stats the server does not tell the type of others' sessions.
  return await session.query<LooseSession>(
    `WITH other AS MATERIALIZED (
       SELECT a.pid, r.oid, r.rolname, coalesce(a.application_name, '') AS program, r.rolname = session_user AS own
         FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
        WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND r.rolname <> ALL ($1)
          AND coalesce(a.backend_type, 'client backend') = 'client backend'
          AND NOT (r.rolname = session_user AND starts_with(coalesce(a.application_name, ''), 'sluice'))
          AND r.rolname !~ '${PROVIDERS}'),
     writer AS (${WRITERS_AMONG("SELECT DISTINCT oid FROM other")})
     SELECT pid, rolname AS role, program, own FROM other WHERE oid IN (SELECT oid FROM writer) ORDER BY role, program, pid`,
    [fenced],
  );
}

/**
 * Roles that may log in and write, and keep CONNECT behind the fence, by name or as members of the database's owner. None
 * need be connected yet.
 */
export async function looseRoles(session: Session, fenced: readonly string[]): Promise<string[]> {
  const taken = await connectRights(session, fenced);
  const rows = await session.query<{ role: string }>(
    `WITH other AS MATERIALIZED (
       SELECT r.oid, r.rolname FROM pg_roles r
        WHERE r.rolcanlogin AND ${MAY_BE_FENCED} AND r.rolname <> ALL ($3) AND r.rolname !~ '${PROVIDERS}' AND ${KEEPS_CONNECT}),
     writer AS (${WRITERS_AMONG("SELECT oid FROM other")})
     SELECT rolname AS role FROM other WHERE oid IN (SELECT oid FROM writer) ORDER BY role`,
    [...takenFrom(taken), fenced],
  );
  return rows.map(({ role }) => role);
}

export const END_THEM =
  "The fence does not keep them out. End them, or name their roles in `applicationRoles`; where the application logs in as Sluice does, give Sluice a login of its own (docs/plan-format.md, One login for all).";

/** Such as `2 of shop_owner (psql)`. */
export function looseInWords(sessions: readonly LooseSession[]): string[] {
  const counted = new Map<string, number>();
  for (const { role, program, own } of sessions) {
    const who = `${role}${program === "" ? "" : ` (${program})`}${own ? ", which Sluice logs in as" : ""}`;
    counted.set(who, (counted.get(who) ?? 0) + 1);
  }
  return [...counted].map(([who, count]) => `${count} of ${who}`);
}

// Behind the fence nobody sees that a migration revokes CONNECT: it is gone already. So the plan's statements tell.

export function revokedByPlan(rights: readonly ConnectRightDoc[], plan: CompiledPlan): ConnectRightDoc[] {
  const steps = plan.migrations.flatMap(({ migrate }) => migrate.steps);
  const revoked = new Set(steps.flatMap(({ revokesConnect }) => revokesConnect ?? []));
  return rights.map((right) => (revoked.has(right.grantee) ? { ...right, revokedByPlan: true } : right));
}

/** The run has migrated production, and nothing of that was rolled back or restored. */
export async function migrationsStand(evidence: RunEvidence): Promise<boolean> {
  if (await evidence.read(Doc.rollback)) return false;
  if (await evidence.read(Doc.restored)) return false;
  for (const name of await evidence.list("steps/production-"))
    if ((await evidence.read(docName<StepsDoc>(name)))?.direction === "migrate") return true;
  return false;
}
