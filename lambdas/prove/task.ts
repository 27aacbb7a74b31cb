import * as z from "zod";
import { compareContents } from "../record/compare-contents.ts";
import { ranAhead, wentBack } from "../record/sequences.ts";
import { takeRecord } from "../record/take-record.ts";
import { differencesOfViews } from "../record/views.ts";
import {
  Doc,
  type ProofDoc,
  type ProofName,
  type RecordDoc,
  type RecordName,
  type SequenceDoc,
  type TableContentDoc,
  type ViewContentDoc,
} from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { withTarget } from "../shared/places.ts";
import { qualifiedName } from "../shared/table-name.ts";
import { DONE, RUNNING, runFields, type Task } from "../shared/task.ts";
import { differencesOfCatalogs, movedBetween } from "./compare.ts";

const event = z.strictObject({
  ...runFields,
  proof: z.custom<ProofName>((value) =>
    /^(staging-\d+|production-(data|rolled-back|restored))$/.test(String(value)),
  ),
});

/** Reads the database again and compares it with what was noted before; claims nothing that it did not read. */
export const proveTask: Task<z.infer<typeof event>> = {
  name: "prove",
  event,
  anyPlan: true,
  async run({ proof }, ports, evidence) {
    const after: RecordName = `after-${proof}`;
    const target = proof.startsWith("staging-") ? "staging" : "production";
    const read = await withTarget(ports, evidence, target, async (session) => {
      const wanted = await expectation(
        evidence,
        proof,
        await qualifiedName(session, ports.plan.schema.table),
      );
      const { tables } = wanted;
      return { wanted, record: await takeRecord(ports, evidence, { name: after, target, session, tables }) };
    });
    const { wanted, record } = read;
    if (!record) return RUNNING;
    const contents = compareContents(wanted.tables, record.tables);
    // Where nothing is fenced the application writes meanwhile: what differs in rows is neither proof nor failure.
    const fenced = target === "staging" || ports.settings.fence === "connect";
    const unproven = fenced ? [] : contents.filter(({ what }) => what === "rows" || what === "content");
    const { views = [] } = wanted;
    const ofViews =
      views.length === 0
        ? []
        : await withTarget(ports, evidence, target, (session) =>
            differencesOfViews(session, views, record.views ?? []),
          );
    const found = [
      ...(wanted.catalog ? await differencesOfCatalogs(evidence, wanted.catalog, after) : []),
      ...contents.filter((difference) => !unproven.includes(difference)).map(({ text }) => text),
      ...(fenced ? ofViews : []),
      ...wentBack(wanted.sequences ?? [], record.sequences ?? []),
    ];
    const doc = await evidence.keep<ProofDoc>(Doc.proof(proof), {
      at: ports.clock.now().toISOString(),
      name: proof,
      equal: found.length === 0,
      fingerprintBefore: wanted.catalog
        ? (await evidence.need<RecordDoc>(Doc.record(wanted.catalog))).fingerprint
        : null,
      fingerprintAfter: wanted.catalog ? record.fingerprint : null,
      tablesBefore: [...wanted.tables],
      tablesAfter: record.tables,
      differences: found,
      unproven: [...unproven.map(({ text }) => text), ...(fenced ? [] : ofViews)],
      moved: [
        ...(wanted.catalog ? await movedBetween(evidence, wanted.catalog, after) : []),
        ...ranAhead(wanted.sequences ?? [], record.sequences ?? []),
      ],
    });
    if (doc.equal) return DONE;
    const some = doc.differences.slice(0, 10).join("; ");
    const more = doc.differences.length > 10 ? `; and ${doc.differences.length - 10} more` : "";
    if (proof === "production-data")
      throw new SluiceError(
        ErrorName.CheckFailed,
        `Data that was there before the migration is not there as it was: ${some}${more}`,
      );
    throw new SluiceError(ErrorName.NotBack, `Not what it was before (${proof}): ${some}${more}`);
  },
};

interface Expectation {
  /** The record whose catalog must be there again; none where the catalog has rightly changed. */
  catalog?: RecordName;
  tables: readonly TableContentDoc[];
  /** What they had come to, they must not give again. */
  sequences: readonly SequenceDoc[] | undefined;
  /** None where the migration may have refreshed them, or made them anew. */
  views?: readonly ViewContentDoc[] | undefined;
}

/** @param versions the table that holds the schema's version */
async function expectation(
  evidence: RunEvidence,
  proof: ProofName,
  versions: string | undefined,
): Promise<Expectation> {
  if (proof.startsWith("staging-")) {
    const name = proof as RecordName;
    const { tables, sequences, views } = await evidence.need<RecordDoc>(Doc.record(name));
    return { catalog: name, tables, sequences, views };
  }
  const before = await evidence.need<RecordDoc>(Doc.record("before"));
  const { sequences, views } = before;
  if (proof === "production-data")
    // The schema's version has rightly changed.
    return { tables: before.tables.filter(({ table }) => table !== versions), sequences };
  if (proof === "production-restored") return { catalog: "before", tables: before.tables, sequences, views };
  const reopened = await evidence.read<RecordDoc>(Doc.record("reopened"));
  // What the application wrote after the opening must survive; only the schema's version goes back to what it was.
  const tables = before.tables.map(
    (was) =>
      (was.table === versions ? was : reopened?.tables.find(({ table }) => table === was.table)) ?? was,
  );
  return {
    catalog: "before",
    tables,
    sequences: reopened?.sequences ?? sequences,
    views: reopened?.views ?? views,
  };
}
