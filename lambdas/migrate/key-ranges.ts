import type { BatchedStep, ObjectName } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { identifier, literal, relationName } from "../shared/sql-text.ts";
import type { Checkpoint } from "./ledger.ts";

/** A column of a primary key, and how the server spells its type. */
export interface KeyColumn {
  name: string;
  type: string;
}

/** The primary key's columns in their order; none where the table has no key, or is not there. */
export async function primaryKey(session: Session, table: ObjectName): Promise<KeyColumn[]> {
  return await session.query<KeyColumn>(
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
       FROM pg_index i CROSS JOIN unnest(i.indkey::int[]) WITH ORDINALITY AS key (attnum, place)
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.attnum
      WHERE i.indrelid = to_regclass($1) AND i.indisprimary AND place <= i.indnkeyatts ORDER BY place`,
    [relationName(table)],
  );
}

/** Tables that inherit from a plain one; partitions are none, as a partitioned table's key holds for all its rows. */
export async function heirsOf(session: Session, table: ObjectName): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT i.inhrelid::regclass::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent
      WHERE c.oid = to_regclass($1) AND c.relkind = 'r' ORDER BY 1`,
    [relationName(table)],
  );
  return rows.map(({ name }) => name);
}

/** The key of the last row of the next batch; undefined where what is left is no more than that. */
export async function upperEnd(
  session: Session,
  { table, only }: Pick<BatchedStep["batches"], "table" | "only">,
  keys: readonly KeyColumn[],
  { after, size }: Pick<Checkpoint, "after" | "size">,
): Promise<string[] | undefined> {
  const names = keys.map(({ name }) => identifier(name)).join(", ");
  const [last, next] = await session.query<{ key: string[] }>(
    `SELECT ARRAY[${keys.map(({ name }) => `${identifier(name)}::text`).join(", ")}] AS key FROM ${only ? "ONLY " : ""}${relationName(table)}
      WHERE ${above(keys, names, after)} ORDER BY ${names} OFFSET ${size - 1} LIMIT 2`,
  );
  return next && last?.key;
}

/** The statement for the rows of one range of keys. */
export function forRange(
  { batches: { head, condition, alias } }: BatchedStep,
  keys: readonly KeyColumn[],
  after: readonly string[] | null,
  to: readonly string[] | undefined,
): string {
  const names = keys.map(({ name }) => `${identifier(alias)}.${identifier(name)}`).join(", ");
  const range = [above(keys, names, after), ...(to ? [`(${names}) <= (${values(keys, to)})`] : [])].join(
    " AND ",
  );
  // What stands in the file keeps its place, so that an error is found there.
  return condition === undefined
    ? `${head}\nWHERE ${range}`
    : `${head}(${condition.replace(/^\s/, "")}\n) AND ${range}`;
}

function above(keys: readonly KeyColumn[], names: string, after: readonly string[] | null): string {
  return after ? `(${names}) > (${values(keys, after)})` : "true";
}

function values(keys: readonly KeyColumn[], key: readonly string[]): string {
  return keys.map(({ type }, index) => `${literal(key[index] ?? "")}::${type}`).join(", ");
}
