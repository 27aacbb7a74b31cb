import { fingerprintOf } from "../lambdas/proof/catalog.ts";
import { MEMBERSHIPS } from "../lambdas/proof/catalog-roles.ts";
import { describeDifference, differences } from "../lambdas/proof/difference.ts";
import type { CatalogObject, Fingerprint } from "../lambdas/shared/documents.ts";
import type { Session } from "../lambdas/shared/session.ts";

/** $1: a database. Reads roles of the whole server, their settings, grants on parameters, and that database's own. */
const SERVER = `
SELECT 'role' AS kind, rolname::text AS name, concat_ws(chr(10),
    concat_ws(' ', rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
              rolconnlimit, rolvaliduntil),
    ${MEMBERSHIPS},
    'comment: ' || shobj_description(r.oid, 'pg_authid')) AS definition
  FROM pg_roles r
UNION ALL
SELECT 'settings', concat_ws(' ', 'of role ' || pg_get_userbyid(nullif(setrole, 0)), 'in ' || datname),
       encode(sha256(convert_to(array_to_string(setconfig, chr(10)), 'UTF8')), 'hex')
  FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = setdatabase
 WHERE setdatabase = 0 OR d.datname = $1
UNION ALL
SELECT 'tablespace', spcname::text, concat_ws(chr(10), pg_get_userbyid(spcowner), spcacl::text, spcoptions::text,
       'comment: ' || shobj_description(oid, 'pg_tablespace'))
  FROM pg_tablespace
UNION ALL
SELECT 'parameter', parname, paracl::text FROM pg_parameter_acl
UNION ALL
SELECT 'database', datname::text, concat_ws(' ', pg_get_userbyid(datdba), datconnlimit, datistemplate, datallowconn,
       'comment: ' || shobj_description(oid, 'pg_database'))
  FROM pg_database WHERE datname = $1`;

/** The state of a server beside its databases' contents, as far as a migration could change it. */
export async function takeServerState(session: Session, database: string): Promise<Fingerprint> {
  return fingerprintOf(await session.query<CatalogObject>(SERVER, [database]));
}

/** The changes, one readable line each. */
export function serverChanges(before: Fingerprint, after: Fingerprint): string[] {
  return differences(before, after).map(describeDifference);
}
