import { type ConnectRightDoc, Doc, docName, type StepsDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import { requireRow, type Session, withTransaction } from "../shared/session.ts";
import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";

/** Reads the database's access list as text items; null: the default of a new database. */
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
 * SQL condition on the roles in $1: one of them is the database's owner, or acts as it. Then the fence also takes the
 * owner's CONNECT, and grants it by name to Sluice, which logs in as another role.
 */
const OWNER_IS_AMONG = `EXISTS (SELECT FROM pg_roles o WHERE o.rolname = ANY($1) AND NOT o.rolsuper AND pg_has_role(o.oid, ${OWNER}, 'USAGE'))`;

/** Returns the grants that give these roles CONNECT: by name, through PUBLIC, or through a role that they are in. */
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

/** SQL condition on a row `r` of pg_roles: it keeps CONNECT after the roles in $1 and, if $2, PUBLIC lose it. */
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

/** Returns this session's own login if it would lose CONNECT with these rights; otherwise an empty list. */
export async function losesConnect(session: Session, taken: readonly ConnectRightDoc[]): Promise<string[]> {
  const rows = await session.query<{ role: string }>(
    `SELECT r.rolname AS role FROM pg_roles r
      WHERE r.rolname = session_user AND NOT r.rolsuper AND NOT ${KEEPS_CONNECT}`,
    takenFrom(taken),
  );
  return rows.map(({ role }) => role);
}

/**
 * Takes exactly these rights, after granting CONNECT by name to the roles that must keep it. One transaction does all of
 * it. A right that is already gone stays gone.
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
 * Grants again what the fence took, revokes what it granted, and touches nothing else: grants and revokes by others
 * meanwhile stay. Roles that were dropped meanwhile are skipped.
 * @throws Error naming the rights that are missing afterwards
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
    throw new Error(`The fence took CONNECT from ${names} and could not give it back. Grant it by hand.`);
  }
}

const byName = (roles: readonly string[]): ConnectRightDoc[] =>
  roles.map((grantee) => ({ grantee, grantable: false }));

/** The wanted rights that are missing, or that lack their grant option. */
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

/** SQL condition on a row `r` of pg_roles: it acts as the database's owner, which keeps CONNECT. */
const ACTS_AS_OWNER = `(pg_has_role(r.oid, ${OWNER}, 'USAGE') AND NOT ${OWNER_IS_AMONG})`;
const IS_MEMBER =
  "EXISTS (SELECT FROM pg_roles app WHERE app.rolname = ANY($1) AND pg_has_role(r.oid, app.oid, 'MEMBER'))";
const MAY_BE_FENCED = "NOT r.rolsuper AND r.rolname NOT IN (current_user, session_user)";

/**
 * Returns the application's roles and every role that can act as one of them. Left out are superusers, which cannot be
 * fenced; the migrating role; and roles that act as the database's owner, unless the application itself does. Owners are
 * members only to run checks as the application.
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

/** Returns the roles that can still connect. */
export async function stillAllowed(session: Session, roles: readonly string[]): Promise<string[]> {
  const rows = await session.query<{ role: string }>(
    `SELECT rolname AS role FROM pg_roles
      WHERE rolname = ANY($1) AND has_database_privilege(oid, current_database(), 'CONNECT') ORDER BY rolname`,
    [roles],
  );
  return rows.map((row) => row.role);
}

/** A session that can write to the database and that the fence does not end. */
interface LooseSession {
  pid: number;
  role: string;
  program: string;
  /** It has Sluice's login but does not belong to Sluice. */
  own: boolean;
}

/** Roles of the provider that manages the server, as a regular expression. */
const PROVIDERS = "^(rds(admin|repladmin|topmgr|proxyadmin|_.*)|cloudsqladmin|azuresu|azure_superuser)$";

/** SQL: those of the roles that can write to tables or become a role that can, and all superusers. */
const WRITERS_AMONG = (roles: string) =>
  `SELECT o.oid FROM (${roles}) o
     JOIN LATERAL (SELECT g.oid, g.rolsuper FROM pg_roles g WHERE g.oid = o.oid OR pg_has_role(o.oid, g.oid, 'MEMBER')) g ON true
    WHERE g.rolsuper OR g.oid = ${OWNER} OR EXISTS (
      SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p', 'v') AND ${IS_USERS_SCHEMA("n.nspname")}
         AND (has_table_privilege(g.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
              OR has_any_column_privilege(g.oid, c.oid, 'INSERT, UPDATE')))`;

/**
 * Returns sessions of others that can write to tables and that the fence neither ends nor keeps out. The provider's own
 * roles are left out.
 * @param fenced roles that the fence keeps out, from withMembers
 */
export async function looseSessions(session: Session, fenced: readonly string[]): Promise<LooseSession[]> {
  // Without pg_read_all_stats the server hides the type of other roles' sessions.
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
 * Returns the roles that can log in and write, and keep CONNECT behind the fence, by name or as members of the database's
 * owner. They need not be connected.
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
  "The fence does not keep them out. End them, or name their roles in `applicationRoles`. If the application uses Sluice's login, give Sluice its own login (docs/plan-format.md, One login for all).";

/** Returns texts such as `2 of shop_owner (psql)`. */
export function looseInWords(sessions: readonly LooseSession[]): string[] {
  const counted = new Map<string, number>();
  for (const { role, program, own } of sessions) {
    const who = `${role}${program === "" ? "" : ` (${program})`}${own ? ", which Sluice logs in as" : ""}`;
    counted.set(who, (counted.get(who) ?? 0) + 1);
  }
  return [...counted].map(([who, count]) => `${count} of ${who}`);
}

// The fence has already taken CONNECT, so the database cannot show that a migration revokes it. The plan's statements do.

export function revokedByPlan(rights: readonly ConnectRightDoc[], plan: CompiledPlan): ConnectRightDoc[] {
  const steps = plan.migrations.flatMap(({ migrate }) => migrate.steps);
  const revoked = new Set(steps.flatMap(({ revokesConnect }) => revokesConnect ?? []));
  return rights.map((right) => (revoked.has(right.grantee) ? { ...right, revokedByPlan: true } : right));
}

/** Whether this run's migrations are on production: some were applied, and none rolled back or restored. */
export async function migrationsStand(evidence: RunEvidence): Promise<boolean> {
  if (await evidence.read(Doc.rollback)) return false;
  if (await evidence.read(Doc.restored)) return false;
  for (const name of await evidence.list("steps/production-"))
    if ((await evidence.read(docName<StepsDoc>(name)))?.direction === "migrate") return true;
  return false;
}
