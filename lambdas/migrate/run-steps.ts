import {
  type LedgerKey,
  type LedgerPlace,
  rowsOf,
  type StepRow,
  stepsQuery,
  type Wait,
} from "../ledger/ledger.ts";
import type { HeldLockDoc, StepDoc, WaitDoc } from "../shared/documents.ts";
import { type ErrorName, nameTransient } from "../shared/errors.ts";
import type { CompiledPlan, SqlFile, Step } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { type OpenSession, type Session, StatementFailed } from "../shared/session.ts";
import { placeOf } from "../shared/statement-error.ts";
import { mustLeave } from "../shared/task.ts";
import { noteIn } from "../version-table/note.ts";
import { runBatchedStep } from "./batched-step.ts";
import { beganAt, beginMigration, finishMigration, forgetPutBack } from "./ledger-writes.ts";
import { WORKER_MARGIN_MS } from "./observe.ts";
import { runOutsideStep } from "./outside-step.ts";
import { type Former, RunningStep, type StepFacts, type StepResult } from "./running-step.ts";
import { RELEASE, type StepLock, takeStepLock } from "./step-lock.ts";
import { runTransactionStep } from "./transaction-step.ts";

export interface StepsRun {
  key: LedgerKey;
  file: SqlFile;
  /** Checksum of the migration's `migrate` file, which identifies it when it is applied. */
  checksum: string;
  /** Error name for a statement that fails. */
  failure: ErrorName;
  /** Longest time for one statement, in minutes; undefined: no limit. */
  limitMinutes: number | undefined;
  /** Opens another session on the same database to observe statements; undefined if only one is possible. */
  beside: OpenSession | undefined;
  /** True if steps note the tables that they rewrite: on staging. */
  noticesRewrites?: boolean | undefined;
  /** True if the file is only part of the migration, which is then not noted in the table of the schema's version. */
  isPart?: boolean | undefined;
}

/**
 * Runs the steps of a file that the ledger does not have yet, in order. Undefined: this worker had to leave, or a
 * former worker's statement still runs on the server; call again. The session may then still be busy, and must be
 * closed.
 * @throws SluiceError with file, line, statement and the server's message for a statement that fails
 */
export async function runSteps(
  session: Session,
  ports: Ports,
  run: StepsRun,
): Promise<StepDoc[] | undefined> {
  const [steps] = (await runFiles(session, ports, [run])) ?? [];
  return steps;
}

/**
 * Runs several files of one run and direction, one after another under one lock. Session settings of one file also
 * apply to the next.
 * @returns the steps of each file
 * @throws SluiceError as runSteps; the files before the failed one are done
 */
export async function runFiles(
  session: Session,
  ports: Ports,
  runs: readonly [StepsRun, ...StepsRun[]],
): Promise<StepDoc[][] | undefined> {
  const [{ key, limitMinutes }] = runs;
  const migrations = { run: key.run, versions: runs.map((run) => run.key.version) };
  // A dead worker may have left a statement running, with its session and this lock. The statement's outcome is known
  // only once it has ended: take the lock first, then read ledger and catalog.
  const lock = (from?: LedgerPlace) =>
    takeStepLock(session, ports, migrations, key.direction, limitMinutes, from);
  const first = await lock();
  if (!first) return undefined;
  const became = await runLocked(session, ports, runs, first, lock).catch(async (error: unknown) => {
    await session.query(RELEASE).catch(() => undefined);
    throw error;
  });
  // A session whose statement still runs keeps the lock.
  if (became === "detached") return undefined;
  const [rows] = await session.together([stepsQuery(migrations), RELEASE]);
  if (became === "leave") return undefined;
  return runs.map((run) =>
    rowsOf(rows as unknown as StepRow[], run.key).map((row) => stepDoc(run.file, row)),
  );
}

async function runLocked(
  session: Session,
  ports: Ports,
  runs: readonly StepsRun[],
  first: StepLock,
  again: (from: LedgerPlace) => Promise<StepLock | undefined>,
): Promise<StepResult> {
  for (const { key } of runs) await putBack(session, ports, key, first.rows);
  let lock: StepLock | undefined = first;
  for (const left of runs.flatMap((run) => leftOf(run, first.rows))) {
    if (mustLeave(ports, WORKER_MARGIN_MS)) return "leave";
    lock ??= await again({ key: left.run.key, ordinal: left.ordinal });
    if (!lock) return "leave";
    const { run, ordinal, step } = left;
    const row = lock === first ? left.row : rowOf(left, lock.rows);
    // Another worker held the lock since the last step, and did this one.
    if (row?.outcome === "done") continue;
    ports.progress(`${run.file.path}: ${step.name} (${ordinal + 1} of ${run.file.steps.length})`);
    const facts = factsOf(session, ports, lock, left);
    const former = { row, overdue: lock === first ? first.overdue : undefined };
    const became = await runStep(step, facts, former, ...aroundOf(left, ports, lock));
    if (became !== "done") return became;
    if (mayChangeMore(step, ports.plan)) lock = undefined;
  }
  return "done";
}

/** A step that remains to be done. */
interface Left {
  run: StepsRun;
  ordinal: number;
  step: Step;
  /** The step's ledger row from a former worker. */
  row: StepRow | undefined;
  /** No step of its migration is done yet. */
  begins: boolean;
  /** It is the last step of its file. */
  ends: boolean;
}

function leftOf(run: StepsRun, all: readonly StepRow[]): Left[] {
  const { key, file } = run;
  const rows = rowsOf(all, key);
  const steps = [...file.steps.entries()].map(([ordinal, step]) => ({
    ordinal,
    step,
    row: rows.find((candidate) => candidate.ordinal === ordinal),
  }));
  const left = steps.filter(({ row }) => row?.outcome !== "done");
  const begins = left.length === steps.length && key.direction === "migrate";
  return left.map((one, index) => ({
    ...one,
    run,
    begins: begins && index === 0,
    ends: index === left.length - 1,
  }));
}

function rowOf({ run, ordinal }: Left, all: readonly StepRow[]): StepRow | undefined {
  return rowsOf(all, run.key).find((row) => row.ordinal === ordinal);
}

/** Statements around a step within its transactions: first and last. */
function aroundOf(
  { run, step, begins, ends }: Left,
  { plan }: Ports,
  { look }: StepLock,
): [before: string[], after: string[]] {
  const { key, checksum, isPart = false } = run;
  // A single transaction step notes the migration's start and end in one statement.
  const isAlone = ends && step.kind === "transaction";
  const before = begins && !isAlone ? [beginMigration(key, checksum)] : [];
  if (!ends) return [before, []];
  const noted = isPart ? undefined : noteIn(look, plan, key.version, beganAt(key));
  const notes = (key.direction === "migrate" ? noted?.apply : noted?.rollBack) ?? [];
  return [before, [...notes, finishMigration(key, checksum)]];
}

/**
 * True if a step may have done more than its text shows, for example released the lock, or changed the table of the
 * schema's version. Then the next step starts with a new look.
 */
function mayChangeMore({ relations }: Step, { schema }: CompiledPlan): boolean {
  return relations?.every(({ name }) => !schema?.table.includes(name)) !== true;
}

function factsOf(
  session: Session,
  ports: Ports,
  { pid }: StepLock,
  { run: { key, file, failure, beside, noticesRewrites = false }, ordinal }: Left,
): StepFacts {
  return { key, ordinal, file, failure, noticesRewrites, ports, session, pid, beside };
}

async function runStep(
  step: Step,
  facts: StepFacts,
  former: Former,
  before: readonly string[],
  after: readonly string[],
): Promise<StepResult> {
  switch (step.kind) {
    case "transaction":
      return await new RunningStep(step, facts, former).run((running) =>
        runTransactionStep(running, before, after),
      );
    case "outside":
      return await new RunningStep(step, facts, former).run((running) =>
        runOutsideStep(running, former, before, after),
      );
    case "batches":
      return await new RunningStep(step, facts, former).run((running) =>
        runBatchedStep(running, former.row?.checkpoint ?? null, before, after),
      );
  }
}

/** Undoes what a dead worker had changed only for one step of this migration. */
async function putBack(
  session: Session,
  ports: Ports,
  key: LedgerKey,
  rows: readonly StepRow[],
): Promise<void> {
  const statements = new Set(rows.flatMap((row) => (row.version === key.version && row.putBack) || []));
  if (statements.size === 0) return;
  try {
    await session.together([
      "BEGIN",
      `SET LOCAL lock_timeout = ${ports.settings.lockTimeoutMs}`,
      ...statements,
      forgetPutBack(key),
      "COMMIT",
    ]);
  } catch (error) {
    await session.exec("ROLLBACK").catch(() => undefined);
    throw nameTransient(error instanceof StatementFailed ? error.cause : error);
  }
}

/** A finished step as the evidence has it. */
function stepDoc(file: SqlFile, row: StepRow): StepDoc {
  const endedAt = row.endedAt ?? row.startedAt;
  const step = file.steps[row.ordinal] as Step;
  return {
    name: row.name,
    at: placeOf(file, step),
    startedAt: row.startedAt.toISOString(),
    seconds: secondsBetween(row.startedAt, endedAt),
    gaveWay: row.gaveWay,
    rows: row.rows,
    walBytes: row.walBytes,
    sizeBytes: row.sizeBytes,
    locks: heldLocks(row.locks, endedAt),
    waits: row.waits.map(waitDoc),
    notes: row.notes,
    ...(row.rewrites.length > 0 ? { rewrites: { tables: row.rewrites, meant: step.rewrites === true } } : {}),
  };
}

/** Longest first. */
function heldLocks(locks: Readonly<Record<string, string>>, endedAt: Date): HeldLockDoc[] {
  return Object.entries(locks)
    .map(([lock, since]) => {
      const space = lock.lastIndexOf(" ");
      return {
        relation: lock.slice(0, space),
        mode: lock.slice(space + 1),
        seconds: secondsBetween(new Date(since), endedAt),
      };
    })
    .sort((a, b) => b.seconds - a.seconds);
}

function waitDoc({ at, relation, mode, seconds, blockers }: Wait): WaitDoc {
  return {
    at: new Date(at).toISOString(),
    relation,
    mode,
    seconds,
    blockers: blockers.map(({ pid, user, queryStart }) => ({ pid, user, queryStart })),
  };
}

function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, to.getTime() - from.getTime()) / 1000;
}
