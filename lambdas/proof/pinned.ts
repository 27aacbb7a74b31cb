import { requireRow, type Session } from "../shared/session.ts";

/**
 * Pins every setting that changes how the server spells a value or a definition; the end of the transaction resets
 * the session. With an empty path the server qualifies every name; pg_temp comes last in it, so that a temporary
 * table cannot stand in for a catalog. With row_security off, a read that a policy would filter is an error.
 * Compiling these queries takes longer than running them, so jit is off.
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

/** A query that every server answers with one row. */
export const ALIVE = "SELECT 1 AS alive";

/**
 * Runs `read` in a read-only transaction of its own that sees one snapshot, under settings independent of the
 * session. The session must not be in a transaction: after a first read in one, this rejects with 25001.
 */
export async function withPinnedSnapshot<T>(session: Session, read: () => Promise<T>): Promise<T> {
  return await pinned(session, "READ ONLY", read);
}

/** The same with write access, to keep results in the database itself: use it only on a copy. */
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
    // An embedded server may break silently and answer every query with no rows: then this query fails.
    await requireRow(session, ALIVE);
    await session.exec("COMMIT");
    return result;
  } catch (error) {
    await session.exec("ROLLBACK").catch(() => undefined);
    throw error;
  }
}
