import type { MarkDoc, TableMark, Written } from "../shared/documents.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { IS_USERS_TABLE } from "../shared/user-objects.ts";

/** Holds all large objects; only superusers may read it, so its contents are not recorded. */
export const LARGE_OBJECTS = "pg_catalog.pg_largeobject";

/** The tables whose contents are recorded (see listTables), and that of large objects. */
const COUNTED = `
SELECT format('%I.%I', n.nspname, c.relname) AS table, pg_relation_filenode(c.oid)::text AS file,
       pg_stat_get_tuples_inserted(c.oid)::float8 AS inserted, pg_stat_get_tuples_updated(c.oid)::float8 AS updated,
       pg_stat_get_tuples_deleted(c.oid)::float8 AS deleted
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = '${LARGE_OBJECTS}'::regclass
   OR ${IS_USERS_TABLE}
ORDER BY 1`;

/** Reads the server's counters. */
export async function takeMark(session: Session, at: Date): Promise<MarkDoc> {
  // Flush what this session itself did, so that it is counted at once.
  await session.query("SELECT pg_stat_force_next_flush()");
  const server = await requireRow<{
    start: string;
    reset: string | null;
    crash: string | null;
    counting: boolean;
  }>(
    session,
    `SELECT pg_postmaster_start_time()::text AS start,
            (SELECT stats_reset::text FROM pg_stat_database WHERE datname = current_database()) AS reset,
            (SELECT stats_reset::text FROM pg_stat_bgwriter) AS crash,
            current_setting('track_counts')::bool AS counting`,
  );
  return {
    at: at.toISOString(),
    serverStart: server.start,
    statsReset: server.reset,
    crashReset: server.crash,
    counting: server.counting,
    tables: await session.query<TableMark>(COUNTED),
  };
}

/** Returns what was written between two marks; null if the counters were off or reset in between. */
export function writtenBetween(before: MarkDoc, after: MarkDoc): Written[] | null {
  if (!before.counting || !after.counting) return null;
  if (
    before.serverStart !== after.serverStart ||
    before.statsReset !== after.statsReset ||
    before.crashReset !== after.crashReset
  )
    return null;
  const now = new Map(after.tables.map((mark) => [mark.table, mark]));
  const known = new Set(before.tables.map(({ table }) => table));
  const gone = { inserted: 0, updated: 0, deleted: 0 };
  return [
    ...before.tables.flatMap((was): Written[] => {
      const is = now.get(was.table);
      if (!is) return [{ table: was.table, how: "gone", ...gone }];
      const rows = {
        inserted: is.inserted - was.inserted,
        updated: is.updated - was.updated,
        deleted: is.deleted - was.deleted,
      };
      const anew = is.file !== was.file;
      if (!anew && Object.values(rows).every((count) => count === 0)) return [];
      return [{ table: was.table, how: anew ? "anew" : "rows", ...rows }];
    }),
    ...after.tables
      .filter(({ table }) => !known.has(table))
      .map(
        ({ table, inserted, updated, deleted }): Written => ({
          table,
          how: "new",
          inserted,
          updated,
          deleted,
        }),
      ),
  ];
}

const HOW: Readonly<Record<Written["how"], string>> = {
  rows: "",
  anew: "truncated or rewritten",
  new: "a new table",
  gone: "the table is gone",
};

/** One line, such as `public.note: 3 rows inserted, 1 deleted`. */
export function writtenInWords({ table, how, inserted, updated, deleted }: Written): string {
  const counts = [
    [inserted, "inserted"],
    [updated, "updated"],
    [deleted, "deleted"],
  ] as const;
  const said = counts.filter(([count]) => count !== 0).map(([count, what]) => `${count} ${what}`);
  const rows = said.length === 0 ? "" : `rows: ${said.join(", ")}`;
  return `${table}: ${[HOW[how], rows].filter((text) => text !== "").join("; ")}`;
}
