import type { Session } from "./session.ts";

/** The table's name as records have it (schema-qualified, quoted where needed); undefined where there is none. */
export async function qualifiedName(
  session: Session,
  table: string | undefined,
): Promise<string | undefined> {
  if (table === undefined) return undefined;
  const [row] = await session.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`,
    [table],
  );
  return row?.name;
}
