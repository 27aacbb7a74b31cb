import {
  Doc,
  type FingerprintDoc,
  type RecordBeganDoc,
  type RecordName,
  type SpentDoc,
  type TableContentDoc,
  type Target,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { Draft } from "../shared/evidence.ts";
import { applicationRoles, besideTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { takeGrowing, takeLargeObjects, takeSequences } from "./besides.ts";
import { takeFingerprint } from "./catalog.ts";
import { listTables } from "./checksums.ts";
import type { Reading } from "./read-tables.ts";
import { countTables, inParallel, readTables } from "./read-tables.ts";
import { isDoubtful, takeRowMark } from "./row-versions.ts";
import {
  keepCatalog,
  type MarkedRecord,
  marked,
  recordOf,
  requireMarkedRecord,
  standingCatalog,
} from "./stored-record.ts";
import {
  type Base,
  type Scope,
  type Subject,
  subjectsOf,
  tablesLeftOut,
  viewModes,
  type Wish,
} from "./subjects.ts";
import { takeViews } from "./views.ts";

export interface Recording {
  name: RecordName;
  target: Target;
  session: Session;
  scope: Scope;
  /**
   * An earlier record of this database, or of its original: if row versions show that a table was not touched since,
   * that record's contents still hold. Undefined: there is none, or others may have written since.
   */
  since: RecordName | undefined;
  /** Runs after reading and before the record is kept. It may run again if the worker dies in between. */
  alongside?: (tables: readonly TableContentDoc[]) => Promise<void>;
}

/**
 * Records the catalog and contents of a database under that name, a piece at a time, so that another worker can
 * continue a long record. Undefined: this worker must leave, call again. The record of a proof is kept with the
 * proof, not here.
 */
export async function takeRecord(
  ports: Ports,
  evidence: RunEvidence,
  { name, target, session, scope, since, alongside }: Recording,
): Promise<MarkedRecord | undefined> {
  const taken = await recordOf(evidence, name);
  if (taken) return await marked(evidence, name, taken);
  const draft = await Draft.begin(evidence, ports.clock, Doc.recordBegan(name));
  let byOne = false;
  const began = await draft.getOrCreate<RecordBeganDoc>(Doc.recordBegan(name), async () => {
    byOne = true;
    const leftOut = await tablesLeftOut(session, ports.plan.contents);
    return {
      at: ports.clock.now().toISOString(),
      // Mark before reading: later writes count as new.
      mark: await takeRowMark(session),
      sequences: await takeSequences(session),
      tables: (await listTables(session)).filter(({ table }) => !leftOut.has(table)),
      ...(leftOut.size > 0 ? { leftOut: [...leftOut] } : {}),
    };
  });
  // If the application is not kept out, read with one session only, because it is using this database.
  const unfenced = target === "production" && ports.settings.fence === "none";
  const beside = unfenced ? undefined : besideTarget(ports, evidence, target);
  const base = since === undefined ? undefined : await requireMarkedRecord(evidence, since);
  let fingerprint: FingerprintDoc | undefined;
  let contained: { tables: TableContentDoc[]; spent: SpentDoc } | undefined;
  const catalog = async (session: Session) => {
    fingerprint = await draft.getOrCreate(Doc.fingerprint(name), async () => {
      const roles = applicationRoles(ports);
      // Staging changes between any two readings, so a standing catalog never applies.
      if (target === "staging")
        return keepCatalog(evidence, await takeFingerprint(session, roles), base?.catalog);
      return (await standingCatalog(session, evidence, roles, base?.catalog)).doc;
    });
    return true;
  };
  const contents = async (session: Session) => {
    const reading = (under: string): Reading => ({
      ports,
      draft,
      under: `${Doc.record(name)}/${under}`,
      session,
      beside,
    });
    contained = await contentsOf(began, scope, base, reading);
    return contained !== undefined;
  };
  await inParallel([contents, catalog], session, beside, 2, (read, own) => read(own));
  if (!contained || !fingerprint) {
    await draft.keep();
    return undefined;
  }
  const { tables, spent } = contained;
  const largeObjects = await draft.getOrCreate(`${Doc.record(name)}/large-objects`, () =>
    takeLargeObjects(session),
  );
  const growing = await draft.getOrCreate(`${Doc.record(name)}/growing`, () =>
    takeGrowing(session, ports.plan.contents),
  );
  const views = await draft.getOrCreate(`${Doc.record(name)}/views`, async () =>
    takeViews(session, await viewModes(session, ports.plan.contents)),
  );
  await alongside?.(tables);
  const now = ports.clock.now();
  const record = {
    at: began.at,
    seconds: (now.getTime() - Date.parse(began.at)) / 1000,
    fingerprint: fingerprint.hash,
    catalog: fingerprint.catalog,
    mark: began.mark,
    ...(since === undefined ? {} : { since }),
    tables,
    sequences: began.sequences,
    largeObjects,
    ...(growing.length > 0 ? { growing } : {}),
    ...(began.leftOut ? { leftOut: began.leftOut } : {}),
    ...(byOne ? { spent } : {}),
    views,
  };
  if (name.startsWith("after-")) return record;
  return await marked(evidence, name, await evidence.createOnce(Doc.record(name), record));
}

async function contentsOf(
  began: RecordBeganDoc,
  scope: Scope,
  base: Base | undefined,
  reading: (under: string) => Reading,
): Promise<{ tables: TableContentDoc[]; spent: SpentDoc } | undefined> {
  const subjects = subjectsOf(began, scope, base);
  const compared = subjects.filter(({ comparable }) => comparable);
  const since = base?.mark.since;
  const timed = timer();
  const counts = await countTables(
    compared.map(({ listed }) => listed),
    since,
    reading("counted"),
  );
  if (!counts) return undefined;
  const comparing = { rows: rowsOf(counts), seconds: timed() };
  const countOf = new Map(compared.map((subject, place) => [subject, counts[place]]));
  const known = new Map<Subject, TableContentDoc>();
  const toRead: Subject[] = [];
  const toCount: Subject[] = subjects.filter(({ comparable, wish }) => !comparable && !wish);
  for (const subject of subjects) {
    const count = countOf.get(subject);
    if (!count || !subject.was) {
      if (subject.wish) toRead.push(subject);
      continue;
    }
    const { was, listed, wish } = subject;
    const old = BigInt(count.old ?? "0");
    const written = (BigInt(count.rows) - old).toString();
    const gone = (BigInt(was.rows) - old).toString();
    const intact = written === "0" && gone === "0";
    const table = listed.table;
    const kept = { ...was, table, columns: subject.columns };
    delete kept.touched;
    if (intact && subject.kept && subject.carries) known.set(subject, kept);
    else {
      if (wish) toRead.push(subject);
      known.set(subject, {
        table,
        columns: subject.columns,
        rows: count.rows,
        checksum: null,
        ...(wish?.mode === "count" ? {} : { unread: true as const }),
        ...(intact && subject.kept ? {} : { touched: { written, gone } }),
      });
    }
  }
  const mark = isDoubtful(began.mark) ? began.mark.since : undefined;
  const counted = await countTables(
    toCount.map(({ listed }) => listed),
    mark,
    reading("rows"),
  );
  if (!counted) return undefined;
  for (const [place, subject] of toCount.entries()) {
    const count = counted[place];
    if (!count) throw new Error(`There is no count of ${subject.listed.table}`);
    // Rows that look new from the start would look changed later: read their values.
    if (!subject.was && count.old !== null && count.old !== count.rows)
      toRead.push({ ...subject, wish: { mode: "full", byColumn: true } });
    else
      known.set(subject, {
        table: subject.listed.table,
        columns: subject.columns,
        rows: count.rows,
        checksum: null,
        unread: true,
        // Another table of the same name: none of its rows existed before.
        ...(subject.was ? { touched: { written: count.rows, gone: subject.was.rows } } : {}),
      });
  }
  timed();
  const contents = await readTables(
    toRead.map(({ listed, columns, wish, key, comparable }) => ({
      ...listed,
      columns,
      ...(wish as Wish),
      key,
      since: comparable ? since : undefined,
    })),
    reading("read"),
  );
  if (!contents) return undefined;
  const spent = { compared: comparing, read: { rows: rowsOf(contents), seconds: timed() } };
  const found = new Map<string, TableContentDoc>();
  for (const [subject, content] of known) found.set(subject.listed.table, content);
  for (const content of contents) {
    const touched = found.get(content.table)?.touched;
    found.set(content.table, { ...content, ...(touched ? { touched } : {}) });
  }
  return { tables: subjects.flatMap(({ listed }) => found.get(listed.table) ?? []), spent };
}

/** Seconds since the previous call. */
function timer(): () => number {
  let since = performance.now();
  return () => {
    const passed = performance.now() - since;
    since += passed;
    return Math.round(passed) / 1000;
  };
}

function rowsOf(counted: readonly { rows: string }[]): number {
  return counted.reduce((sum, { rows }) => sum + Number(rows), 0);
}
