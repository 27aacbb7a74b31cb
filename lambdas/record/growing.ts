import type { GrowingDoc } from "../shared/documents.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { listTables, takeTableContent } from "./checksums.ts";
import { contentsByName } from "./modes.ts";

// A table that only grows, such as one that an event trigger writes: what was there must be there, and more may be.
// A row's version says when it was written. Of one that was changed there is another version, and of one that is gone
// there is none, so that the sum over the rows of former transactions tells of both.

/** The oldest transaction that was still open: whatever ended before it is not new to whoever looks now. */
const OLDEST_OPEN = "SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text AS since";

/** Rows that were written before that transaction, by the server's own order of transactions. */
const writtenBefore = (since: string) => `age(xmin) > age('${BigInt(since)}'::xid)`;

/** The tables that the plan says only grow, and what they hold now. */
export async function takeGrowing(
  session: Session,
  contents: CompiledPlan["contents"],
): Promise<GrowingDoc[]> {
  if (!Object.values(contents).includes("grows")) return [];
  const said = await contentsByName(session, contents);
  const tables = (await listTables(session)).filter(({ table }) => said.get(table) === "grows");
  const [oldest] = await session.query<{ since: string }>(OLDEST_OPEN);
  if (!oldest) throw new Error("The database did not answer which transactions are open");
  const found: GrowingDoc[] = [];
  for (const { table, columns } of tables) found.push(await read(session, table, columns, oldest.since));
  return found;
}

/** The same tables, and of each the rows that were there then. */
export async function readEarlier(session: Session, before: readonly GrowingDoc[]): Promise<GrowingDoc[]> {
  const found: GrowingDoc[] = [];
  for (const { table, columns, since } of before) found.push(await read(session, table, columns, since));
  return found;
}

async function read(
  session: Session,
  table: string,
  columns: readonly string[],
  since: string,
): Promise<GrowingDoc> {
  const earlier = await takeTableContent(session, table, columns, "full", { where: writtenBefore(since) });
  if (earlier.missing)
    return { table, columns: [], since, rows: "0", checksum: "0", added: "0", missing: true };
  const all = await takeTableContent(session, table, columns, "count");
  return {
    table,
    columns: earlier.columns,
    since,
    rows: earlier.rows,
    checksum: earlier.checksum ?? "0",
    added: (BigInt(all.rows) - BigInt(earlier.rows)).toString(),
  };
}

/** Earlier rows that are not there as they were, one readable line for each table; none when all are. */
export function earlierThatDiffer(before: readonly GrowingDoc[], after: readonly GrowingDoc[]): string[] {
  return before.flatMap((was) => {
    const is = after.find(({ table }) => table === was.table);
    if (!is || is.missing) return [`${was.table}: the table is not there, it had ${was.rows} rows`];
    const lost = was.columns.filter((column) => !is.columns.includes(column));
    if (lost.length > 0)
      return [`${was.table}: without ${lost.map((name) => JSON.stringify(name)).join(", ")}`];
    if (was.rows !== is.rows)
      return [
        `${was.table}: may only grow, and of ${was.rows} earlier rows ${is.rows} are there as they were`,
      ];
    if (was.checksum !== is.checksum)
      return [`${was.table}: may only grow, and its ${was.rows} earlier rows are not the same ones`];
    return [];
  });
}

/** Rows that were added since, one readable line for each table that grew. */
export function grown(before: readonly GrowingDoc[], after: readonly GrowingDoc[]): string[] {
  return after.flatMap(({ table, added }) => {
    const since = BigInt(added) - BigInt(before.find((was) => was.table === table)?.added ?? "0");
    return since > 0n ? [`${table}: ${since} ${since === 1n ? "row" : "rows"} added, as it may grow`] : [];
  });
}
