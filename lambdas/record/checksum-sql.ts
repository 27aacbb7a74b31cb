import { IS_USERS_TABLE } from "../shared/user-objects.ts";

/** Rows of { table, columns, blocks }: what `listTables` says. */
export const TABLES = `
SELECT format('%I.%I', n.nspname, c.relname) AS table,
       coalesce((SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'),
                '[]') AS columns,
       (pg_relation_size(c.oid) / current_setting('block_size')::int)::float8 AS blocks
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ${IS_USERS_TABLE}
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

/**
 * $1: a table. One row { table, condition } with its name, quoted by the server, and, of an extension's table, which of
 * its rows are user data (empty: all); none when there is no such table.
 */
export const TABLE = `
SELECT format('%I.%I', n.nspname, c.relname) AS table,
       (SELECT regexp_replace(e.extcondition[array_position(e.extconfig, c.oid)], '^\\s*WHERE\\s', '', 'i')
          FROM pg_extension e WHERE c.oid = ANY (e.extconfig)) AS condition
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1::text)`;
