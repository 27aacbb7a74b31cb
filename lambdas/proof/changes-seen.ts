import { noteStopped } from "../fence/stilled.ts";
import {
  type ChangesDoc,
  Doc,
  type RecordName,
  type TableChangeDoc,
  type TableContentDoc,
} from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { Draft } from "../shared/evidence.ts";
import { besideTarget } from "../shared/places.ts";
import type { Migration } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { versionTables } from "../version-table/tables.ts";
import { disagreements } from "./changes-agreed.ts";
import { changesText } from "./changes-in-words.ts";
import {
  byTable,
  isChange,
  type MarkedTables,
  type Moment,
  markedBy,
  objectChanges,
  observe,
  sequencesMoved,
  structureOf,
} from "./changes-observed.ts";
import { listTables } from "./checksums.ts";
import { noteMade, noteMadeByAll } from "./made.ts";
import { countTables, readTables } from "./read-tables.ts";
import { hasOtherLabels } from "./row-versions.ts";
import { keptFingerprint, marked, recordOf, requireMarkedRecord, requireRecord } from "./stored-record.ts";
import { stagingWishes } from "./subjects.ts";
import { takeRecord } from "./take-record.ts";

/**
 * Notes what the migration, now applied to staging for good, did to existing data. After the last migration it also
 * notes what all of them did: production is held to that.
 * @returns false if this worker must leave first; call again
 * @throws SluiceError CheckFailed if the plan declares something else
 */
export async function noteChanges(
  session: Session,
  ports: Ports,
  evidence: RunEvidence,
  migration: Migration,
): Promise<boolean> {
  const { version } = migration;
  const [before, after]: RecordName[] = [await rolledBack(evidence, version), `changed-${version}`];
  const record = await takeRecord(ports, evidence, {
    name: after as RecordName,
    target: "staging",
    session,
    scope: { of: "all", read: await stagingWishes(session, ports) },
    since: before as RecordName,
  });
  if (!record) return false;
  const versions = await versionTables(session, ports.plan.schema);
  const was = await requireMarkedRecord(evidence, before as RecordName);
  const doc = await evidence.createOnce(
    Doc.changes(`staging-${version}`),
    await changesDoc(
      ports,
      evidence,
      before as RecordName,
      after as RecordName,
      observe(was, record, (table) => versions.has(table)),
      { objectsSince: `staging-${version}` },
    ),
  );
  // From before its first apply: its rollback may leave something, which the migration made too.
  await noteMade(evidence, version, `staging-${version}`, after as RecordName);
  ports.progress(`${version} ${changesText(doc)}`);
  await refuseOthers(session, evidence, migration, doc);
  const last = ports.plan.migrations.at(-1);
  if (last?.version === version) await noteStopped(session, ports, evidence);
  return last?.version === version ? await noteAll(session, ports, evidence, versions) : true;
}

/** The newest record of staging from before the migration is applied for good. */
async function rolledBack(evidence: RunEvidence, version: string): Promise<RecordName> {
  const names: RecordName[] = [`after-staging-${version}-again`, `after-staging-${version}`];
  for (const name of names) if (await recordOf(evidence, name)) return name;
  // The migration has no rollback.
  return `staging-${version}`;
}

/** If the plan declares what the migration changes, staging must have shown exactly that. */
async function refuseOthers(
  session: Session,
  evidence: RunEvidence,
  { version, folder, changes }: Migration,
  { tables }: ChangesDoc,
): Promise<void> {
  if (!changes) return;
  const { mark } = await requireMarkedRecord(evidence, await rolledBack(evidence, version));
  const [row] = await session.query<{ path: string[] }>(
    "SELECT coalesce(array_agg(quote_ident(name)), '{}') AS path FROM unnest(current_schemas(false)) AS name",
  );
  const found = disagreements(changes, tables, {
    tables: mark.tables.map(({ table, columns }) => ({ table, columns: columns.map(({ name }) => name) })),
    path: row?.path ?? [],
  });
  if (found.length > 0)
    throw new SluiceError(
      ErrorName.CheckFailed,
      `${folder} changed staging's data differently from what plan.yaml declares under \`changes\`: ${found.join("; ")}. ` +
        "Correct the migration or plan.yaml.",
    );
}

async function noteAll(
  session: Session,
  ports: Ports,
  evidence: RunEvidence,
  versions: ReadonlySet<string>,
): Promise<boolean> {
  if (await evidence.read(Doc.changes("staging"))) return true;
  const all = ports.plan.migrations.map(({ version }) => version);
  const [first, last] = [all[0] ?? "", all.at(-1) ?? ""];
  const [from, to]: [RecordName, RecordName] = [await rolledBack(evidence, first), `changed-${last}`];
  const before = await requireMarkedRecord(evidence, from);
  const after = await requireMarkedRecord(evidence, to);
  const each: Own[] = [];
  for (const { version, migrate } of ports.plan.migrations) {
    const is = await requireMarkedRecord(evidence, `changed-${version}`);
    each.push({
      byTime: migrate.steps.some(({ picksByTime }) => picksByTime),
      was: markedBy((await requireMarkedRecord(evidence, await rolledBack(evidence, version))).mark),
      is: contentsByOid(is),
      changes: await rowChanges(evidence, version),
    });
  }
  // If one migration alone wrote a table's rows, its own record shows the result. If several wrote them, even only by
  // a rewrite, read the table as a whole: production shows their combined result.
  const several = new Map<string, TableContentDoc | undefined>();
  // With another enum label a value reads differently although it was not written: the written rows show it as
  // changed.
  const relabelled = hasOtherLabels(before.mark, after.mark);
  const byTime = new Set<string>();
  const contents = byTable(before.tables);
  const marked = markedBy(after.mark);
  const tables = before.mark.tables.flatMap((was): TableChangeDoc[] => {
    const content = contents.get(was.table);
    if (!content || versions.has(was.table)) return [];
    const structure = structureOf(was, content, marked);
    const own = each.flatMap(({ was: then, is, changes, byTime: picks }) => {
      const called = then.byOid.get(was.oid);
      if (!called || !wroteRows(is.get(was.oid))) return [];
      if (picks) byTime.add(was.table);
      return [{ called, change: changes.get(called.table) }];
    });
    const [only, ...more] = own;
    const together = more.length > 0 || relabelled;
    if (together && own.some(({ change }) => change)) several.set(was.oid, undefined);
    if (!only?.change || together || !marked.byOid.has(was.oid)) return [structure];
    const { called, change } = only;
    const changed = change.columns.filter(({ how }) => how === "changed");
    return [
      {
        ...structure,
        rows: change.rows,
        columns: [
          ...structure.columns,
          ...changed.flatMap(({ column }) => {
            const number = called.columns.find(({ name }) => name === column)?.number;
            const name = was.columns.find((one) => one.number === number)?.name;
            return name === undefined ? [] : [{ column: name, how: "changed" as const }];
          }),
        ],
      },
    ];
  });
  if (!(await readSeveral(several, before, after, { session, ports, evidence }))) return false;
  const then = markedBy(before.mark);
  const whole = observe(
    {
      ...before,
      tables: before.tables.filter(({ table }) => several.has(then.byName.get(table)?.oid ?? "")),
    },
    {
      ...after,
      tables: [...several.values()].filter((content) => content !== undefined),
    },
  );
  await noteMadeByAll(evidence, all);
  await evidence.createOnce(
    Doc.changes("staging"),
    await changesDoc(
      ports,
      evidence,
      from,
      to,
      tables
        .map((change) => whole.find(({ table }) => table === change.table) ?? change)
        .filter(isChange)
        .map((change) => (byTime.has(change.table) ? { ...change, byTime: true as const } : change)),
      { objectsSince: `staging-${first}`, touched: await touchedTables(evidence, all) },
    ),
  );
  return true;
}

const wroteRows = (content: TableContentDoc | undefined): boolean =>
  content?.touched !== undefined && (content.touched.written !== "0" || content.touched.gone !== "0");

/** What one migration did on its own. */
interface Own {
  byTime: boolean;
  /** The tables right before the migration. */
  was: MarkedTables;
  /** Contents right after it, by the table's oid. */
  is: ReadonlyMap<string, TableContentDoc>;
  /** What happened to each table's rows, by the table's name right before it. */
  changes: ReadonlyMap<string, TableChangeDoc>;
}

function contentsByOid({ mark, tables }: Moment): Map<string, TableContentDoc> {
  const { byName } = markedBy(mark);
  return new Map(
    tables.flatMap((content) => {
      const oid = byName.get(content.table)?.oid;
      return oid === undefined ? [] : [[oid, content]];
    }),
  );
}

async function rowChanges(evidence: RunEvidence, version: string): Promise<Map<string, TableChangeDoc>> {
  const { tables } = await evidence.require(Doc.changes(`staging-${version}`));
  return new Map(tables.filter(({ rows }) => rows).map((change) => [change.table, change]));
}

/** Reads the tables whose rows several migrations wrote, counting from the first one's mark. */
async function readSeveral(
  several: Map<string, TableContentDoc | undefined>,
  before: Moment,
  after: Moment,
  { session, ports, evidence }: { session: Session; ports: Ports; evidence: RunEvidence },
): Promise<boolean> {
  const wanted = after.mark.tables.filter(({ oid }) => several.has(oid));
  if (wanted.length === 0) return true;
  const listed = (await listTables(session)).filter(({ table }) => wanted.some((one) => one.table === table));
  const under = `${Doc.changes("staging")}/read`;
  const draft = await Draft.begin(evidence, ports.clock, `${under}/counted-0`);
  const reading = { ports, draft, session, beside: besideTarget(ports, evidence, "staging") };
  const { since } = before.mark;
  const counts = await countTables(listed, since, { ...reading, under: `${under}/counted` });
  const read =
    counts &&
    (await readTables(
      listed.map((table) => ({ ...table, mode: "full" as const, byColumn: true, since })),
      { ...reading, under },
    ));
  if (!read) {
    await draft.keep();
    return false;
  }
  for (const [place, content] of read.entries()) {
    const oid = wanted.find(({ table }) => table === content.table)?.oid ?? "";
    const was = before.mark.tables.find((table) => table.oid === oid);
    const rows = before.tables.find(({ table }) => table === was?.table)?.rows;
    const old = counts[place]?.old;
    if (rows === undefined || old === undefined || old === null) continue;
    const written = (BigInt(content.rows) - BigInt(old)).toString();
    several.set(oid, { ...content, touched: { written, gone: (BigInt(rows) - BigInt(old)).toString() } });
  }
  return true;
}

/**
 * Tables, by their names when staging was restored, for which row versions alone are not enough on production: also
 * those whose column, or which themselves, are dropped and must come back with their contents.
 */
async function touchedTables(evidence: RunEvidence, versions: readonly string[]): Promise<string[]> {
  const { mark } = await requireMarkedRecord(evidence, "staging");
  const touched = new Set<string>();
  const records = versions.flatMap((version): RecordName[] => [
    `staging-${version}`,
    `after-staging-${version}`,
    `after-staging-${version}-again`,
    `changed-${version}`,
  ]);
  for (const name of records) {
    const record = await recordOf(evidence, name);
    if (!record) continue;
    const moment = await marked(evidence, name, record);
    const there = markedBy(moment.mark);
    for (const { table, touched: rows } of moment.tables)
      if (rows) touched.add(there.byName.get(table)?.oid ?? "");
    for (const { oid } of mark.tables) if (!there.byOid.has(oid)) touched.add(oid);
  }
  return mark.tables.filter(({ oid }) => touched.has(oid)).map(({ table }) => table);
}

async function changesDoc(
  ports: Ports,
  evidence: RunEvidence,
  before: RecordName,
  after: RecordName,
  tables: TableChangeDoc[],
  /** A rollback may leave objects: these count as the migration's too. */
  { objectsSince, touched = [] }: { objectsSince: RecordName; touched?: string[] },
): Promise<ChangesDoc> {
  const [was, is] = [await keptFingerprint(evidence, objectsSince), await keptFingerprint(evidence, after)];
  const [from, to] = [await requireRecord(evidence, before), await requireRecord(evidence, after)];
  return {
    at: ports.clock.now().toISOString(),
    tables,
    objects: objectChanges(was, is, tables),
    sequences: sequencesMoved(from.sequences, to.sequences),
    touched,
  };
}
