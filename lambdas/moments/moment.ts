import { hasLedger, versionsLeft } from "../ledger/ledger.ts";
import { Doc, type MomentDoc } from "../shared/documents.ts";
import { ErrorName, isPostgresError, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { asideName, type MomentPurpose, momentName } from "../shared/names.ts";
import type { Clock, Moment, Ports } from "../shared/ports.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { moment as words } from "../shared/text.ts";

// A restore to a time replays the WAL up to the first transaction that committed after it; the server's clock dates
// each commit, to the microsecond. RestoreTime has whole seconds. So the moment is a whole second of that clock,
// still ahead when everything that must be in it has committed, and the run writes nothing until it has passed.
// Nothing commits at exactly that second, so it does not matter whether the target itself is replayed.
//
// An idle server has no transaction after the moment, and a recovery that reaches the end of the WAL before its
// target fails. So the run commits one as soon as the moment has passed. It writes nothing, but takes a number, which
// is logged.

/** A server's clock may be some milliseconds behind that of the server it replaced. */
const MARGIN_MS = 50;

/**
 * Most milliseconds by which the server's clock may be set back between preflight and the moment; the run then waits
 * that long.
 */
const MOST_PUT_BACK_MS = 30_000;

/** A worker may ask late. */
const UNSURE_MS = 1_000;

/**
 * Notes the moment that production can be taken back to: after the last transaction that must be in it. Nothing else
 * may be written before `passMoment`. The session must not be in a transaction.
 * @throws SluiceError BackupMismatch if a prepared transaction would be in doubt after a restore
 */
export async function noteMoment(
  session: Session,
  purpose: MomentPurpose,
  ports: Ports,
  evidence: RunEvidence,
): Promise<MomentDoc> {
  return await evidence.getOrCreate(Doc.moment(purpose), async () => {
    const { identity, moments } = await evidence.require(Doc.production);
    await refusePrepared(session);
    const transaction = await markTransaction(session);
    const position = await walPosition(session);
    const { putBackMs } = await clockPutBack(session, ports, evidence);
    const exact = moments?.by === "copy";
    // Transactions dated before the clock was set back are also before the moment.
    const { at, under_way } = await requireRow<{ at: string; under_way: string }>(
      session,
      `SELECT ${AS_ISO(
        exact
          ? "clock_timestamp()"
          : "date_trunc('second', clock_timestamp() + make_interval(secs => $1::float8 / 1000)) + interval '1 second'",
      )} AS at, pg_current_snapshot()::text AS under_way`,
      exact ? [] : [putBackMs + MARGIN_MS],
    );
    return {
      notedAt: ports.clock.now().toISOString(),
      name: momentName(evidence.run, purpose),
      instance: ports.settings.instance,
      aside: asideName(ports.settings.instance, evidence.run),
      identity,
      moment: { at: toMilliseconds(at), ...position },
      transaction,
      underWay: under_way,
    };
  });
}

/**
 * Waits until the server's clock has passed the moment, and commits the first transaction after it. Call it before
 * the run writes anything. Usually enough time has passed already.
 * @throws SluiceError BackupMismatch if the server's clock was set back
 */
export async function passMoment(
  session: Session,
  purpose: MomentPurpose,
  ports: Ports,
  evidence: RunEvidence,
): Promise<void> {
  const noted = await evidence.read(Doc.moment(purpose));
  if (!noted) return;
  await evidence.getOrCreate(Doc.momentPassed(purpose), async () => {
    const { moment } = noted;
    for (;;) {
      const { left } = await requireRow<{ left: number }>(
        session,
        "SELECT (extract(epoch FROM $1::timestamptz - clock_timestamp()) * 1000)::float8 AS left",
        [moment.at],
      );
      if (left < -MARGIN_MS) break;
      if (left > MOST_PUT_BACK_MS + UNSURE_MS * 2)
        throw new SluiceError(
          ErrorName.BackupMismatch,
          `The server's clock was set back: the moment ${moment.at}, noted at ${noted.notedAt}, is still ${Math.round(left / 1000)} s ahead of it. Transactions are dated by that clock, so no restore would find the moment. Correct the clock, then start a new run.`,
        );
      // In pieces: a role may have a short statement_timeout.
      await session.query("SELECT pg_sleep($1)", [Math.min(1, (left + MARGIN_MS + 1) / 1000)]);
    }
    const transaction = await markTransaction(session);
    const { time } = await readServerClock(session, ports.clock);
    return { at: ports.clock.now().toISOString(), serverTime: time, transaction };
  });
}

/** Commits a transaction that writes nothing, so that WAL consumers see nothing. Returns its number. */
async function markTransaction(session: Session): Promise<string> {
  const { transaction } = await requireRow<{ transaction: string }>(
    session,
    "SELECT pg_current_xact_id()::text AS transaction",
  );
  return transaction;
}

/** The current WAL position: operators who restore from an archive of their own may use it besides the time. */
async function walPosition(session: Session): Promise<Pick<Moment, "lsn" | "timeline">> {
  try {
    return await requireRow(
      session,
      `SELECT lsn::text AS lsn, ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int AS timeline
         FROM pg_current_wal_insert_lsn() AS lsn`,
    );
  } catch (error) {
    if (!isPostgresError(error)) throw error;
    return { lsn: null, timeline: null };
  }
}

/**
 * By how much the clock was set back since preflight, measured against the worker's clock, which the network keeps
 * correct.
 */
async function clockPutBack(
  session: Session,
  { clock }: Ports,
  evidence: RunEvidence,
): Promise<{ putBackMs: number }> {
  const before = (await evidence.read(Doc.backup))?.clockAheadMs;
  if (before === undefined) return { putBackMs: 0 };
  const { aheadMs } = await readServerClock(session, clock);
  const putBackMs = before - aheadMs;
  if (putBackMs > MOST_PUT_BACK_MS)
    throw new SluiceError(
      ErrorName.BackupMismatch,
      `The server's clock was set back by about ${Math.round(putBackMs / 1000)} s since preflight. Transactions are dated by that clock: earlier ones would be missing after a restore to a moment. Wait that long, or set \`backup: snapshot\`; then start a new run.`,
    );
  // Small differences count too, although they may be network delay: waiting for them costs little.
  return { putBackMs: Math.max(0, putBackMs) };
}

/** A prepared transaction that commits after the moment would be in doubt after a restore. */
async function refusePrepared(session: Session): Promise<void> {
  const rows = await session.query<{ text: string }>(
    `SELECT gid || ' of ' || owner || ', prepared ' || ${AS_ISO("prepared")} AS text
       FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared LIMIT 5`,
  );
  if (rows.length > 0)
    throw new SluiceError(
      ErrorName.BackupMismatch,
      `Prepared transactions exist (${rows.map(({ text }) => text).join("; ")}). The fence does not end them, and after a restore to the moment they would be in doubt. COMMIT PREPARED or ROLLBACK PREPARED, then start a new run.`,
    );
}

/** RestoreTime and the local instances take no finer time. */
function toMilliseconds(iso: string): string {
  return new Date(iso).toISOString();
}

interface ServerClock {
  /** ISO 8601, to the microsecond. */
  time: string;
  /** Milliseconds by which it is ahead of the worker's clock. */
  aheadMs: number;
}

/** SQL for a time in UTC, as ISO 8601 to the microsecond. */
const AS_ISO = (sql: string) => `to_char((${sql}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Reads the server's clock, which alone dates transactions. */
export async function readServerClock(session: Session, clock: Pick<Clock, "now">): Promise<ServerClock> {
  const before = clock.now().getTime();
  const { time } = await requireRow<{ time: string }>(
    session,
    `SELECT ${AS_ISO("clock_timestamp()")} AS time`,
  );
  const between = (before + clock.now().getTime()) / 2;
  return { time, aheadMs: Math.round(Date.parse(time) - between) };
}

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
