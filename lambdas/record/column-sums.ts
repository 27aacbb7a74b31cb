import { withPinnedSnapshot } from "../prove/pinned.ts";
import type { Session } from "../shared/session.ts";
import { EXPRESSIONS } from "./checksum-sql.ts";

/** What some rows of a table hold, column by column. Sums of parts of a table are those of the whole. */
export interface ColumnSums {
  /** Decimal text. */
  rows: string;
  /** Of each column a sum of a hash of its value and the row's key: values that change places change it. */
  sums: Record<string, string>;
  /** The same of the primary key alone; null: the table has none. */
  keys: string | null;
}

/**
 * Sums the columns of those rows of a table that a condition picks.
 * @param table as `listTables` gives it
 * @param where such as `WHERE x > 1`, or empty
 */
export function takeColumnSums(
  session: Session,
  table: string,
  columns: readonly string[],
  where: string,
): Promise<ColumnSums> {
  return withPinnedSnapshot(session, async () => {
    const hashed = await session.query<{ name: string; expression: string; key: boolean }>(EXPRESSIONS, [
      table,
      JSON.stringify(columns),
    ]);
    const key = hashed.filter((column) => column.key).map(({ expression }) => expression);
    const sum = (expressions: readonly string[]) =>
      `coalesce(sum(hash_record_extended(ROW(${expressions.join(", ")}), 0)::numeric), 0)::text`;
    const [row] = await session.query<{ rows: string; keys: string | null; sums: string[] }>(
      `SELECT count(*)::text AS rows, ${key.length > 0 ? sum(key) : "NULL::text"} AS keys,
              ARRAY[${hashed.map(({ expression }) => sum([...key, expression])).join(", ")}]::text[] AS sums
         FROM ONLY ${table} ${where}`,
    );
    if (!row) throw new Error(`The server gave no sums of ${table}`);
    return {
      rows: row.rows,
      keys: row.keys,
      sums: Object.fromEntries(hashed.map(({ name }, place) => [name, row.sums[place] ?? "0"])),
    };
  });
}

/** Of the whole what is not of the part. */
export function without(whole: ColumnSums, part: ColumnSums): ColumnSums {
  return combined(whole, part, (a, b) => a - b);
}

export function together(a: ColumnSums, b: ColumnSums): ColumnSums {
  return combined(a, b, (x, y) => x + y);
}

function combined(a: ColumnSums, b: ColumnSums, how: (x: bigint, y: bigint) => bigint): ColumnSums {
  const apply = (x: string, y: string) => how(BigInt(x), BigInt(y)).toString();
  return {
    rows: apply(a.rows, b.rows),
    keys: a.keys === null || b.keys === null ? null : apply(a.keys, b.keys),
    sums: Object.fromEntries(
      Object.entries(a.sums).flatMap(([name, sum]) => {
        const other = b.sums[name];
        return other === undefined ? [] : [[name, apply(sum, other)]];
      }),
    ),
  };
}
