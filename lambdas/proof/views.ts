import type { TableContentDoc, ViewContentDoc } from "../shared/documents.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";
import { takeTableContent } from "./checksums.ts";
import { compareContents } from "./compare-contents.ts";
import { HASHES, type HashedColumn, rowHash } from "./hashes.ts";
import { withPinnedSnapshot } from "./pinned.ts";
import type { ViewMode } from "./subjects.ts";

const VIEWS = `
SELECT format('%I.%I', n.nspname, c.relname) AS table, c.relispopulated AS populated,
       has_table_privilege(c.oid, 'SELECT') AS readable,
       (SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND ${IS_USERS_SCHEMA("n.nspname")}
  AND NOT EXISTS (SELECT FROM pg_depend d
                   WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

/**
 * Reads every materialized view as the plan requests. A view that was never populated, that this role may not read or
 * that the plan leaves out is listed without contents.
 */
export async function takeViews(
  session: Session,
  modes: ReadonlyMap<string, ViewMode>,
): Promise<ViewContentDoc[]> {
  const listed = await session.query<{
    table: string;
    populated: boolean;
    readable: boolean;
    columns: string[];
  }>(VIEWS);
  const contents: ViewContentDoc[] = [];
  for (const { table, populated, readable, columns } of listed) {
    const mode = modes.get(table) ?? "full";
    const notRead =
      mode === "none" ? "left out" : !populated ? "not populated" : !readable ? "may not" : undefined;
    contents.push(
      notRead || mode === "none"
        ? { table, columns, rows: "0", checksum: null, notRead }
        : await takeTableContent(session, table, columns, mode, { sums: true }),
    );
  }
  return contents;
}

/**
 * Returns the views whose contents differ, one line each. A view that holds exactly what its query gives now was
 * refreshed or made again: that is no difference, because the tables behind the query are proven themselves. The
 * catalog shows views that are gone or newly populated.
 */
export async function differencesOfViews(
  session: Session,
  before: readonly ViewContentDoc[],
  after: readonly ViewContentDoc[],
): Promise<string[]> {
  const now = new Map(after.map((view) => [view.table, view]));
  const found: string[] = [];
  for (const was of before) {
    const is = now.get(was.table);
    if (was.notRead || !is) continue;
    if (is.notRead) {
      found.push(
        `${was.table}: ${NOT_READ[is.notRead]}, ${was.rows === "1" ? "1 row" : `${was.rows} rows`} before`,
      );
      continue;
    }
    const [difference] = compareContents([was], [is]);
    if (difference && !(await holdsWhatItsQueryGives(session, is).catch(() => false)))
      found.push(`${difference.text}; its query now gives something else`);
  }
  return found;
}

const NOT_READ: Readonly<Record<NonNullable<ViewContentDoc["notRead"]>, string>> = {
  "may not": "this role may no longer read the materialized view",
  "not populated": "the materialized view is not populated",
  "left out": "the plan leaves the materialized view out",
};

/** Rejects if this role may not run the view's query, or policies would hide rows from it. */
async function holdsWhatItsQueryGives(session: Session, view: TableContentDoc): Promise<boolean> {
  return await withPinnedSnapshot(session, async () => {
    const hashed = await session.query<HashedColumn>(HASHES, [view.table, JSON.stringify(view.columns)]);
    const { query } = await requireRow<{ query: string }>(
      session,
      "SELECT rtrim(pg_get_viewdef(to_regclass($1)), ';') AS query",
      [view.table],
    );
    const sums = (from: string) =>
      requireRow<{ rows: string; sum: string | null }>(
        session,
        `SELECT count(*)::text AS rows, sum(${rowHash(hashed)})::text AS sum FROM ${from}`,
      );
    const held = await sums(view.table);
    const given = await sums(`(${query}) AS given`);
    return held.rows === given.rows && held.sum === given.sum;
  });
}
