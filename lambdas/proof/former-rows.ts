import { ensureLedger, FORMER_ROWS } from "../ledger/ledger.ts";
import type { RecordName, TableContentDoc } from "../shared/documents.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { LEDGER_SCHEMA } from "../shared/user-objects.ts";
import { only, TABLE } from "./checksums.ts";
import { modeOf } from "./compare-contents.ts";
import { HASHES, type HashedColumn, rowHash } from "./hashes.ts";
import { withPinnedSnapshot, withPinnedWrites } from "./pinned.ts";

// On staging each row's key and hash are kept beside the ledger before a migration is rehearsed, so that a difference
// can name the rows. They are deleted with the copy. Production gets no such table.

const FORMER = `${LEDGER_SCHEMA}.${FORMER_ROWS}`;

/**
 * Limits that keep the cost near zero: rows of larger tables are not kept, nor those of further tables past the
 * total.
 */
const MOST_OF_A_TABLE = 100_000;
const MOST_IN_ALL = 500_000;
/** Most rows named for one table, over all kinds of difference. */
const MOST_NAMED = 5;
const MOST_CHARACTERS = 60;

/** Creates the table for them. Call it before the record starts: the user's event triggers may log a new table. */
export async function makeRoomForRows(session: Session): Promise<void> {
  await ensureLedger(session);
  if (await hasRoom(session)) return;
  await session.exec(
    `CREATE UNLOGGED TABLE IF NOT EXISTS ${FORMER} (record text NOT NULL, relation text NOT NULL, key jsonb NOT NULL, hash bigint NOT NULL)`,
  );
}

async function hasRoom(session: Session): Promise<boolean> {
  const { there } = await requireRow<{ there: boolean }>(
    session,
    "SELECT to_regclass($1) IS NOT NULL AS there",
    [FORMER],
  );
  return there;
}

/** Keeps key and hash of each row of smaller tables that have a key and were read in full. */
export async function keepRows(
  session: Session,
  record: RecordName,
  tables: readonly TableContentDoc[],
): Promise<void> {
  const bySize = [...tables].sort((a, b) => Number(a.rows) - Number(b.rows));
  let rows = 0;
  await withPinnedWrites(session, async () => {
    await session.query(`DELETE FROM ${FORMER} WHERE record = $1`, [record]);
    for (const content of bySize) {
      rows += Number(content.rows);
      if (Number(content.rows) > MOST_OF_A_TABLE || rows > MOST_IN_ALL) break;
      const read = modeOf(content) === "full" ? await rowsOf(session, content) : undefined;
      if (!read) continue;
      await session.query(
        `INSERT INTO ${FORMER} (record, relation, key, hash) SELECT $1, $2, now.* FROM (${read}) now`,
        [record, content.table],
      );
    }
  });
}

/** SQL of the current rows of (key, hash); undefined if the table or its key does not exist. */
async function rowsOf(
  session: Session,
  { table, columns, key = [] }: TableContentDoc,
): Promise<string | undefined> {
  const [found] = await session.query<{ table: string; condition: string | null }>(TABLE, [table]);
  const hashed = await session.query<HashedColumn>(HASHES, [table, JSON.stringify(columns)]);
  const parts = key.flatMap((name) => hashed.find((column) => column.name === name) ?? []);
  if (!found || parts.length === 0 || parts.length < key.length || hashed.length < columns.length)
    return undefined;
  return `SELECT jsonb_build_array(${parts.map(({ quoted }) => quoted).join(", ")}) AS key, ${rowHash(hashed)} AS hash
            FROM ONLY ${found.table} ${only("", found.condition ?? "")}`;
}

/**
 * Keys of the rows that differ, such as `by "id": changed 1, 2, 3 and 497 more; gone 17`.
 * @param was the table in the record
 * @returns undefined if its rows were not kept, or its key is gone
 */
export async function rowsThatDiffer(
  session: Session,
  record: RecordName,
  was: TableContentDoc,
): Promise<string | undefined> {
  return await withPinnedSnapshot(session, async () => {
    const read = (await hasRoom(session)) ? await rowsOf(session, was) : undefined;
    if (!read) return undefined;
    const { kept } = await requireRow<{ kept: string }>(
      session,
      `SELECT count(*)::text AS kept FROM ${FORMER} WHERE record = $1 AND relation = $2`,
      [record, was.table],
    );
    if (kept !== was.rows) return undefined;
    const found = await session.query<{ how: string; count: string; keys: string[][] }>(
      `SELECT how, count(*)::text AS count, 
              -- As text: a number may be too large for exact JSON.
              (SELECT json_agg((SELECT json_agg(part::text) FROM jsonb_array_elements(one) part))
                 FROM unnest((array_agg(key ORDER BY key))[1:${MOST_NAMED}]) one) AS keys
         FROM (SELECT coalesce(f.key, n.key) AS key,
                      CASE WHEN n.key IS NULL THEN 'gone' WHEN f.key IS NULL THEN 'added' ELSE 'changed' END AS how
                 FROM (SELECT key, hash FROM ${FORMER} WHERE record = $1 AND relation = $2) f
                 FULL JOIN (${read}) n ON n.key = f.key
                WHERE f.hash IS DISTINCT FROM n.hash) differ
        GROUP BY how ORDER BY how DESC`,
      [record, was.table],
    );
    return inWords(was.key ?? [], found);
  });
}

function inWords(
  key: readonly string[],
  found: readonly { how: string; count: string; keys: string[][] }[],
): string | undefined {
  let left = MOST_NAMED;
  const parts = found.map(({ how, count, keys }) => {
    const named = keys.slice(0, left).map(keyText);
    left -= named.length;
    const more = Number(count) - named.length;
    const rest = more > 0 ? [named.length > 0 ? `and ${more} more` : String(more)] : [];
    return [how, [named.join(", "), ...rest].filter((text) => text !== "").join(" ")].join(" ");
  });
  if (parts.length === 0) return undefined;
  const names = key.map((name) => JSON.stringify(name)).join(", ");
  return `by ${key.length === 1 ? names : `(${names})`}: ${parts.join("; ")}`;
}

/** @param key its values, each as JSON */
function keyText(key: readonly string[]): string {
  const parts = key.map((text) => {
    const characters = [...text];
    return characters.length > MOST_CHARACTERS ? `${characters.slice(0, MOST_CHARACTERS).join("")}…` : text;
  });
  return key.length === 1 ? parts.join() : `(${parts.join(", ")})`;
}
