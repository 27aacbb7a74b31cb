import { hasLedger, versionsLeft } from "../ledger/ledger.ts";
import type { MomentDoc } from "../shared/documents.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { moment as words } from "../shared/text.ts";

export interface MomentProof {
  /** What holds, for the proof's scope. */
  proven: string[];
  differences: string[];
}

/**
 * Proves that a restored database is at the moment: its transactions reach the last one before it, and no migration
 * of this run has begun there. The record shows its contents.
 */
export async function proveMoment(
  session: Session,
  { moment, transaction }: MomentDoc,
  run: string,
): Promise<MomentProof> {
  const at = words(moment.at);
  // For a number that was not given yet, the server raises an error.
  const { given } = await requireRow<{ given: boolean }>(
    session,
    "SELECT $1::text::numeric < pg_snapshot_xmax(pg_current_snapshot())::text::numeric AS given",
    [transaction],
  );
  const status = given
    ? (
        await requireRow<{ status: string | null }>(
          session,
          "SELECT pg_xact_status($1::text::xid8) AS status",
          [transaction],
        )
      ).status
    : "not there";
  const begun = (await hasLedger(session)) ? await versionsLeft(session, run) : [];
  const differences = [
    // Null: the server no longer keeps the status of so old a transaction, for example in a proof days later.
    ...(status === "committed" || status === null
      ? []
      : [
          `it was restored to an earlier moment than ${at}: transaction ${transaction}, which had committed before it, is ${status}`,
        ]),
    ...(begun.length > 0
      ? [`it was restored to a later moment than ${at}: ${begun.join(", ")} of this run have begun there`]
      : []),
  ];
  return {
    differences,
    proven:
      differences.length > 0
        ? []
        : [
            `the moment ${at}: transactions reach the last one before it (${transaction}), and no migration of this run has begun`,
          ],
  };
}
