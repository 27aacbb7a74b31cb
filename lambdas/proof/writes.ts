import * as z from "zod";
import { passMoment } from "../moments/moment.ts";
import {
  Doc,
  type MarkDoc,
  type TableContentDoc,
  type TableLossDoc,
  type TableMark,
  type Written,
  type WrittenDoc,
} from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { firstMigration } from "../shared/next-migration.ts";
import { withTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { DONE, RUNNING, runFields, type Task } from "../shared/task.ts";
import { IS_USERS_TABLE } from "../shared/user-objects.ts";
import { versionTables } from "../version-table/tables.ts";
import { compareContents, readAs } from "./compare-contents.ts";
import { sinceBefore } from "./subjects.ts";
import { takeRecord } from "./take-record.ts";

const event = z.strictObject({ ...runFields, action: z.enum(["look", "count"]) });

/** Reports what was written to production since its record. */
export const writesTask: Task<z.infer<typeof event>> = {
  name: "writes",
  event,
  async run({ action }, ports, evidence) {
    if (action === "count") return (await countLoss(ports, evidence)) ? DONE : RUNNING;
    await refuseWrites(ports, evidence);
    return { ...DONE, ...firstMigration(ports.plan) };
  },
};

/** What was written to production since the record, by the server's counters; read once. */
async function look(
  until: "migration" | "restore",
  ports: Ports,
  evidence: RunEvidence,
): Promise<WrittenDoc> {
  const mark = await evidence.require(Doc.mark);
  return await evidence.getOrCreate(Doc.written(until), () =>
    withTarget(ports, evidence, "production", async (session) => {
      const now = await takeMark(session, ports.clock.now());
      return { at: now.at, tables: writtenBetween(mark, now) };
    }),
  );
}

/** Milliseconds within which a connected session reports its writes; a session that ends reports at once. */
const COUNTED_AFTER_MS = 10_500;

/** Other sessions that may write. */
const OTHERS = `
SELECT count(*)::int AS others FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND backend_type NOT IN ('autovacuum worker', 'parallel worker', 'walsender')`;

/**
 * Waits until the server's counters include all writes before the moment. Reading the record takes a second or two,
 * and the counters may lag longer. Usually there is nothing to wait for: nobody else is connected, or nothing was
 * written.
 */
async function untilCounted(session: Session, ports: Ports, evidence: RunEvidence): Promise<void> {
  if (ports.settings.fence === "none" || (await wroteNothing(evidence))) return;
  const { serverTime } = await evidence.require(Doc.momentPassed("final"));
  for (let told = false; ; told = true) {
    const { others } = await requireRow<{ others: number }>(session, OTHERS);
    const { since } = await requireRow<{ since: number }>(
      session,
      "SELECT (extract(epoch FROM clock_timestamp() - $1::timestamptz) * 1000)::float8 AS since",
      [serverTime],
    );
    if (others === 0 || since >= COUNTED_AFTER_MS) return;
    if (!told)
      ports.progress(
        "Others are connected to production, and its server has committed something since the record: waiting up to ten seconds for the counters",
      );
    await session.query("SELECT pg_sleep($1)", [Math.min(1, (COUNTED_AFTER_MS - since) / 1000)]);
  }
}

/**
 * True if the run's own transactions are the only ones on the server since the record's mark: noting the moment and
 * passing it take one each. False if that is unknown.
 */
async function wroteNothing(evidence: RunEvidence): Promise<boolean> {
  const mark = (await evidence.read(Doc.record("before")))?.mark;
  const passed = await evidence.require(Doc.momentPassed("final"));
  if (!mark || BigInt.asUintN(32, BigInt(mark.transaction)) !== BigInt(mark.since)) return false;
  return BigInt(passed.transaction) - BigInt(mark.transaction) === 2n;
}

/**
 * Runs before anything is migrated: behind the fence nothing may have been written since the record. Otherwise the
 * snapshot differs from the record, and a restore would lose the later writes.
 * @throws SluiceError BackupMismatch naming the tables
 */
async function refuseWrites(ports: Ports, evidence: RunEvidence): Promise<void> {
  // Pass the moment first, so that later writes stay out of what a restore goes back to. Read the counters
  // afterwards: writes during the wait are in a restore, but not in the record.
  if (await evidence.read(Doc.moment("final")))
    await withTarget(ports, evidence, "production", async (session) => {
      await passMoment(session, "final", ports, evidence);
      await untilCounted(session, ports, evidence);
    });
  const { tables } = await look("migration", ports, evidence);
  if (!tables)
    return ports.progress("the server's counters are off or were reset: only checksums will show writes");
  if (tables.length === 0) return ports.progress("nothing was written since the record");
  const lines = tables.slice(0, 10).map(writtenInWords);
  if (ports.settings.fence === "none") return ports.progress(lines.join("; "));
  const more = tables.length > 10 ? `; and ${tables.length - 10} more tables` : "";
  throw new SluiceError(
    ErrorName.BackupMismatch,
    `Production was written to behind the fence, after it was recorded: ${lines.join("; ")}${more}. ` +
      "Find the writer (pg_stat_activity), stop it or name its role in `application.roles`, then start a new run.",
  );
}

/**
 * Counts what a restore would lose, table by table. Tables that the server's counters show as untouched are not read
 * again; for the rest row versions are used, and where those are not enough the table is read as it was recorded.
 * @returns false if this worker must leave first; call again
 */
async function countLoss(ports: Ports, evidence: RunEvidence): Promise<boolean> {
  const before = await evidence.require(Doc.record("before"));
  const { tables: written } = await look("restore", ports, evidence);
  const since = sinceBefore(ports);
  const touched = (table: string) => written?.find((found) => found.table === table);
  const read = await withTarget(ports, evidence, "production", async (session) => {
    // The run itself writes the schema's version.
    const versions = await versionTables(session, ports.plan.schema);
    const recorded = before.tables.filter(({ table }) => !versions.has(table));
    const doubted = recorded.filter(({ table }) => !written || touched(table));
    const record = await takeRecord(ports, evidence, {
      name: "loss",
      target: "production",
      session,
      scope: { of: "expected", tables: doubted },
      since,
    });
    return { recorded, doubted, record };
  });
  const { recorded, doubted, record } = read;
  if (!record) return false;
  const wasIn = await applicationWasIn(ports, evidence);
  const isUntouched = ({ table }: TableContentDoc) =>
    since !== undefined && !record.tables.find((found) => found.table === table)?.touched;
  const changed = new Set([
    ...compareContents(doubted, record.tables).map(({ table }) => table),
    // A table that is neither untouched nor read in full cannot be shown to be as recorded.
    ...doubted
      .filter((before) => wasIn && readAs(before) !== "full" && !isUntouched(before))
      .map(({ table }) => table),
  ]);
  const unrecorded = wasIn
    ? (written ?? []).filter(
        ({ table, how, inserted }) => table === LARGE_OBJECTS || (how === "new" && inserted > 0),
      )
    : [];
  await evidence.createOnce(Doc.loss, {
    at: ports.clock.now().toISOString(),
    since: before.at,
    applicationWasIn: wasIn,
    tables: [
      ...recorded
        .filter(({ table }) => changed.has(table))
        .map(({ table, rows }): TableLossDoc => {
          const now = record.tables.find((found) => found.table === table);
          return { table, rowsBefore: rows, rowsNow: now?.rows ?? null, ...counted(touched(table)) };
        }),
      ...unrecorded.map(
        (found): TableLossDoc => ({
          table: found.table,
          rowsBefore: null,
          rowsNow: null,
          ...counted(found),
        }),
      ),
    ],
    asRecorded: recorded.length - changed.size,
    byCounters: recorded.length - doubted.length,
  });
  return true;
}

async function applicationWasIn(ports: Ports, evidence: RunEvidence): Promise<boolean> {
  return ports.settings.fence === "none" || (await evidence.read(Doc.fenceLifting)) !== undefined;
}

function counted(written: Written | undefined): Pick<TableLossDoc, "inserted" | "updated" | "deleted"> {
  const { inserted = null, updated = null, deleted = null } = written ?? {};
  return { inserted, updated, deleted };
}

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
      const isRewritten = is.file !== was.file;
      if (!isRewritten && Object.values(rows).every((count) => count === 0)) return [];
      return [{ table: was.table, how: isRewritten ? "rewritten" : "rows", ...rows }];
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
  rewritten: "truncated or rewritten",
  new: "a new table",
  gone: "the table is gone",
};

/** One line, such as `public.note: 3 rows inserted, 1 deleted`. */
function writtenInWords({ table, how, inserted, updated, deleted }: Written): string {
  const counts = [
    [inserted, "inserted"],
    [updated, "updated"],
    [deleted, "deleted"],
  ] as const;
  const said = counts.filter(([count]) => count !== 0).map(([count, what]) => `${count} ${what}`);
  const rows = said.length === 0 ? "" : `rows: ${said.join(", ")}`;
  return `${table}: ${[HOW[how], rows].filter((text) => text !== "").join("; ")}`;
}
