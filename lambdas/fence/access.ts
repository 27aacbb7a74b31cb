import type { Session } from "../shared/session.ts";

/** One right on the database, as aclexplode tells it. `grantee` is null for PUBLIC. */
interface Right {
  grantee: string | null;
  privilege: string;
  grantable: boolean;
}

/** The database's access list as text items, or null where it is the one every new database has. */
export async function readAccess(session: Session): Promise<string[] | null> {
  const [row] = await session.query<{ acl: string[] | null }>(
    "SELECT datacl::text[] AS acl FROM pg_database WHERE datname = current_database()",
  );
  return row?.acl ?? null;
}

/** Takes CONNECT from these roles, however they have it: by name, through PUBLIC, or through a role they are in. */
export async function takeConnect(session: Session, roles: readonly string[]): Promise<void> {
  const statements = await session.query<{ sql: string }>(
    `SELECT DISTINCT CASE WHEN a.grantee = 0
              THEN format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', d.datname)
              ELSE format('REVOKE CONNECT ON DATABASE %I FROM %I', d.datname, g.rolname) END AS sql
       FROM pg_database d
            CROSS JOIN aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
            LEFT JOIN pg_roles g ON g.oid = a.grantee
      WHERE d.datname = current_database() AND a.privilege_type = 'CONNECT' AND a.grantee <> d.datdba
        AND (a.grantee = 0 OR EXISTS (SELECT FROM pg_roles r
                                       WHERE r.rolname = ANY($1) AND pg_has_role(r.oid, a.grantee, 'USAGE')))
      ORDER BY sql`,
    [roles],
  );
  for (const { sql } of statements) await session.exec(sql);
}

/**
 * The application's roles with every role that acts as one of them. Not among these: superusers, whom nothing fences,
 * and the migrating role, which is a member so that it can run checks as the application.
 */
export async function withMembers(session: Session, roles: readonly string[]): Promise<string[]> {
  const rows = await session.query<{ role: string }>(
    `SELECT r.rolname AS role FROM pg_roles r
      WHERE r.rolname = ANY($1)
         OR (NOT r.rolsuper AND r.rolname NOT IN (current_user, session_user)
             AND EXISTS (SELECT FROM pg_roles app WHERE app.rolname = ANY($1) AND pg_has_role(r.oid, app.oid, 'MEMBER')))
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

/**
 * Gives the database exactly the access list that it had: what is missing is granted, what is too much is revoked.
 * @throws Error when the list still differs afterwards, naming the difference.
 */
export async function giveBack(session: Session, before: readonly string[] | null): Promise<void> {
  const wanted = await rights(session, before);
  const key = (right: Right) => `${right.grantee ?? ""}\0${right.privilege}\0${right.grantable}`;
  const difference = (from: Right[], without: Right[]) => {
    const known = new Set(without.map(key));
    return from.filter((right) => !known.has(key(right)));
  };
  const now = await rights(session, await readAccess(session));
  // Revoked first: a right that is there with another grant option must go before it comes back as it was.
  for (const right of difference(now, wanted)) await change(session, "REVOKE", right);
  for (const right of difference(wanted, now)) await change(session, "GRANT", right);
  const after = await rights(session, await readAccess(session));
  const left = [...difference(after, wanted), ...difference(wanted, after)];
  if (left.length > 0) {
    const words = left.map((right) => `${right.privilege} of ${right.grantee ?? "PUBLIC"}`).join(", ");
    throw new Error(
      `The database's access list is not what it was before the fence: ${words}. Set it by hand.`,
    );
  }
}

/**
 * What the list gives to others than the owner, whose rights the fence never takes. Null stands for the default list.
 * Roles that were dropped meanwhile have no rights to give back. Who granted a right does not matter here, so the owner
 * stands in for all grantors: one that was dropped, as a former owner may be, takes nobody's right along.
 */
async function rights(session: Session, acl: readonly string[] | null): Promise<Right[]> {
  const items = acl?.map(readItem);
  return await session.query<{ grantee: string | null; privilege: string; grantable: boolean }>(
    `SELECT DISTINCT r.rolname AS grantee, a.privilege_type AS privilege, a.is_grantable AS grantable
       FROM pg_database d
            CROSS JOIN LATERAL (
              SELECT array_agg(format('%s=%s/%I', coalesce(quote_ident(item.grantee), ''), item.privileges,
                                      pg_get_userbyid(d.datdba))::aclitem) AS list
                FROM unnest($2::text[], $3::text[]) AS item(grantee, privileges)
               WHERE item.grantee IS NULL OR EXISTS (SELECT FROM pg_roles WHERE rolname = item.grantee)) noted
            CROSS JOIN aclexplode(CASE WHEN $1 THEN noted.list ELSE acldefault('d', d.datdba) END) a
            LEFT JOIN pg_roles r ON r.oid = a.grantee
      WHERE d.datname = current_database() AND a.grantee <> d.datdba`,
    [
      items !== undefined,
      items?.map((item) => item.grantee) ?? [],
      items?.map((item) => item.privileges) ?? [],
    ],
  );
}

/** An item of an access list as Postgres prints it: `grantee=privileges/grantor`, names in double quotes as needed. */
function readItem(item: string): { grantee: string | null; privileges: string } {
  const [, quoted, plain, privileges] = /^(?:"((?:[^"]|"")*)"|([^"=]*))=([^/]*)\//.exec(item) ?? [];
  if (privileges === undefined) throw new Error(`This is no item of an access list: ${item}`);
  // Nobody's name stands for PUBLIC.
  return { grantee: quoted?.replaceAll('""', '"') || plain || null, privileges };
}

async function change(session: Session, verb: "GRANT" | "REVOKE", right: Right): Promise<void> {
  const [row] = await session.query<{ sql: string }>(
    `SELECT format('%s %s ON DATABASE %I %s %s%s', $1::text, $2::text, current_database(),
              CASE WHEN $1 = 'GRANT' THEN 'TO' ELSE 'FROM' END,
              CASE WHEN $3::text IS NULL THEN 'PUBLIC' ELSE quote_ident($3) END,
              CASE WHEN $4 AND $1 = 'GRANT' THEN ' WITH GRANT OPTION' ELSE '' END) AS sql`,
    [verb, right.privilege, right.grantee, right.grantable],
  );
  if (row) await session.exec(row.sql);
}
