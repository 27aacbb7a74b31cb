import pg from "pg";

// For SQL that is sent as a message of several statements, which takes no parameters.

/** A text as an SQL literal. */
export const literal = (text: string): string => pg.escapeLiteral(text);

/** A name as an SQL identifier. */
export const identifier = (name: string): string => pg.escapeIdentifier(name);

/** A value as a jsonb literal. */
export const jsonLiteral = (value: unknown): string => `${literal(JSON.stringify(value))}::jsonb`;

/** A relation's name, with its schema where it has one. */
export function relationName({ schema, name }: { schema?: string | undefined; name: string }): string {
  return schema === undefined ? identifier(name) : `${identifier(schema)}.${identifier(name)}`;
}

/** Where Sluice keeps its own record of what it did; no part of any fingerprint or checksum. */
export const LEDGER_SCHEMA = "sluice";

/** SQL condition on an expression that is a schema's name: neither the system's nor the ledger's. */
export const IS_USERS_SCHEMA = (name: string) =>
  `(${name} !~ '^pg_' AND ${name} NOT IN ('information_schema', '${LEDGER_SCHEMA}'))`;

/** SQL condition: a table of an extension's that holds user data by the extension's own word, as pg_dump has it. */
export const IS_CONFIGURATION = (oid: string) =>
  `EXISTS (SELECT FROM pg_extension e WHERE ${oid} = ANY (e.extconfig))`;

/**
 * SQL condition: what pg_cron writes by itself of every run of a job, also of jobs of other databases. No fence keeps it
 * still, and nobody's data are in it.
 */
export const IS_JOB_LOG = (oid: string) =>
  `(${oid} IS NOT DISTINCT FROM to_regclass('cron.job_run_details'))`;

/** SQL condition: this role may read every row of the table. */
export const MAY_READ_ROWS = (oid: string) =>
  `(has_table_privilege(${oid}, 'SELECT') AND NOT row_security_active(${oid}))`;

/**
 * SQL condition on `pg_class c JOIN pg_namespace n`: a table that holds rows of the user's. Ordinary tables and leaves of
 * partitioned ones; of extensions' tables those that hold user data, where this role may read them.
 */
export const IS_USERS_TABLE = `(c.relkind = 'r' AND ${IS_USERS_SCHEMA("n.nspname")}
  AND (NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
       OR (${IS_CONFIGURATION("c.oid")} AND ${MAY_READ_ROWS("c.oid")} AND NOT ${IS_JOB_LOG("c.oid")})))`;

/** SQL condition on a relation's oid: its rows are in no snapshot. A partitioned table is that where all of its leaves are. */
export const IS_UNLOGGED = (oid: string) =>
  `(SELECT bool_and(u.relpersistence = 'u') FROM pg_class u
     WHERE u.relkind = 'r' AND (u.oid = ${oid} OR u.oid IN (SELECT relid FROM pg_partition_tree(${oid})))) IS TRUE`;
