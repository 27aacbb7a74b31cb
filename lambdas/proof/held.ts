import { Doc, type ProofDoc, type TableChangeDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import { departures } from "./changes-held.ts";
import { tableTexts } from "./changes-in-words.ts";
import { type Moment, objectChanges, observe, sequencesMoved } from "./changes-observed.ts";
import { modeOf } from "./compare-contents.ts";
import { isUntouchedByPlan, NOT_BY_ROWS } from "./made.ts";
import { type MarkedRecord, recordOf, requireMarkedRecord, requireRecord } from "./records.ts";
import { fingerprintOf, keptFingerprint } from "./stored-catalog.ts";

/**
 * Compares what the migrations did to production's data with what they did to staging's. Without a fence only tables
 * and columns are held: others may have written the rows.
 * @param except tables that are not held: the one of the schema's version, which the run itself writes, and those
 * that grow
 */
export async function heldToRehearsal(
  ports: Ports,
  evidence: RunEvidence,
  record: MarkedRecord,
  except: (table: string) => boolean,
): Promise<Pick<ProofDoc, "differences" | "unproven" | "agreed" | "others">> {
  const before = await beforeByColumn(evidence);
  const done = observe(before, record, except);
  const seen = await evidence.require(Doc.changes("staging"));
  const fenced = ports.settings.fence === "connect";
  const shown = seen.tables.filter(({ table }) => !except(table));
  const did = fenced ? done : done.map(withoutRows);
  const showed = fenced ? shown : shown.map(withoutRows);
  await evidence.getOrCreate(Doc.changes("production"), async () => ({
    at: ports.clock.now().toISOString(),
    tables: done,
    objects: objectChanges(
      await keptFingerprint(evidence, "before"),
      await fingerprintOf(evidence, record),
      done,
    ),
    sequences: sequencesMoved((await requireRecord(evidence, "before")).sequences, record.sequences),
    touched: [],
  }));
  const isUntouched = await isUntouchedByPlan(evidence);
  // Without a fence others may change rows.
  const others = fenced
    ? done.flatMap((change) =>
        isUntouched(change.table) ? [`${tableTexts(change).join(", ")}; ${NOT_BY_ROWS}`] : [],
      )
    : [];
  return {
    ...(others.length > 0 ? { others } : {}),
    differences: departures(showed, did, before.tables, await partitionsBeside(evidence)),
    unproven: fenced
      ? []
      : done.flatMap((change) => (change.rows ? [tableTexts({ ...change, columns: [] }).join(", ")] : [])),
    agreed: did.map((change) => ({ table: change.table, text: tableTexts(change).join(", ") })),
  };
}

/** The other partitions of a table's parent, if staging had no rows of this one. */
async function partitionsBeside(evidence: RunEvidence): Promise<(table: string) => string[]> {
  const { mark, tables } = await requireMarkedRecord(evidence, "staging");
  const empty = new Set(tables.flatMap(({ table, rows }) => (rows === "0" ? [table] : [])));
  return (name) => {
    const parent = mark.tables.find(({ table }) => table === name)?.parent?.oid;
    if (parent === undefined || !empty.has(name)) return [];
    return mark.tables.filter((other) => other.parent?.oid === parent).map(({ table }) => table);
  };
}

function withoutRows({ rows: _, columns, ...change }: TableChangeDoc): TableChangeDoc {
  return { ...change, columns: columns.filter(({ how }) => how !== "changed") };
}

/** Adds staging's columns' sums to production's tables that held the same rows. */
async function beforeByColumn(evidence: RunEvidence): Promise<Moment> {
  const before = await requireMarkedRecord(evidence, "before");
  const staging = await recordOf(evidence, "staging");
  const known = new Map(staging?.tables.map((content) => [content.table, content]));
  return {
    ...before,
    tables: before.tables.map((content) => {
      const same = known.get(content.table);
      const alike =
        content.sums === undefined &&
        modeOf(content) === "full" &&
        same?.checksum === content.checksum &&
        same.rows === content.rows &&
        same.columns.join("\0") === content.columns.join("\0");
      return alike ? { ...content, sums: same.sums, keys: same.keys, key: same.key } : content;
    }),
  };
}
