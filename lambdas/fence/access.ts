import type { ConnectRightDoc } from "../shared/documents.ts";
import { needRow, type Session } from "../shared/session.ts";

/** The database's access list as text items, or null where it is the one every new database has. */
export async function readAccess(session: Session): Promise<string[] | null> {
  const { acl } = await needRow<{ acl: string[] | null }>(
    session,
    "SELECT datacl::text[] AS acl FROM pg_database WHERE datname = current_database()",
  );
  return acl;
}

/** How these roles have CONNECT: by name, through PUBLIC, or through a role they are in. The owner's cannot be taken. */
export async function connectRights(session: Session, roles: readonly string[]): Promise<ConnectRightDoc[]> {
  return await session.query<{ grantee: string | null; grantable: boolean }>(
    `SELECT g.rolname AS grantee, bool_or(a.is_grantable) AS grantable
       FROM pg_database d
            CROSS JOIN aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
            LEFT JOIN pg_roles g ON g.oid = a.grantee
      WHERE d.datname = current_database() AND a.privilege_type = 'CONNECT' AND a.grantee <> d.datdba
        AND (a.grantee = 0 OR EXISTS (SELECT FROM pg_roles r
                                       WHERE r.rolname = ANY($1) AND pg_has_role(r.oid, a.grantee, 'USAGE')))
      GROUP BY g.rolname ORDER BY g.rolname`,
    [roles],
  );
}

/** Takes these rights, and no other. What is gone already stays gone. */
export async function takeConnect(session: Session, rights: readonly ConnectRightDoc[]): Promise<void> {
  for (const right of await ofLivingRoles(session, rights)) await change(session, "REVOKE", right);
}

/**
 * Gives back what was taken, and touches nothing else: what was granted or revoked meanwhile stays as it is. Roles that
 * were dropped meanwhile have nothing to be given back.
 * @throws Error naming the rights that are not there afterwards.
 */
export async function giveBack(session: Session, taken: readonly ConnectRightDoc[]): Promise<void> {
  const wanted = await ofLivingRoles(session, taken);
  for (const right of without(wanted, await allConnectRights(session))) await change(session, "GRANT", right);
  const missing = without(wanted, await allConnectRights(session));
  if (missing.length > 0) {
    const names = missing.map(({ grantee }) => grantee ?? "PUBLIC").join(", ");
    throw new Error(
      `The fence took CONNECT from ${names}, and it could not be given back. Grant it by hand.`,
    );
  }
}

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
  const { sql } = await needRow<{ sql: string }>(
    session,
    `SELECT format('%s CONNECT ON DATABASE %I %s %s%s', $1::text, current_database(),
              CASE WHEN $1 = 'GRANT' THEN 'TO' ELSE 'FROM' END,
              CASE WHEN $2::text IS NULL THEN 'PUBLIC' ELSE quote_ident($2) END,
              CASE WHEN $3 AND $1 = 'GRANT' THEN ' WITH GRANT OPTION' ELSE '' END) AS sql`,
    [verb, right.grantee, right.grantable],
  );
  await session.exec(sql);
}

/** SQL condition on a row `r` of pg_roles: it acts as the database's owner, whose CONNECT cannot be taken. */
const ACTS_AS_OWNER =
  "pg_has_role(r.oid, (SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE')";
const IS_MEMBER =
  "EXISTS (SELECT FROM pg_roles app WHERE app.rolname = ANY($1) AND pg_has_role(r.oid, app.oid, 'MEMBER'))";
const MAY_BE_FENCED = "NOT r.rolsuper AND r.rolname NOT IN (current_user, session_user)";

/**
 * The application's roles with every role that acts as one of them. Not among these: superusers and who acts as the
 * database's owner, whom nothing fences, and the migrating role. Owners are members so that they can run checks as the
 * application.
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

/** Members of the application's roles that act as the database's owner too, and may log in. */
export async function ownersAmongMembers(session: Session, roles: readonly string[]): Promise<string[]> {
  const rows = await session.query<{ role: string }>(
    `SELECT r.rolname AS role FROM pg_roles r
      WHERE r.rolname <> ALL($1) AND r.rolcanlogin AND ${MAY_BE_FENCED} AND ${ACTS_AS_OWNER} AND ${IS_MEMBER}
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
