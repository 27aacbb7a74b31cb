import { besideThatDiffers, readOf } from "../lambdas/prove/beside.ts";
import { describeDifference, differences } from "../lambdas/prove/difference.ts";
import { type Fingerprint, takeFingerprint } from "../lambdas/prove/fingerprint.ts";
import { scopeOf } from "../lambdas/prove/scope.ts";
import { type TableContent, takeTableContent } from "../lambdas/record/checksums.ts";
import { compareContents, modeOf } from "../lambdas/record/compare-contents.ts";
import { takeLargeObjects } from "../lambdas/record/large-objects.ts";
import { takeSequences, wentBack } from "../lambdas/record/sequences.ts";
import { differencesOfViews, takeViews } from "../lambdas/record/views.ts";
import { Doc, type RecordDoc, type ScopeDoc } from "../lambdas/shared/documents.ts";
import type { RunEvidence } from "../lambdas/shared/evidence.ts";
import type { Session } from "../lambdas/shared/session.ts";

export interface ProvenByHand {
  /** When production was recorded that the database is compared with; ISO 8601. */
  recordedAt: string;
  tables: number;
  /** Catalog first, then tables and sequences, a line each; none: the database is what production was. */
  differences: string[];
  scope: ScopeDoc;
}

/**
 * Compares a database with what a run recorded of production before its first migration, as the run itself proves that
 * production is back. It only reads.
 * @returns undefined where the run did not come as far as that record
 */
export async function proveByHand(
  evidence: RunEvidence,
  session: Session,
  progress: (table: string) => void = () => undefined,
): Promise<ProvenByHand | undefined> {
  const before = await evidence.read<RecordDoc>(Doc.record("before"));
  if (!before) return undefined;
  const was = await evidence.need<Fingerprint>(Doc.fingerprint("before"));
  const is = await takeFingerprint(session, was.roles);
  const contents: TableContent[] = [];
  for (const recorded of before.tables) {
    progress(recorded.table);
    contents.push(await takeTableContent(session, recorded.table, recorded.columns, modeOf(recorded)));
  }
  const growing = before.growing ?? [];
  const beside = await readOf(session, before);
  const sequences = await takeSequences(session);
  return {
    recordedAt: before.at,
    tables: before.tables.length,
    differences: [
      ...differences(was, is).map(describeDifference),
      ...compareContents(
        before.tables.filter(({ table }) => !growing.some((grows) => grows.table === table)),
        contents,
      ).map(({ text }) => text),
      ...(await differencesOfViews(session, before.views ?? [], await viewsAsBefore(session, before))),
      ...wentBack(before.sequences ?? [], sequences),
      ...besideThatDiffers(before, { largeObjects: await takeLargeObjects(session) }, beside, false),
    ],
    scope: scopeOf({
      catalog: is,
      tables: before.tables,
      views: before.views ?? [],
      sequences,
      growing,
      largeObjects: beside.largeObjects,
      unproven: 0,
    }),
  };
}

function viewsAsBefore(session: Session, { views = [] }: RecordDoc) {
  const read = views.filter(({ notRead }) => notRead === undefined);
  return takeViews(session, new Map(read.map((view) => [view.table, modeOf(view)])));
}
