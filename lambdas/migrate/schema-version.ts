import type { Session } from "../shared/session.ts";
import { literal } from "../shared/sql-text.ts";

/** The shapes that version tables have in the wild: a version as text or as a number, alone or with other columns. */
interface Column {
  table: string;
  name: string;
  quoted: string;
  type: string;
  /** NOT NULL without a default: an insert must name it. */
  required: boolean;
}

const TITLE_COLUMNS = /^(name|title|description|filename|script|migration_name)$/i;

/**
 * The statement that notes a version as applied, in whatever shape the table has; a second time it does nothing.
 * @throws Error naming a required column that nothing is known to put into.
 */
export async function addVersion(
  session: Session,
  table: string,
  version: string,
  title: string,
): Promise<string> {
  const { columns, is } = await shapeOf(session, table, version);
  const filled = columns.flatMap(({ name, quoted, type, required }) => {
    if (name === "version") return [{ quoted, value: `${literal(version)}::${type}` }];
    if (!required) return [];
    if (TITLE_COLUMNS.test(name)) return [{ quoted, value: `${literal(title)}::${type}` }];
    throw new Error(
      `${table}.${name} must have a value and has no default: Sluice does not know what to put there. Give it a default.`,
    );
  });
  const names = filled.map(({ quoted }) => quoted).join(", ");
  const values = filled.map(({ value }) => value).join(", ");
  const name = columns[0]?.table;
  return `INSERT INTO ${name} (${names}) SELECT ${values} WHERE NOT EXISTS (SELECT FROM ${name} WHERE ${is})`;
}

/** The statement that takes the note back. */
export async function removeVersion(session: Session, table: string, version: string): Promise<string> {
  const { columns, is } = await shapeOf(session, table, version);
  return `DELETE FROM ${columns[0]?.table} WHERE ${is}`;
}

/** The server quotes the names and spells the types; a number takes 006 as 6. */
async function shapeOf(
  session: Session,
  table: string,
  version: string,
): Promise<{ columns: Column[]; is: string }> {
  const columns = await session.query<Column>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS table, attname AS name, quote_ident(attname) AS quoted,
            format_type(atttypid, atttypmod) AS type,
            attnotnull AND NOT atthasdef AND attidentity = '' AS required
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.oid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  if (columns.length === 0) throw new Error(`There is no table ${table} to note the schema's version in`);
  const type = columns.find(({ name }) => name === "version")?.type;
  if (type === undefined)
    throw new Error("The table that notes the schema's version has no column named version");
  return { columns, is: `version = ${literal(version)}::${type}` };
}
