// Apart from sql-text.ts, which brings the driver with it: the report and the gates' page need these names alone.

/** Schema of the ledger. It is in no fingerprint and no checksum. */
export const LEDGER_SCHEMA = "sluice";

/** SQL condition on a schema's name: neither the system's nor the ledger's. */
export const IS_USERS_SCHEMA = (name: string) =>
  `(${name} !~ '^pg_' AND ${name} NOT IN ('information_schema', '${LEDGER_SCHEMA}'))`;

/** SQL condition: an extension's table that the extension marks as user data, as pg_dump reads it. */
export const IS_CONFIGURATION = (oid: string) =>
  `EXISTS (SELECT FROM pg_extension e WHERE ${oid} = ANY (e.extconfig))`;

/**
 * SQL condition: pg_cron's log of job runs, also of other databases' jobs. The fence does not stop pg_cron from writing
 * it, and it holds no user data.
 */
export const IS_JOB_LOG = (oid: string) =>
  `(${oid} IS NOT DISTINCT FROM to_regclass('cron.job_run_details'))`;

/** SQL condition: this role may read every row of the table. */
export const MAY_READ_ROWS = (oid: string) =>
  `(has_table_privilege(${oid}, 'SELECT') AND NOT row_security_active(${oid}))`;

/**
 * SQL condition on `pg_class c JOIN pg_namespace n`: a table with the user's rows. These are ordinary tables, leaf
 * partitions, and those extensions' tables that hold user data and that this role may read.
 */
export const IS_USERS_TABLE = `(c.relkind = 'r' AND ${IS_USERS_SCHEMA("n.nspname")}
  AND (NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
       OR (${IS_CONFIGURATION("c.oid")} AND ${MAY_READ_ROWS("c.oid")} AND NOT ${IS_JOB_LOG("c.oid")})))`;

/** SQL condition on a relation's oid: it is unlogged, so no snapshot has its rows. For a partitioned table: all leaves are. */
export const IS_UNLOGGED = (oid: string) =>
  `(SELECT bool_and(u.relpersistence = 'u') FROM pg_class u
     WHERE u.relkind = 'r' AND (u.oid = ${oid} OR u.oid IN (SELECT relid FROM pg_partition_tree(${oid})))) IS TRUE`;
