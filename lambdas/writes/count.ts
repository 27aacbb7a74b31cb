import { compareContents, readAs } from "../record/compare-contents.ts";
import { takeRecord } from "../record/take-record.ts";
import { sinceBefore } from "../record/wishes.ts";
import {
  Doc,
  type LossDoc,
  type RecordDoc,
  type TableContentDoc,
  type TableLossDoc,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { withTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import { versionTables } from "../version-table/tables.ts";
import { look } from "./look.ts";
import { LARGE_OBJECTS, type Written } from "./mark.ts";

/**
 * Counts what a restore would lose, table by table. What the server's counters know to be untouched is not looked at
 * again; of all else row versions tell, and where they are not enough it is read as it was recorded.
 * @returns false when this worker must leave first; call again
 */
export async function countLoss(ports: Ports, evidence: RunEvidence): Promise<boolean> {
  const before = await evidence.need<RecordDoc>(Doc.record("before"));
  const { tables: written } = await look("restore", ports, evidence);
  const since = sinceBefore(ports);
  const touched = (table: string) => written?.find((found) => found.table === table);
  const read = await withTarget(ports, evidence, "production", async (session) => {
    // The schema's version is this run's own doing.
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
    // What is neither untouched nor read in full cannot be seen to be as recorded.
    ...doubted
      .filter((before) => wasIn && readAs(before) !== "full" && !isUntouched(before))
      .map(({ table }) => table),
  ]);
  const unrecorded = wasIn
    ? (written ?? []).filter(
        ({ table, how, inserted }) => table === LARGE_OBJECTS || (how === "new" && inserted > 0),
      )
    : [];
  await evidence.keep<LossDoc>(Doc.loss, {
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
