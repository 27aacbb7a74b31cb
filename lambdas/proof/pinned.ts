import { requireRow, type Session } from "../shared/session.ts";

/**
 * Everything that changes how the server spells a value or a definition is pinned; the transaction's end gives the
 * session back as it was. An empty path makes it qualify every name; pg_temp comes last in it, so that a session's
 * temporary table cannot stand in for a catalog. With row_security off, a read that a policy would filter is an error.
 * Compiling these queries takes longer than running them, hence no jit.
 */
export const PINNED = `
  SET LOCAL search_path = pg_catalog, pg_temp;
  SET LOCAL quote_all_identifiers = off;
  SET LOCAL standard_conforming_strings = on;
  SET LOCAL client_encoding = 'UTF8';
  SET LOCAL TimeZone = 'UTC';
  SET LOCAL DateStyle = 'ISO, YMD';
  SET LOCAL IntervalStyle = 'postgres';
  SET LOCAL extra_float_digits = 1;
  SET LOCAL bytea_output = 'hex';
  SET LOCAL lc_monetary = 'C';
  SET LOCAL lc_numeric = 'C';
  SET LOCAL lc_time = 'C';
  SET LOCAL xmlbinary = 'base64';
  SET LOCAL row_security = off;
  SET LOCAL jit = off;
`;

/** A query that any server answers with one row. */
export const ALIVE = "SELECT 1 AS alive";

/**
 * Runs `read` in a read-only transaction of its own that sees one snapshot, under settings that do not depend on
 * the session. The session must not be in a transaction: one that has read already makes this reject with 25001.
 */
export async function withPinnedSnapshot<T>(session: Session, read: () => Promise<T>): Promise<T> {
  return await pinned(session, "READ ONLY", read);
}

/** The same, to keep in the database itself what was read: only ever on a copy. */
export async function withPinnedWrites<T>(session: Session, work: () => Promise<T>): Promise<T> {
  return await pinned(session, "READ WRITE", work);
}

async function pinned<T>(
  session: Session,
  access: "READ ONLY" | "READ WRITE",
  read: () => Promise<T>,
): Promise<T> {
  try {
    await session.exec(`BEGIN ISOLATION LEVEL REPEATABLE READ ${access}; ${PINNED}`);
    const result = await read();
    // An embedded server may break without a word and answer everything with no rows: then there is no row here either.
    await requireRow(session, ALIVE);
    await session.exec("COMMIT");
    return result;
  } catch (error) {
    await session.exec("ROLLBACK").catch(() => undefined);
    throw error;
  }
}
