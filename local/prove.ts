import { hasLedger } from "../lambdas/ledger/ledger.ts";
import {
  besideThatDiffers,
  readBeside,
  takeLargeObjects,
  takeSequences,
  wentBack,
} from "../lambdas/proof/besides.ts";
import { takeFingerprint } from "../lambdas/proof/catalog.ts";
import { takeTableContent } from "../lambdas/proof/checksums.ts";
import { type Compared, compareContents, modeOf, readAs } from "../lambdas/proof/compare-contents.ts";
import { describeDifference, differences } from "../lambdas/proof/difference.ts";
import { withoutLeft } from "../lambdas/proof/leaves.ts";
import { countRows, markedTables, otherLineage } from "../lambdas/proof/row-versions.ts";
import { scopeOf } from "../lambdas/proof/scope.ts";
import { keptFingerprint, marked, recordOf } from "../lambdas/proof/stored-record.ts";
import { differencesOfViews, takeViews } from "../lambdas/proof/views.ts";
import {
  Doc,
  type MarkedTable,
  type RecordDoc,
  type RowMark,
  type ScopeDoc,
  type TableContentDoc,
} from "../lambdas/shared/documents.ts";
import type { RunEvidence } from "../lambdas/shared/evidence.ts";
import type { Session } from "../lambdas/shared/session.ts";
import { LEDGER_SCHEMA } from "../lambdas/shared/user-objects.ts";
import { givenBack } from "./given-back.ts";

export interface ProvenByHand {
  /** When the record of production was taken; ISO 8601. */
  recordedAt: string;
  tables: number;
  /** How many of these were compared by reading them; row versions show that the others were not touched. */
  read: number;
  /** Differences in lines, catalog first, then tables and sequences; empty: the database is as recorded. */
  differences: string[];
  /** What the plan lets a rollback leave, and is there; these are no differences. */
  left: string[];
  /** Why row versions cannot be used here, so that only tables with a recorded checksum are proven; null if they can. */
  withoutVersions: string | null;
  scope: ScopeDoc;
}

/**
 * Compares a database with the record of production from before the first migration, as the run itself does to prove that
 * production is back. It only reads.
 * @returns undefined if the run did not reach that record
 */
export async function proveByHand(
  evidence: RunEvidence,
  session: Session,
  progress: (table: string) => void = () => undefined,
): Promise<ProvenByHand | undefined> {
  const before = await recordOf(evidence, "before");
  if (!before) return undefined;
  const was = await keptFingerprint(evidence, "before");
  const is = await takeFingerprint(session, was.roles);
  const { mark } = await marked(evidence, "before", before);
  const withoutVersions = await whyNotByVersions(session, mark, evidence.run);
  const now = await markedTables(session);
  const contents: Compared[] = [];
  let read = 0;
  const given = await givenBack(evidence);
  const compared = before.tables.filter(({ table }) => !given.tables.includes(table));
  for (const recorded of compared) {
    const found = withoutVersions === null ? await byVersions(session, recorded, mark, now) : undefined;
    if (found) {
      contents.push(found);
      if (!found.touched || found.unread) continue;
    }
    if (recorded.unread) {
      if (!found) contents.push(await notProven(session, recorded));
      continue;
    }
    progress(recorded.table);
    read++;
    contents.push(await takeTableContent(session, recorded.table, recorded.columns, howToRead(recorded)));
  }
  const growing = before.growing ?? [];
  const beside = await readBeside(session, before);
  const sequences = await takeSequences(session);
  const { migrations = [] } = (await evidence.read(Doc.plan)) ?? {};
  const { rest, left } = withoutLeft(
    differences(was, is).filter((one) => !given.isIt(one)),
    migrations.flatMap(({ leaves = [] }) => leaves),
  );
  return {
    recordedAt: before.at,
    tables: compared.length,
    read,
    withoutVersions,
    left,
    differences: [
      ...rest.map(describeDifference),
      ...compareContents(
        compared.filter(({ table }) => !growing.some((grows) => grows.table === table)),
        contents,
      ).map(({ text }) => text),
      ...(await differencesOfViews(session, before.views ?? [], await viewsAsBefore(session, before))),
      ...wentBack(before.sequences, sequences),
      ...besideThatDiffers(before, { largeObjects: await takeLargeObjects(session) }, beside, false),
    ],
    scope: withoutRows(
      scopeOf({
        catalog: is,
        tables: compared,
        views: before.views ?? [],
        sequences,
        growing,
        leftOut: before.leftOut,
        largeObjects: beside.largeObjects,
        unproven: 0,
      }),
      given.tables,
    ),
  };
}

function withoutRows({ proven, notProven }: ScopeDoc, tables: readonly string[]): ScopeDoc {
  return {
    proven,
    notProven: [...notProven, ...tables.map((table) => `the rows of ${table} (the fence changes them)`)],
  };
}

function howToRead(recorded: TableContentDoc) {
  const mode = readAs(recorded);
  return mode === "versions" ? "count" : mode;
}

/**
 * Row versions are valid in the recorded database and in later copies of its files. A database restored to a time before
 * the record may have given the same transaction ids to others; its ledger does not have the run.
 */
async function whyNotByVersions(session: Session, mark: RowMark, run: string): Promise<string | null> {
  const other = await otherLineage(session, mark);
  if (other !== undefined) return other;
  const trace =
    (await hasLedger(session)) &&
    (
      await session.query(
        `SELECT FROM ${LEDGER_SCHEMA}.claim WHERE run = $1 UNION ALL SELECT FROM ${LEDGER_SCHEMA}.migration WHERE run = $1`,
        [run],
      )
    ).length > 0;
  return trace ? null : "this database has no trace of the run, unlike the recorded one";
}

/** The result from row versions; undefined if they show nothing, as the table or its columns are others. */
async function byVersions(
  session: Session,
  recorded: TableContentDoc,
  { since, tables }: RowMark,
  now: readonly MarkedTable[],
): Promise<Compared | undefined> {
  const was = tables.find(({ table }) => table === recorded.table);
  const is = now.find(({ oid, table }) => oid === was?.oid && table === recorded.table);
  if (!was?.heap || !is?.heap) return undefined;
  const same = recorded.columns.every((name) => {
    const [a, b] = [was, is].map(({ columns }) => columns.find((column) => column.name === name));
    return a?.number === b?.number && a?.type === b?.type && a?.typeId === b?.typeId;
  });
  const [counted] = await countRows(session, [is.table], since);
  if (!counted) return undefined;
  const old = counted.old ?? "0";
  const touched = {
    written: (BigInt(counted.rows) - BigInt(old)).toString(),
    gone: (BigInt(recorded.rows) - BigInt(old)).toString(),
  };
  if (same && touched.written === "0" && touched.gone === "0") return recorded;
  return recorded.unread ? { ...recorded, rows: counted.rows, touched } : undefined;
}

/** The table can only be counted, and a count proves nothing about values. */
async function notProven(session: Session, recorded: TableContentDoc): Promise<Compared> {
  const { touched: _, ...counted }: Compared = {
    ...(await takeTableContent(session, recorded.table, recorded.columns, "count")),
  };
  return counted.missing
    ? counted
    : { ...counted, unread: true, touched: { written: counted.rows, gone: recorded.rows } };
}

function viewsAsBefore(session: Session, { views = [] }: RecordDoc) {
  return takeViews(
    session,
    new Map(views.map((view) => [view.table, view.notRead === undefined ? modeOf(view) : "none"])),
  );
}
