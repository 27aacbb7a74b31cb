import { Doc, type ProofDoc, type TableChangeDoc, type TableContentDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import { grouped } from "../shared/text.ts";
import { called, inRows, tableTexts } from "./changes-in-words.ts";
import { type Moment, objectChanges, observe, sequencesMoved } from "./changes-observed.ts";
import { modeOf } from "./compare-contents.ts";
import { isUntouchedByPlan, NOT_BY_ROWS } from "./made.ts";
import {
  fingerprintOf,
  keptFingerprint,
  type MarkedRecord,
  recordOf,
  requireMarkedRecord,
  requireRecord,
} from "./stored-record.ts";

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

/**
 * Holds production to what the rehearsal showed: kinds of change, tables and columns must be the same. If a table
 * started with the same contents as on staging, the same rows must have been touched, unless the migration picks them
 * by time.
 * @param before production's contents before its migrations
 * @param beside other partitions of the same table, if the rehearsal had no rows of this one: what the rehearsal
 * showed for them also holds for rows added since
 * @returns one line for each departure; empty if production did exactly what the rehearsal showed
 */
export function departures(
  seen: readonly TableChangeDoc[],
  did: readonly TableChangeDoc[],
  before: readonly TableContentDoc[],
  beside: (table: string) => readonly string[] = () => [],
): string[] {
  const showed = new Map(seen.map((change) => [change.table, change]));
  const done = new Map(did.map((change) => [change.table, change]));
  const began = new Map(before.map((content) => [content.table, content]));
  const tables = [...new Set([...showed.keys(), ...done.keys()])];
  return tables.flatMap((table) => {
    const [staging, production] = [showed.get(table), done.get(table)];
    const content = began.get(table);
    return [
      ...more(
        staging,
        production,
        beside(table).flatMap((other) => showed.get(other) ?? []),
      ),
      ...less(staging, production, content),
      ...otherRows(staging, production, content),
    ];
  });
}

function more(
  staging: TableChangeDoc | undefined,
  production: TableChangeDoc | undefined,
  beside: readonly TableChangeDoc[],
): string[] {
  if (!production) return [];
  const { table } = production;
  const allowed = [
    ...(staging ? kindsOf(staging) : []),
    ...beside
      .flatMap(kindsOf)
      .flatMap((kind) => (ABOUT_ROWS.includes(kind.what) ? [{ ...kind, table }] : [])),
  ];
  return kindsOf(production)
    .filter((kind) => !allows(allowed, kind))
    .map((kind) => `${kindText(kind, production)}, which the rehearsal did not show`);
}

function less(
  staging: TableChangeDoc | undefined,
  production: TableChangeDoc | undefined,
  began: TableContentDoc | undefined,
): string[] {
  if (!staging) return [];
  const did = production ? kindsOf(production) : [];
  return kindsOf(staging)
    .filter((kind) => !did.some((one) => allows([kind], one)))
    .filter(({ what }) => !ABOUT_ROWS.includes(what) || beganAlike(staging, began))
    .map((kind) => `the rehearsal showed ${kindText(kind, staging)}, but production does not`);
}

/** Kinds about rows: production may show none of them if its rows differ from staging's. */
const ABOUT_ROWS: readonly string[] = ["added", "removed", "mixed", "changed"];

/** True if the migration must have touched the same rows. */
function beganAlike(
  { began, rowsBefore, byTime }: TableChangeDoc,
  content: TableContentDoc | undefined,
): boolean {
  return (
    !byTime &&
    began !== null &&
    content !== undefined &&
    began === content.checksum &&
    rowsBefore === content.rows
  );
}

function otherRows(
  staging: TableChangeDoc | undefined,
  production: TableChangeDoc | undefined,
  began: TableContentDoc | undefined,
): string[] {
  if (!staging?.rows || !production?.rows || !beganAlike(staging, began)) return [];
  const table = called(staging.table);
  const columns = production.columns.filter(({ how }) => how === "changed").map(({ column }) => column);
  const where = columns.length > 0 ? `${table} (${columns.join(", ")})` : table;
  for (const what of ["added", "removed", "changed"] as const)
    if (staging.rows[what] !== production.rows[what])
      return [
        `${where}: ${grouped(production.rows[what])} rows ${what}, but ${grouped(staging.rows[what])} in the rehearsal, although its rows were the same`,
      ];
  if (staging.rows.keys === null || production.rows.keys === null) return [];
  if (staging.rows.keys === production.rows.keys) return [];
  return [`${where}: the rows touched differ from those in the rehearsal, although its rows were the same`];
}

/** One kind of change of one table or column, as a Go or a plan names it: without numbers of rows. */
export interface Kind {
  what:
    | "dropped"
    | "replaced"
    | "renamed"
    | "attached"
    | "added"
    | "removed"
    | "mixed"
    | "changed"
    | "retyped";
  table: string;
  /** Null: the change is of the table, or of its rows. */
  column: string | null;
  /** The new name, or the new type. */
  to: string | null;
}

export function kindsOf(change: TableChangeDoc): Kind[] {
  const { table, fate, to, rows, columns, partitionOf } = change;
  const of = (what: Kind["what"], name: string | null = null): Kind => ({
    what,
    table,
    column: null,
    to: name,
  });
  const rowKinds = rows?.mixed
    ? [of("mixed")]
    : [...(isSome(rows?.added) ? [of("added")] : []), ...(isSome(rows?.removed) ? [of("removed")] : [])];
  return [
    ...(fate ? [of(fate, to ?? null)] : []),
    ...(partitionOf === undefined ? [] : [of("attached", partitionOf)]),
    ...rowKinds,
    ...columns.map(({ column, how, to: named }): Kind => ({ what: how, table, column, to: named ?? null })),
  ];
}

const isSome = (rows: string | undefined) => rows !== undefined && rows !== "0";

const isSameKind = (a: Kind, b: Kind): boolean =>
  a.what === b.what && a.table === b.table && a.column === b.column && a.to === b.to;

/** True if `seen` covers this kind. A mix may be any of rows added, removed and changed. */
function allows(seen: readonly Kind[], kind: Kind): boolean {
  if (seen.some((one) => isSameKind(one, kind))) return true;
  return (
    ["added", "removed", "changed"].includes(kind.what) &&
    seen.some(({ what, table }) => what === "mixed" && table === kind.table)
  );
}

/** The change in words, without a subject: `account.email changed in 3,000 of 3,000 rows`. */
export function kindText({ what, table, column, to }: Kind, { rows, rowsBefore }: TableChangeDoc): string {
  const name = column === null ? called(table) : `${called(table)}.${column}`;
  const of = (n: string | undefined) => `${grouped(n ?? "0")} of ${inRows(rowsBefore)}`;
  switch (what) {
    case "dropped":
      return `${name} dropped`;
    case "replaced":
      return `${name} dropped and made again`;
    case "renamed":
      return `${name} renamed to ${column === null ? called(to ?? "") : to}`;
    case "attached":
      return `${name} made a partition of ${called(to ?? "")}`;
    case "added":
      return `${inRows(rows?.added ?? "0")} added to ${name}`;
    case "removed":
      return `${of(rows?.removed)} removed from ${name}`;
    case "mixed":
      return rows?.added === rows?.removed
        ? `${of(rows?.removed)} of ${name} changed or replaced`
        : `${of(rows?.removed)} of ${name} replaced by ${grouped(rows?.added ?? "0")}`;
    case "changed":
      return `${name} changed in ${of(rows?.changed)}`;
    case "retyped":
      return `${name} changed to type ${to}`;
  }
}
