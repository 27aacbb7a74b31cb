import { ErrorName, isPostgresError, SluiceError } from "../../lambdas/shared/errors.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { type Holder, holdersOf } from "../server/holders.ts";

const OBJECT_IN_USE = "55006";

/**
 * From this size on copying files is faster than writing every page to the log first. It takes two checkpoints, which cost
 * a small database more than its pages do. Measured on PostgreSQL 17.12, medians of 3 in seconds, WAL_LOG and FILE_COPY:
 * 8 MB 0.17 and 0.43; 54 MB 0.33 and 0.33; 207 MB 1.06 and 0.78; 673 MB (5 million rows) 6.3 and 3.6.
 */
export const FILE_COPY_FROM_BYTES = 64 * 1024 * 1024;

/**
 * Average size of a relation from which copying files is faster: each file is flushed on its own. For 8,400 relations with
 * 150 MB, WAL_LOG took 5 s and FILE_COPY 13 s.
 */
const FILE_COPY_FROM_BYTES_EACH = 150 * 1024;

const OTHERWISE = `
Or copy it in another way while it is in use. --copy physical makes a separate server with pg_basebackup, like a restored snapshot (not with --apply). --copy dump uses pg_dump and pg_restore, which shows less.`;

interface Source {
  name: string;
  owner: string;
  isLarge: boolean;
  version: number;
}

/**
 * Copies a database by CREATE DATABASE ... TEMPLATE, which allows no other session in the original.
 * @param relations number of relations in the original, if known
 * @throws SluiceError FleetFailed if other sessions hold it
 */
export async function copyByTemplate(
  session: Session,
  from: string,
  to: string,
  relations = 0,
): Promise<void> {
  const [source] = await session.query<Source>(
    `SELECT quote_ident(datname) AS name, quote_ident(pg_get_userbyid(datdba)) AS owner,
            current_setting('server_version_num')::int AS version,
            CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) >= $2 ELSE false END AS "isLarge"
       FROM pg_database WHERE datname = $1`,
    [from, Math.max(FILE_COPY_FROM_BYTES, relations * FILE_COPY_FROM_BYTES_EACH)],
  );
  if (!source) throw new SluiceError(ErrorName.FleetFailed, `There is no database ${from}`);
  const [target] = await session.query<{ name: string }>("SELECT quote_ident($1) AS name", [to]);
  const strategy = source.isLarge ? "FILE_COPY" : "WAL_LOG";
  const sql = `CREATE DATABASE ${target?.name} TEMPLATE ${source.name} OWNER ${source.owner} STRATEGY ${strategy}`;
  if (source.isLarge && source.version >= 180_000 && (await cloned(session, sql))) return;
  await alone(session, sql, from, OTHERWISE);
}

/** Has the file system share the files, which PostgreSQL 18 can do. Returns false if the server or the file system cannot. */
async function cloned(session: Session, sql: string): Promise<boolean> {
  try {
    await session.exec("SET file_copy_method = clone");
    await session.exec(sql);
    return true;
  } catch (error) {
    // If cloning was not the reason, the usual way fails with the same error.
    if (!isPostgresError(error)) throw error;
    await session.exec("RESET file_copy_method");
    return false;
  }
}

/** Runs a statement that allows no other session in the database. If there are some, reports them and what to do. */
export async function alone(session: Session, sql: string, database: string, otherwise = ""): Promise<void> {
  try {
    await session.exec(sql);
  } catch (error) {
    if (!isPostgresError(error) || error.code !== OBJECT_IN_USE) throw error;
    const holders = await holdersOf(session, database);
    const text = heldText(database, holders, error.detail ?? error.message);
    throw new SluiceError(ErrorName.FleetFailed, `${text}${otherwise}`, { cause: error });
  }
}

function heldText(database: string, holders: readonly Holder[], reason: string): string {
  return [
    `${database} is in use, and a copy on the same server allows no other session: ${reason}`,
    ...holders.map(({ what, helps }) => `- ${what}: ${helps}.`),
    ...(holders.length === 0 ? ["- it is no longer in use: start again."] : []),
  ].join("\n");
}
