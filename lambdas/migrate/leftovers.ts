import type { Leftover } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { relationName } from "../shared/sql-text.ts";

/** What there is of an index that a statement builds, or of those that it builds anew. */
export interface Found {
  /** It is there, whole, and in use. */
  valid: boolean;
  /** Names of what a statement that was broken off left behind. */
  invalid: string[];
}

// CREATE INDEX leaves the index itself; REINDEX leaves the new one beside it, or the old one. An index is in the schema
// of its table.
const FIND = `
  SELECT format('%I.%I', n.nspname, c.relname) AS name, i.indisvalid AND i.indisready AS valid, c.relname = $1 AS itself
    FROM pg_class anchor
    JOIN pg_class c ON c.relnamespace = anchor.relnamespace
    JOIN pg_index i ON i.indexrelid = c.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE anchor.oid = to_regclass($3)
     AND CASE WHEN $2 = 'table' THEN i.indrelid = anchor.oid AND c.relname ~ '_cc(new|old)[0-9]*$'
              ELSE regexp_replace(c.relname, '_cc(new|old)[0-9]*$', '') = $1 END
   ORDER BY 1`;

export async function findLeftovers(session: Session, { of, name, beside }: Leftover): Promise<Found> {
  const rows = await session.query<{ name: string; valid: boolean; itself: boolean }>(FIND, [
    name,
    of,
    relationName(beside),
  ]);
  return {
    valid: rows.some(({ valid, itself }) => valid && itself),
    // An index that REINDEX found invalid is mended by it; one that CREATE INDEX left so must go.
    invalid: rows.filter(({ valid, itself }) => !valid && !(itself && of === "index")).map((row) => row.name),
  };
}
