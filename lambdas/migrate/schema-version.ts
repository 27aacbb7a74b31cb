import type { Session } from "../shared/session.ts";

/** The shapes that version tables have in the wild: a version as text or as a number, alone or with other columns. */
interface Column {
  name: string;
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
  const columns = await columnsOf(session, table);
  const names = ["version"];
  const values: unknown[] = [versionValue(columns, version)];
  for (const column of columns.filter(({ name, required }) => required && name !== "version")) {
    if (!TITLE_COLUMNS.test(column.name))
      throw new Error(
        `${table}.${column.name} must have a value and has no default: Sluice does not know what to put there. Give it a default.`,
      );
    names.push(column.name);
    values.push(title);
  }
  const [row] = await session.query<{ sql: string }>(
    `SELECT format('INSERT INTO %s (%s) SELECT %s WHERE NOT EXISTS (SELECT FROM %1$s WHERE version = $1)', to_regclass($1),
              (SELECT string_agg(quote_ident(name), ', ') FROM unnest($2::text[]) AS name),
              (SELECT string_agg('$' || n, ', ') FROM generate_series(1, cardinality($2::text[])) AS n)) AS sql`,
    [table, names],
  );
  if (row) await session.query(row.sql, values);
}

export async function removeVersion(session: Session, table: string, version: string): Promise<void> {
  const columns = await columnsOf(session, table);
  const [row] = await session.query<{ sql: string }>(
    "SELECT format('DELETE FROM %s WHERE version = $1', to_regclass($1)) AS sql",
    [table],
  );
  if (row) await session.query(row.sql, [versionValue(columns, version)]);
}

async function columnsOf(session: Session, table: string): Promise<Column[]> {
  return await session.query<Column>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type,
            attnotnull AND NOT atthasdef AND attidentity = '' AS required
       FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
}

function versionValue(columns: readonly Column[], version: string): string {
  const type = columns.find(({ name }) => name === "version")?.type ?? "text";
  return /^(smallint|integer|bigint|numeric)/.test(type) ? String(Number(version)) : version;
}
