import * as z from "zod";
import { type MomentProof, proveMoment } from "../moments/moment.ts";
import {
  Doc,
  type ProofDoc,
  type ProofName,
  type RecordDoc,
  type RecordName,
  type ScopeDoc,
  type SequenceDoc,
  type TableContentDoc,
  type Target,
  type ViewContentDoc,
} from "../shared/documents.ts";
import { ErrorName, messageOf, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { withTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import { DONE, RUNNING, runFields, type Task } from "../shared/task.ts";
import { VERSION } from "../shared/version.ts";
import { versionTables } from "../version-table/tables.ts";
import { besideThatDiffers, grown, ranAhead, readBeside, wentBack } from "./besides.ts";
import { heldToRehearsal } from "./changes-held.ts";
import { compareContents } from "./compare-contents.ts";
import { catalogDifferences, describeDifference, movedBetween } from "./difference.ts";
import { rowsThatDiffer } from "./former-rows.ts";
import { notLeft, notLeftText, withoutLeft } from "./leaves.ts";
import {
  isUntouchedByPlan,
  madeByPlan,
  NOT_BY_ROWS,
  NOT_MADE,
  notMade,
  notMadeText,
  onlyOthers,
  withoutParts,
} from "./made.ts";
import { scopeOf } from "./scope.ts";
import { fingerprintOf, recordOf, requireRecord } from "./stored-record.ts";
import { sinceBefore } from "./subjects.ts";
import { takeRecord } from "./take-record.ts";
import { differencesOfViews } from "./views.ts";

const event = z.discriminatedUnion("proof", [
  z.strictObject({ ...runFields, proof: z.literal("staging"), version: z.string().regex(VERSION) }),
  z.strictObject({
    ...runFields,
    proof: z.enum(["production-data", "production-rolled-back", "production-restored"]),
  }),
]);

export function proofName(asked: z.infer<typeof event>): ProofName {
  return asked.proof === "staging" ? `staging-${asked.version}` : asked.proof;
}

/** Reads the database again and compares it with the record; claims nothing that it did not read. */
export const proveTask: Task<z.infer<typeof event>> = {
  name: "prove",
  event,
  async run(asked, ports, evidence) {
    const proof = proofName(asked);
    const doc = await prove(proof, ports, evidence);
    if (!doc) return RUNNING;
    if (doc.equal) return DONE;
    if (targetOf(proof) === "staging") {
      // The same run must find all other problems too; it ends before its gate (validate/mistakes.ts).
      ports.progress(`Not back: ${doc.differences[0]}. The rehearsal continues, and the run will be refused`);
      return DONE;
    }
    // Differences that the plan did not make come first: they show who caused them.
    const first = proof === "production-data" ? [] : (doc.others ?? []);
    const some = [...new Set([...first, ...doc.differences])].slice(0, 10).join("; ");
    const more = doc.differences.length > 10 ? `; and ${doc.differences.length - 10} more` : "";
    if (proof === "production-data")
      throw new SluiceError(
        ErrorName.CheckFailed,
        `Production's data did not change as it did in the rehearsal: ${some}${more}${notByPlan(doc)}`,
      );
    throw new SluiceError(
      ErrorName.NotBack,
      `Not as it was before (${proof}): ${some}${more}${notByPlan(doc)}`,
    );
  },
};

function targetOf(proof: ProofName): Target {
  return proof.startsWith("production-") ? "production" : "staging";
}

/** What the rollbacks before this proof may leave. On production, only those of migrations that started there. */
async function mayBeLeft(
  { plan: { migrations } }: Ports,
  evidence: RunEvidence,
  proof: ProofName,
): Promise<readonly string[]> {
  if (proof.startsWith("staging-"))
    return (
      migrations.find(({ version }) => proof === `staging-${version}` || proof === `staging-${version}-again`)
        ?.leaves ?? []
    );
  if (proof !== "production-rolled-back") return [];
  const from = (await evidence.read(Doc.rollback))?.from;
  const last = migrations.findIndex(({ version }) => version === from);
  return migrations.slice(0, last + 1).flatMap(({ leaves = [] }) => leaves);
}

/** Added after the differences: a decision about a restore needs to know who caused them. */
function notByPlan(doc: ProofDoc): string {
  const { others = [] } = doc;
  if (others.length === 0) return "";
  if (doc.name === "production-data") return `. ${others.slice(0, 3).join("; ")}`;
  return `. ${onlyOthers(doc) ? "All of this" : "Some of this"} was ${NOT_MADE}: find out who else works on production, for example its own maintenance`;
}

/**
 * Compares the database with what it must be and keeps the proof. Undefined: this worker must leave, call again.
 * @param wrong differences that are already known
 */
export async function prove(
  proof: ProofName,
  ports: Ports,
  evidence: RunEvidence,
  wrong: readonly string[] = [],
): Promise<ProofDoc | undefined> {
  const after: RecordName = `after-${proof}`;
  const target = targetOf(proof);
  const read = await withTarget(ports, evidence, target, async (session) => {
    const versions = await versionTables(session, ports.plan.schema);
    const wanted = await expectation(ports, evidence, proof, versions);
    const record = await takeRecord(ports, evidence, {
      name: after,
      target,
      session,
      scope: wanted.held ? { of: "since" } : { of: "expected", tables: wanted.tables },
      since: wanted.since,
    });
    return {
      wanted,
      record,
      versions,
      beside: record && (await readBeside(session, wanted.record)),
    };
  });
  const { wanted, record, versions, beside } = read;
  if (!record || !beside) return undefined;
  const ofMoment = await provenMoment(proof, ports, evidence, target);
  const growing = wanted.record.growing ?? [];
  const grows = (name: string) => growing.some(({ table }) => table === name);
  // Without a fence others may write: then a difference in rows is neither proof nor failure.
  const still = wanted.goesOn ? false : target === "staging" || ports.settings.fence === "connect";
  const compared = wanted.held
    ? await heldToRehearsal(ports, evidence, record, (name) => versions.has(name) || grows(name))
    : await comparedContents(
        wanted.tables.filter(({ table }) => !grows(table)),
        record,
        async (was) =>
          target === "staging" && wanted.catalog
            ? await rowsOfStaging(ports, evidence, wanted.catalog, was)
            : undefined,
        target === "production" ? await isUntouchedByPlan(evidence) : () => false,
        still,
      );
  const { views = [] } = wanted;
  const ofViews =
    views.length === 0
      ? []
      : await withTarget(ports, evidence, target, (session) =>
          differencesOfViews(session, views, record.views ?? []),
        );
  const leaves = await mayBeLeft(ports, evidence, proof);
  const { rest: catalog, left } = withoutLeft(
    await catalogDifferences(evidence, wanted.catalog ?? "before", record),
    leaves,
  );
  // On production, a migration that did not finish leaves less.
  const missing = target === "staging" ? notLeft(leaves, await fingerprintOf(evidence, record)) : [];
  // On staging the rehearsal has not yet shown what the plan makes.
  const strange =
    target === "production" && catalog.length > 0 ? notMade(catalog, await madeByPlan(evidence)) : [];
  const ofCatalog = wanted.catalog
    ? [
        ...catalog.map((one) => (strange.includes(one) ? notMadeText(one) : describeDifference(one))),
        ...missing.map(notLeftText),
      ]
    : [];
  const ofOthers = besideThatDiffers(wanted.record, record, beside, proof === "production-data");
  const found = [
    ...wrong,
    ...ofMoment.differences,
    ...ofCatalog.filter((line) => !wrong.some((known) => known.endsWith(line))),
    ...compared.differences,
    ...(still ? ofViews : []),
    ...wentBack(wanted.sequences, record.sequences),
    ...(wanted.goesOn ? [] : ofOthers),
  ];
  const added = grown(growing, beside.growing);
  const others = [...withoutParts(strange).map(notMadeText), ...(compared.others ?? [])];
  return await evidence.createOnce(Doc.proof(proof), {
    at: ports.clock.now().toISOString(),
    name: proof,
    equal: found.length === 0,
    fingerprintBefore: wanted.catalog ? (await requireRecord(evidence, wanted.catalog)).fingerprint : null,
    fingerprintAfter: wanted.catalog ? record.fingerprint : null,
    record,
    // On staging both are the same if nothing differs.
    ...(target === "staging" && found.length === 0
      ? {}
      : { tablesBefore: wanted.tables.map(shown), tablesAfter: record.tables.map(shown) }),
    differences: found,
    ...(left.length > 0 ? { left } : {}),
    unproven: [...compared.unproven, ...(still ? [] : ofViews), ...(wanted.goesOn ? ofOthers : [])],
    agreed: compared.agreed,
    scope: withProven(
      ofMoment.proven,
      scopeOf({
        catalog: wanted.catalog ? await fingerprintOf(evidence, record) : null,
        tables: wanted.tables,
        views,
        sequences: record.sequences,
        growing,
        leftOut: record.leftOut,
        largeObjects: beside.largeObjects,
        unproven: compared.unproven.length,
      }),
    ),
    ...(added.length > 0 ? { grown: added } : {}),
    ...(others.length > 0 ? { others } : {}),
    moved: [
      ...(wanted.catalog ? await movedBetween(evidence, wanted.catalog, record) : []),
      ...ranAhead(wanted.sequences, record.sequences),
    ],
  });
}

/** Proves that a restore to a moment stopped at that moment. */
async function provenMoment(
  proof: ProofName,
  ports: Ports,
  evidence: RunEvidence,
  target: Target,
): Promise<MomentProof> {
  const purpose =
    proof === "production-restored" ? "final" : proof === "restore-rehearsed" ? "rehearsal" : undefined;
  const noted = purpose && (await evidence.read(Doc.moment(purpose)));
  if (!noted) return { proven: [], differences: [] };
  return await withTarget(ports, evidence, target, (session) => proveMoment(session, noted, evidence.run));
}

function withProven(lines: readonly string[], { proven, notProven }: ScopeDoc): ScopeDoc {
  return { proven: [...proven, ...lines], notProven };
}

/** A table in a proof, without its columns' sums, which stay in the record. */
function shown({ table, columns, rows, checksum, unread }: TableContentDoc): TableContentDoc {
  return { table, columns, rows, checksum, ...(unread ? { unread } : {}) };
}

type ComparedContents = Pick<ProofDoc, "differences" | "unproven" | "agreed" | "others">;

/**
 * @param rows names the rows of a table that differ; undefined if unknown
 * @param isUntouched true if the plan's rehearsal did not touch the table
 * @param still false: others may have written to it in the meantime
 */
async function comparedContents(
  before: readonly TableContentDoc[],
  record: RecordDoc,
  rows: (was: TableContentDoc) => Promise<string | undefined>,
  isUntouched: (table: string) => boolean,
  still: boolean,
): Promise<ComparedContents> {
  const contents = compareContents(before, record.tables);
  for (const difference of contents) {
    const was = before.find(({ table }) => table === difference.table);
    if (!was || (difference.what !== "rows" && difference.what !== "content")) continue;
    const named = await rows(was);
    if (named !== undefined) difference.text += `; ${named}`;
    if (isUntouched(was.table)) difference.text += `; ${NOT_BY_ROWS}`;
  }
  const unproven = still ? [] : contents.filter(({ what }) => what === "rows" || what === "content");
  const differences = contents.filter((difference) => !unproven.includes(difference));
  return {
    differences: differences.map(({ text }) => text),
    unproven: unproven.map(({ text }) => text),
    agreed: [],
    others: differences.map(({ text }) => text).filter((line) => line.endsWith(NOT_BY_ROWS)),
  };
}

/** Names the rows for the reader; the proof's result does not depend on it. */
async function rowsOfStaging(
  ports: Ports,
  evidence: RunEvidence,
  record: RecordName,
  was: TableContentDoc,
): Promise<string | undefined> {
  return await withTarget(ports, evidence, "staging", (session) =>
    rowsThatDiffer(session, record, was),
  ).catch((error: unknown) => {
    ports.progress(`cannot name the rows of ${was.table} that differ: ${messageOf(error)}`);
    return undefined;
  });
}

interface Expectation {
  /** The record whose catalog must be back; absent if the catalog has rightly changed. */
  catalog?: RecordName;
  tables: readonly TableContentDoc[];
  /** Also compared: large objects, and tables that only grow. */
  record: RecordDoc;
  /** The values that sequences had reached: they must not be given again. */
  sequences: readonly SequenceDoc[];
  /** The record whose mark shows which rows were touched since; undefined if no record can. */
  since: RecordName | undefined;
  /** The tables must be as the rehearsal left them, not as they were. */
  held?: true;
  /** The database is from later than the record, and the application worked in between. */
  goesOn?: true;
  /** Absent if the migration may have refreshed them or made them again. */
  views?: readonly ViewContentDoc[] | undefined;
}

/** @param versions the tables that hold the schema's version */
async function expectation(
  ports: Ports,
  evidence: RunEvidence,
  proof: ProofName,
  versions: ReadonlySet<string>,
): Promise<Expectation> {
  if (proof === "restore-rehearsed") {
    // Another copy: its row versions have a history of their own, so every row is read.
    const record = await requireRecord(evidence, "staging");
    const { tables, sequences, views } = record;
    const goesOn = (await evidence.read(Doc.moment("rehearsal"))) !== undefined;
    return {
      catalog: "staging",
      record,
      tables,
      sequences,
      views,
      since: undefined,
      ...(goesOn ? { goesOn } : {}),
    };
  }
  if (proof.startsWith("staging-")) {
    const name = proof.replace(/-again$/, "") as RecordName;
    const record = await requireRecord(evidence, name);
    const { tables, sequences, views } = record;
    // The second try started from what was proven to be back.
    const since: RecordName = proof === name ? name : `after-${name as ProofName}`;
    return { catalog: name, record, tables, sequences, views, since };
  }
  const before = await requireRecord(evidence, "before");
  const { sequences, views } = before;
  const since = sinceBefore(ports);
  if (proof === "production-data") {
    const seen = await evidence.require(Doc.changes("staging"));
    const setBack = seen.sequences.flatMap(({ sequence, back }) => (back ? [sequence] : []));
    // The schema's version has rightly changed.
    return {
      record: before,
      tables: before.tables.filter(({ table }) => !versions.has(table)),
      // The approvers agreed to a sequence that the rehearsal set back.
      sequences: sequences.filter(({ sequence }) => !setBack.includes(sequence)),
      since: "before",
      held: true,
    };
  }
  if (proof === "production-restored")
    return { catalog: "before", record: before, tables: before.tables, sequences, views, since };
  const reopened = await recordOf(evidence, "reopened");
  // The application's writes after the opening must survive; only the schema's version goes back.
  const tables = before.tables.map(
    (was) =>
      (versions.has(was.table) ? was : reopened?.tables.find(({ table }) => table === was.table)) ?? was,
  );
  return {
    catalog: "before",
    record: reopened ?? before,
    tables,
    sequences: reopened?.sequences ?? sequences,
    views: reopened?.views ?? views,
    since: reopened && since ? "reopened" : since,
  };
}
