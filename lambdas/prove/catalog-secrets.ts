import { IS_CONFIGURATION, IS_JOB_LOG, MAY_READ_ROWS } from "../shared/user-objects.ts";
import { LINES, SORTED } from "./catalog-text.ts";

/** Columns of pg_subscription that this role may read, on this version of PostgreSQL. */
export interface MayRead {
  subscription: readonly string[];
}

export const MAY_READ = `
SELECT array_agg(attname::text ORDER BY attname) AS subscription FROM pg_attribute
WHERE attrelid = 'pg_subscription'::regclass AND attnum > 0 AND NOT attisdropped
  AND has_column_privilege('pg_subscription', attname, 'SELECT')`;

/** Of a subscription, what is shown by itself, what changes by replication alone, and what holds passwords. */
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

/** What may hold a password: only a digest is shown. */
const DIGEST = (text: string) => `'sha256 ' || encode(sha256(convert_to(${text}, 'UTF8')), 'hex')`;

/** A connection string without its password. */
const WITHOUT_PASSWORD = (text: string) =>
  `regexp_replace(regexp_replace(${text}, $re$password\\s*=\\s*('(\\\\.|[^'])*'|\\S+)$re$, '', 'gi'), $re$(//[^:@/]*):[^@]*@$re$, '\\1@')`;

// As in the view pg_user_mappings, which shows NULL both where there are no options and where they may not be seen.
const SEES_OPTIONS = `(
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
  OR (m.umuser <> 0 AND m.usename = current_user
      AND (pg_has_role(s.srvowner, 'USAGE') OR has_server_privilege(s.oid, 'USAGE')))
  OR (m.umuser = 0 AND pg_has_role(s.srvowner, 'USAGE')))`;

/** Branches of (kind, name, definition, unread): what only some roles may read. Unread ones have no definition. */
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
    // Their rows are compared as those of other tables are, where they can be.
    `SELECT 'rows of an extension''s table', c.oid::regclass::text, '', true
     FROM pg_class c WHERE c.relkind = 'r' AND ${IS_CONFIGURATION("c.oid")}
       AND (NOT ${MAY_READ_ROWS("c.oid")} OR ${IS_JOB_LOG("c.oid")})`,
  ];
}
