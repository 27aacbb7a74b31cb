import { Doc, type MomentDoc } from "../shared/documents.ts";
import { ErrorName, isPostgresError, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { asideName, type MomentPurpose, momentName } from "../shared/names.ts";
import type { Clock, Moment, Ports } from "../shared/ports.ts";
import { requireRow, type Session } from "../shared/session.ts";

// A restore to a time replays the WAL up to the first transaction that committed after it; each commit is dated by the
// server's clock, to the microsecond. RestoreTime has whole seconds. So the moment is a whole second of that clock which
// has not come yet when everything that must be in it has committed, and the run writes nothing until it is past. Of what
// falls on that very second there is nothing, so it is one whether the target itself is replayed or not.
//
// An idle server has no transaction after the moment, and recovery that reaches the end of the WAL before its target
// fails. So the run commits one as soon as the moment is past. It writes nothing: it takes a number, and that is logged.

/** The clock of one server may be some milliseconds behind that of the one that took over from it. */
const MARGIN_MS = 50;

/** By so much the server's clock may have been put back between preflight and the moment; that long is waited then. */
const MOST_PUT_BACK_MS = 30_000;

/** A worker may be slow to ask. */
const UNSURE_MS = 1_000;

/**
 * Notes the moment that production can be taken back to: after the last transaction that must be in it. Nothing that must
 * not be in it may be written before `passMoment`. The session must not be in a transaction.
 * @throws SluiceError BackupMismatch where a prepared transaction would be in doubt after a restore
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
    // What was dated by the clock before it was put back is behind the moment, too.
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
 * Waits until the server's clock is past the moment, and commits the first transaction after it. Called before the run
 * writes anything. Most often something else took as long, and nothing is left to wait for.
 * @throws SluiceError BackupMismatch where the server's clock was put back
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
          `The server's clock was put back: by it the moment ${moment.at}, noted at ${noted.notedAt}, is still ${Math.round(left / 1000)} s ahead. Transactions are dated by that clock, so no restore would find the moment. Set the clock right, then start a new run.`,
        );
      // In pieces: a role may have a short statement_timeout.
      await session.query("SELECT pg_sleep($1)", [Math.min(1, (left + MARGIN_MS + 1) / 1000)]);
    }
    const transaction = await markTransaction(session);
    const { time } = await readServerClock(session, ports.clock);
    return { at: ports.clock.now().toISOString(), serverTime: time, transaction };
  });
}

/** Commits a transaction that writes nothing, so that no consumer of the WAL sees anything of it. Its number. */
async function markTransaction(session: Session): Promise<string> {
  const { transaction } = await requireRow<{ transaction: string }>(
    session,
    "SELECT pg_current_xact_id()::text AS transaction",
  );
  return transaction;
}

/** Where the WAL stands: beside the time, people who restore by hand from an archive of their own may go by it. */
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

/** Between preflight and now; the worker's clock, which the network keeps in time, is what both are measured by. */
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
      `The server's clock was put back by about ${Math.round(putBackMs / 1000)} s since preflight. Transactions are dated by that clock: those of before would be missing after a restore to a moment. Wait for as long, or ask for \`backup: snapshot\`; then start a new run.`,
    );
  // Also where it is little, and may be the network's: to wait for it costs no more than it is.
  return { putBackMs: Math.max(0, putBackMs) };
}

/** One that is committed after the moment would be in doubt after a restore: neither there nor gone. */
async function refusePrepared(session: Session): Promise<void> {
  const rows = await session.query<{ text: string }>(
    `SELECT gid || ' of ' || owner || ', prepared ' || ${AS_ISO("prepared")} AS text
       FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared LIMIT 5`,
  );
  if (rows.length > 0)
    throw new SluiceError(
      ErrorName.BackupMismatch,
      `There are prepared transactions (${rows.map(({ text }) => text).join("; ")}): they outlive the fence, and after a restore to the moment they would be in doubt. COMMIT PREPARED or ROLLBACK PREPARED, then start a new run.`,
    );
}

/** Fleets take no finer time. */
function toMilliseconds(iso: string): string {
  return new Date(iso).toISOString();
}

interface ServerClock {
  /** ISO 8601, to the microsecond. */
  time: string;
  /** By how many milliseconds it is ahead of the worker's. */
  aheadMs: number;
}

/** In UTC, as ISO 8601 to the microsecond. */
const AS_ISO = (sql: string) => `to_char((${sql}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** What time it is on the server. Transactions are dated by its clock and no other. */
export async function readServerClock(session: Session, clock: Pick<Clock, "now">): Promise<ServerClock> {
  const before = clock.now().getTime();
  const { time } = await requireRow<{ time: string }>(
    session,
    `SELECT ${AS_ISO("clock_timestamp()")} AS time`,
  );
  const between = (before + clock.now().getTime()) / 2;
  return { time, aheadMs: Math.round(Date.parse(time) - between) };
}
