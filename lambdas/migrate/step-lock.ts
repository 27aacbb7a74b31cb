import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  ensureLedger,
  type LedgerKey,
  type LedgerPlace,
  type Migrations,
  type StepRow,
  stepsQuery,
  type Wait,
} from "../ledger/ledger.ts";
import { ErrorName, isPostgresError, nameTransient, SluiceError } from "../shared/errors.ts";
import type { Ports } from "../shared/ports.ts";
import { type Session, StatementFailed } from "../shared/session.ts";
import { literal } from "../shared/sql-text.ts";
import { mustLeave } from "../shared/task.ts";
import { type Look, lookQuery } from "../version-table/note.ts";
import { look, WORKER_MARGIN_MS } from "./observe.ts";

// One lock for the whole database and all runs: no two runs' steps overlap. It belongs to the session, so it is held
// as long as a statement of that session may run.
const LOCK = "1399616873, 1";

const FIRST_POLL_MS = 50;
const LONGEST_POLL_MS = 1_000;

/** Errors for a missing ledger or one of an older shape: no such schema, table or column. */
const NO_LEDGER = /^(3F000|42P01|42703)$/;

/** The lock, held until its session ends or a step releases it, and what was read once it was held. */
export interface StepLock {
  /** Process id of the session that holds it. */
  pid: number;
  /** The ledger's rows of the migrations, for all rounds and directions; or those of the steps that are left. */
  rows: readonly StepRow[];
  /** The shape of the table of the schema's version. */
  look: Look;
  /** What a former worker's statement waited for, for too long, so that it was canceled. */
  overdue: Wait | undefined;
}

/** What a worker asks of the lock. */
interface Asked {
  /** Statement that reads the ledger once the lock is held. */
  read: string;
  /** Session settings while it holds the lock. */
  terms: Readonly<Record<string, string>>;
}

interface Holder {
  pid: number;
  application: string;
}

/** Names a session after its work, as pg_stat_activity shows it; the limit is 63 bytes. */
function nameFor({ run, versions }: Migrations, direction: LedgerKey["direction"]): string {
  const [first = "", ...others] = versions;
  const all = others.length === 0 ? first : `${first} to ${others.at(-1)}`;
  const short = all.length <= 30 ? all : `${all.slice(0, 20)}~${digest(all).slice(0, 9)}`;
  return `sluice ${direction} ${short} ${runDigest(run)}`;
}

function runDigest(run: string): string {
  return digest(run).slice(0, 12);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** False for a worker of another run. */
function isOf(run: string, { application }: Holder): boolean {
  return application.startsWith("sluice ") && application.endsWith(runDigest(run));
}

/**
 * Takes the lock of this database's steps by polling: a waiting session would hold a snapshot, which the holder's
 * index build would wait for. While a former worker's statement still runs, its progress is reported. A statement of
 * a step that is being rolled back is ended.
 * @param from the first step that is left: no rows before it are read
 * @returns undefined if this worker must leave before the lock is free; call again
 * @throws SluiceError RunLocked if another run's worker holds it
 */
export async function takeStepLock(
  session: Session,
  ports: Ports,
  migrations: Migrations,
  direction: LedgerKey["direction"],
  limitMinutes: number | undefined,
  from?: LedgerPlace,
): Promise<StepLock | undefined> {
  const name = nameFor(migrations, direction);
  const terms = {
    application_name: name,
    // For the step's statements, and for our own reads of catalog and ledger.
    lock_timeout: String(ports.settings.lockTimeoutMs),
    statement_timeout: String(Math.round((limitMinutes ?? 0) * 60_000)),
  };
  let overdue: Wait | undefined;
  const read = stepsQuery(migrations, from);
  const taken = await poll(session, ports, migrations.run, { read, terms }, async (holder) => {
    if (holder.application !== name) return await end(session, ports, holder);
    const sight = await look(session, holder.pid);
    if (!sight) return;
    ports.progress(`A former worker's statement still runs: ${sight.words}`);
    if (!sight.wait || sight.wait.seconds * 1000 < ports.settings.concurrentWaitMs) return;
    overdue = sight.wait;
    await session.query("SELECT pg_cancel_backend($1)", [holder.pid]);
  });
  return taken && { ...taken, overdue };
}

/**
 * Ends all statements that former workers of this run left running, so that the ledger is complete.
 * @returns false if this worker must leave first; call again
 */
export async function endFormerWorkers(session: Session, ports: Ports, run: string): Promise<boolean> {
  const asked = {
    read: stepsQuery({ run, versions: [""] }),
    terms: { application_name: `sluice end ${runDigest(run)}` },
  };
  const taken = await poll(session, ports, run, asked, (holder) => end(session, ports, holder));
  if (taken) await session.query(RELEASE);
  return taken !== undefined;
}

/** Statement that releases the lock, however often it was taken. */
export const RELEASE = "SELECT pg_advisory_unlock_all()";

async function end(session: Session, ports: Ports, { pid, application }: Holder): Promise<void> {
  ports.progress(`Ending pid ${pid} (${application}): its work is obsolete`);
  await session.query("SELECT pg_terminate_backend($1)", [pid]);
}

/**
 * Tries until it has the lock, and passes each other holder to `onHeld`.
 * @returns undefined if this worker must leave
 * @throws SluiceError RunLocked if another run's worker holds it
 */
async function poll(
  session: Session,
  ports: Ports,
  run: string,
  asked: Asked,
  onHeld: (holder: Holder) => Promise<void>,
): Promise<Omit<StepLock, "overdue"> | undefined> {
  for (let pause = FIRST_POLL_MS; ; pause = Math.min(LONGEST_POLL_MS, pause * 1.5)) {
    const tried = await tryLock(session, ports, asked);
    if (tried) return tried;
    const [holder] = await session.query<Holder>(
      `SELECT a.pid, a.application_name AS application
         FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND (l.classid, l.objid, l.objsubid) = (${LOCK}, 2)
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    if (holder && !isOf(run, holder))
      throw new SluiceError(
        ErrorName.RunLocked,
        `Another run is at work on this database: pid ${holder.pid} (${holder.application}). Wait until it has ended.`,
      );
    if (holder) await onHeld(holder);
    if (mustLeave(ports, WORKER_MARGIN_MS)) return undefined;
    // No holder: it has just ended.
    await sleep(pause);
  }
}

/**
 * Tries for the lock once and then reads the ledger. These are separate statements of one message, so that the read
 * does not use a snapshot from before the lock. Applies the terms to the session.
 */
async function tryLock(
  session: Session,
  ports: Ports,
  { read, terms }: Asked,
): Promise<Omit<StepLock, "overdue"> | undefined> {
  const settings = Object.entries(terms).map(
    ([setting, value]) => `set_config(${literal(setting)}, ${literal(value)}, false)`,
  );
  const lock = `SELECT pg_try_advisory_lock(${LOCK}) AS taken, pg_backend_pid() AS pid, ${settings.join(", ")}`;
  const table = lookQuery(ports.plan);
  const looks = [read, ...(table === undefined ? [] : [table])];
  const answers = await session.together([lock, ...looks]).catch(async (error: unknown) => {
    const cause = error instanceof StatementFailed ? error.cause : error;
    if (!isPostgresError(cause) || !NO_LEDGER.test(cause.code)) throw nameTransient(cause);
    // The lock may already be held; taking it twice is harmless.
    const again = await session.together([lock]);
    if (again[0]?.[0]?.taken !== true) return again;
    await ensureLedger(session);
    return [...again, ...(await session.together(looks))];
  });
  const [[own], rows, look = []] = answers as unknown as [
    [{ taken: boolean; pid: number }],
    StepRow[],
    Look?,
  ];
  return own.taken ? { pid: own.pid, rows, look } : undefined;
}
