import type { Session } from "../shared/session.ts";
import { qualifiedName } from "../shared/table-name.ts";

/** The shapes that version tables have in the wild: a version as text or as a number, alone or with other columns. */
interface Column {
  name: string;
  quoted: string;
  type: string;
  /** NOT NULL without a default: an insert must name it. */
  required: boolean;
}

const TITLE_COLUMNS = /^(name|title|description|filename|script|migration_name)$/i;

/**
 * Notes the version as applied, in whatever shape the table has.
 * @throws Error naming a required column that nothing is known to put into.
 */
export async function addVersion(
  session: Session,
  table: string,
  version: string,
  title: string,
): Promise<void> {
  const { name, columns } = await shapeOf(session, table);
  const filled = columns.flatMap((column) => {
    if (column.name === "version") return [{ column, value: version }];
    if (!column.required) return [];
    if (TITLE_COLUMNS.test(column.name)) return [{ column, value: title }];
    throw new Error(
      `${table}.${column.name} must have a value and has no default: Sluice does not know what to put there. Give it a default.`,
    );
  });
  const names = filled.map(({ column }) => column.quoted).join(", ");
  const values = filled.map(({ column }, index) => `$${index + 1}::${column.type}`).join(", ");
  const there = `SELECT FROM ${name} WHERE version = $${filled.findIndex(({ column }) => column.name === "version") + 1}::${versionType(columns)}`;
  await session.query(
    `INSERT INTO ${name} (${names}) SELECT ${values} WHERE NOT EXISTS (${there})`,
    filled.map(({ value }) => value),
  );
}

export async function removeVersion(session: Session, table: string, version: string): Promise<void> {
  const { name, columns } = await shapeOf(session, table);
  await session.query(`DELETE FROM ${name} WHERE version = $1::${versionType(columns)}`, [version]);
}

/** The server quotes the names and spells the types; a number takes 006 as 6. */
async function shapeOf(session: Session, table: string): Promise<{ name: string; columns: Column[] }> {
  const name = await qualifiedName(session, table);
  if (name === undefined) throw new Error(`There is no table ${table} to note the schema's version in`);
  const columns = await session.query<Column>(
    `SELECT attname AS name, quote_ident(attname) AS quoted, format_type(atttypid, atttypmod) AS type,
            attnotnull AND NOT atthasdef AND attidentity = '' AS required
       FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  return { name, columns };
}

function versionType(columns: readonly Column[]): string {
  const found = columns.find(({ name }) => name === "version");
  if (!found) throw new Error("The table that notes the schema's version has no column named version");
  return found.type;
}
