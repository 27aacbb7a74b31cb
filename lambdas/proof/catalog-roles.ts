import { IS_CONFIGURATION, IS_JOB_LOG, LEDGER_SCHEMA, MAY_READ_ROWS } from "../shared/user-objects.ts";
import { GRANTS_OF, LINES, SORTED, WHEN } from "./catalog-relations.ts";

/** Schemas whose objects last as long as a session, or are Sluice's own: their owners are not part of the catalog. */
const PASSING = `(SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_(toast|temp)' OR nspname = '${LEDGER_SCHEMA}')`;

/**
 * Roles that concern this database: roles that own something in it or are granted something, and the requested roles
 * ($1, a JSON array of names), with the roles that they are members of and their own members. Roles of the system and
 * of RDS belong to the provider; a membership in one shows with the member. CONNECT and TEMP alone do not count,
 * because the fence revokes them.
 */
export const ROLES_CONCERNED = `
seed AS MATERIALIZED (
  SELECT refobjid AS oid FROM pg_shdepend
   WHERE refclassid = 'pg_authid'::regclass
     AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND NOT (classid = 'pg_class'::regclass
              AND EXISTS (SELECT FROM pg_class c WHERE c.oid = objid AND c.relnamespace IN ${PASSING}))
     AND NOT (classid = 'pg_type'::regclass
              AND EXISTS (SELECT FROM pg_type t WHERE t.oid = objid AND t.typnamespace IN ${PASSING}))
     AND NOT (classid = 'pg_proc'::regclass
              AND EXISTS (SELECT FROM pg_proc p WHERE p.oid = objid AND p.pronamespace IN ${PASSING}))
     AND NOT (classid = 'pg_namespace'::regclass AND objid IN ${PASSING})
  UNION
  SELECT datdba FROM pg_database WHERE datname = current_database()
  UNION
  SELECT a.grantee FROM pg_database d CROSS JOIN aclexplode(d.datacl) a
   WHERE d.datname = current_database() AND a.privilege_type NOT IN ('CONNECT', 'TEMPORARY')
  UNION
  SELECT oid FROM pg_roles WHERE rolname IN (SELECT jsonb_array_elements_text($1::text::jsonb))
),
above (oid) AS (
  SELECT oid FROM seed UNION SELECT m.roleid FROM above JOIN pg_auth_members m ON m.member = above.oid
),
below (oid) AS (
  SELECT oid FROM seed UNION SELECT m.member FROM below JOIN pg_auth_members m ON m.roleid = below.oid
),
concerned AS MATERIALIZED (
  SELECT r.* FROM pg_roles r
   WHERE r.oid IN (SELECT oid FROM above UNION SELECT oid FROM below) AND r.rolname !~ '^(pg_|rds)'
)`;

/**
 * SQL of the roles that a role `r` is a member of, one line each. Since PostgreSQL 16 a membership has options for
 * inheriting and for SET ROLE; before, to_jsonb has no such key.
 */
export const MEMBERSHIPS = `(SELECT string_agg(line, chr(10) ORDER BY line COLLATE "C") FROM (
    SELECT concat_ws(', ', format('member of %s by %s', quote_ident(pg_get_userbyid(m.roleid)),
        quote_ident(pg_get_userbyid(m.grantor))),
      ${WHEN("m.admin_option", "'may grant it'")},
      ${WHEN("NOT coalesce((to_jsonb(m) ->> 'inherit_option')::bool, true)", "'without its rights'")},
      ${WHEN("NOT coalesce((to_jsonb(m) ->> 'set_option')::bool, true)", "'without SET ROLE'")}) AS line
    FROM pg_auth_members m WHERE m.member = r.oid) memberships)`;

/** The provider's roles are not listed themselves, so their memberships are listed here. */
const SYSTEM_MEMBERS = `(SELECT string_agg(DISTINCT 'has member ' || quote_ident(pg_get_userbyid(m.member)), chr(10))
    FROM pg_auth_members m WHERE m.roleid = r.oid AND pg_get_userbyid(m.member) ~ '^(pg_|rds)')`;

/** A setting's value. Custom settings may hold secrets, so only a digest is shown. */
const VALUE = `CASE WHEN split_part(setting, '=', 1) LIKE '%.%'
         THEN 'value with sha256 ' || encode(sha256(convert_to(substr(setting, strpos(setting, '=') + 1), 'UTF8')), 'hex')
         ELSE substr(setting, strpos(setting, '=') + 1) END`;

const parameterGrants = `
  SELECT p.parname, a.grantee, a.grantor,
         string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END, ', '
                    ORDER BY a.privilege_type COLLATE "C", a.is_grantable) AS privileges
    FROM pg_parameter_acl p CROSS JOIN aclexplode(p.paracl) a
   WHERE a.grantee = 0 OR a.grantee IN (SELECT oid FROM concerned)
   GROUP BY p.parname, a.grantee, a.grantor`;

/** Objects of the server that concern this database, and the database itself. Never a password or its hash. */
export const SHARED = [
  `SELECT 'role', quote_ident(r.rolname), ${LINES(
    WHEN("r.rolsuper", "'superuser'"),
    WHEN("NOT r.rolinherit", "'does not inherit'"),
    WHEN("r.rolcreaterole", "'may create roles'"),
    WHEN("r.rolcreatedb", "'may create databases'"),
    WHEN("r.rolcanlogin", "'may log in'"),
    WHEN("r.rolreplication", "'may replicate'"),
    WHEN("r.rolbypassrls", "'bypasses row security'"),
    "'connection limit: ' || nullif(r.rolconnlimit, -1)",
    "'valid until: ' || r.rolvaliduntil",
    MEMBERSHIPS,
    SYSTEM_MEMBERS,
    "'comment: ' || shobj_description(r.oid, 'pg_authid')",
  )}
   FROM concerned r`,

  `SELECT 'parameter', parname, string_agg(format('granted to %s by %s: %s',
       CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
       quote_ident(pg_get_userbyid(grantor)), privileges), chr(10)
     ORDER BY CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee)::text END COLLATE "C", pg_get_userbyid(grantor)::text COLLATE "C")
   FROM (${parameterGrants}) granted GROUP BY parname`,

  // The database's name differs between copies.
  `SELECT 'database', 'this one', ${LINES(
    "'owner: ' || pg_get_userbyid(d.datdba)",
    `(SELECT string_agg(line, chr(10) ORDER BY line COLLATE "C") FROM (
        SELECT DISTINCT format('%s granted to %s%s', a.privilege_type,
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
            CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END) AS line
          FROM aclexplode(d.datacl) a
         WHERE a.grantee <> d.datdba AND a.privilege_type NOT IN ('CONNECT', 'TEMPORARY')) granted)`,
    "'connection limit: ' || nullif(d.datconnlimit, -1)",
    WHEN("d.datistemplate", "'a template'"),
    WHEN("NOT d.datallowconn", "'lets nobody connect'"),
    "'comment: ' || shobj_description(d.oid, 'pg_database')",
  )}
   FROM pg_database d WHERE d.datname = current_database()`,

  `SELECT 'setting', concat_ws(' ', split_part(setting, '=', 1),
      'for role ' || quote_ident(pg_get_userbyid(nullif(s.setrole, 0))),
      ${WHEN("s.setdatabase = 0 AND s.setrole = 0", "'for every role'")},
      ${WHEN("s.setdatabase = 0", "'in every database'")}), ${VALUE}
   FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) setting
   WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
      OR (s.setdatabase = 0 AND (s.setrole = 0 OR s.setrole IN (SELECT oid FROM concerned)))`,

  `SELECT 'tablespace', quote_ident(t.spcname), ${LINES(
    "'owner: ' || pg_get_userbyid(t.spcowner)",
    GRANTS_OF("coalesce(t.spcacl, acldefault('t', t.spcowner))"),
    `'options: ' || ${SORTED("t.spcoptions")}`,
    "'comment: ' || shobj_description(t.oid, 'pg_tablespace')",
  )}
   FROM pg_tablespace t WHERE t.oid >= 16384 OR t.spcacl IS NOT NULL OR t.spcoptions IS NOT NULL
      OR shobj_description(t.oid, 'pg_tablespace') IS NOT NULL`,
];

/**
 * Who may connect and make temporary tables. Kept beside the catalog, because the fence revokes CONNECT and later
 * restores exactly what was there. The grantor does not matter.
 */
export const ACCESS_QUERY = `
SELECT 'access' AS kind, 'to this database' AS name, coalesce(string_agg(line, chr(10) ORDER BY line COLLATE "C"), '') AS definition
FROM (
  SELECT DISTINCT format('%s granted to %s%s', a.privilege_type,
      CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
      CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END) AS line
  FROM pg_database d CROSS JOIN aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
  WHERE d.datname = current_database() AND a.grantee <> d.datdba AND a.privilege_type IN ('CONNECT', 'TEMPORARY')
) granted`;

/** Columns of pg_subscription that this role may read on this version of PostgreSQL. */
export interface MayRead {
  subscription: readonly string[];
}

export const MAY_READ = `
SELECT array_agg(attname::text ORDER BY attname) AS subscription FROM pg_attribute
WHERE attrelid = 'pg_subscription'::regclass AND attnum > 0 AND NOT attisdropped
  AND has_column_privilege('pg_subscription', attname, 'SELECT')`;

/** Columns of a subscription that are shown separately, that replication alone changes, or that hold passwords. */
const NOT_LISTED = [
  "oid",
  "subdbid",
  "subskiplsn",
  "subname",
  "subowner",
  "subtwophasestate",
  "subconninfo",
  "subpublications",
];

/** SQL expression: a digest of a text that may hold a password. */
const DIGEST = (text: string) => `'sha256 ' || encode(sha256(convert_to(${text}, 'UTF8')), 'hex')`;

/** SQL expression: a connection string without its password. */
const WITHOUT_PASSWORD = (text: string) =>
  `regexp_replace(regexp_replace(${text}, $re$password\\s*=\\s*('(\\\\.|[^'])*'|\\S+)$re$, '', 'gi'), $re$(//[^:@/]*):[^@]*@$re$, '\\1@')`;

// Same rule as the view pg_user_mappings, which shows NULL both for no options and for hidden options.
const SEES_OPTIONS = `(
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
  OR (m.umuser <> 0 AND m.usename = current_user
      AND (pg_has_role(s.srvowner, 'USAGE') OR has_server_privilege(s.oid, 'USAGE')))
  OR (m.umuser = 0 AND pg_has_role(s.srvowner, 'USAGE')))`;

/** Branches of (kind, name, definition, unread) that only some roles may read. Unread objects have no definition. */
export function guarded({ subscription }: MayRead): string[] {
  const listed = subscription.filter((column) => !NOT_LISTED.includes(column));
  const here = "s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
  return [
    `SELECT 'subscription', quote_ident(s.subname), ${LINES(
      "'owner: ' || pg_get_userbyid(s.subowner)",
      ...listed.map((column) => `'${column.replace(/^sub/, "")}: ' || s.${column}::text`),
      `'publications: ' || ${SORTED("s.subpublications")}`,
      "'comment: ' || obj_description(s.oid, 'pg_subscription')",
    )}, false
     FROM pg_subscription s WHERE ${here}`,
    `SELECT 'connection of subscription', quote_ident(s.subname),
       ${subscription.includes("subconninfo") ? `${DIGEST(WITHOUT_PASSWORD("s.subconninfo"))}, false` : "'', true"}
     FROM pg_subscription s WHERE ${here}`,
    `SELECT 'options of user mapping', concat_ws(' on server ', quote_ident(m.usename), quote_ident(m.srvname)),
       CASE WHEN ${SEES_OPTIONS} THEN coalesce(${DIGEST(SORTED("m.umoptions"))}, 'none') ELSE '' END, NOT ${SEES_OPTIONS}
     FROM pg_user_mappings m JOIN pg_foreign_server s ON s.oid = m.srvid`,
    // Their rows are compared like those of other tables if they can be read.
    `SELECT 'rows of an extension''s table', c.oid::regclass::text, '', true
     FROM pg_class c WHERE c.relkind = 'r' AND ${IS_CONFIGURATION("c.oid")}
       AND (NOT ${MAY_READ_ROWS("c.oid")} OR ${IS_JOB_LOG("c.oid")})`,
  ];
}
