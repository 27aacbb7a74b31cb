import type { StepDoc } from "../shared/documents.ts";
import type { ErrorName } from "../shared/errors.ts";
import type { SqlFile, Step } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import type { OpenSession, Session } from "../shared/session.ts";
import { mustLeave } from "../shared/task.ts";
import { runBatchedStep } from "./batched-step.ts";
import { type LedgerKey, rowsOf, type StepRow, stepsQuery, type Wait } from "./ledger.ts";
import { beginMigration, finishMigration, noteOf } from "./ledger-writes.ts";
import { runOutsideStep } from "./outside-step.ts";
import { putBack } from "./put-back.ts";
import { stepDoc } from "./step-doc.ts";
import { RELEASE, type StepLock, takeStepLock } from "./step-lock.ts";
import { runTransactionStep } from "./transaction-step.ts";
import type { Became, StepWork } from "./try-step.ts";
import { WORKER_MARGIN_MS } from "./watched.ts";

export interface StepsRun {
  key: LedgerKey;
  file: SqlFile;
  /** Checksum of the migration's `migrate` file, by which it is known when it is applied. */
  checksum: string;
  /** Name of the error for a statement that fails. */
  failure: ErrorName;
  /** Longest time that one statement may take, in minutes; undefined: no limit. */
  limitMinutes: number | undefined;
  /** Another session on the same database, to look at what runs; undefined where there can be only one. */
  beside: OpenSession | undefined;
  /** The steps note which tables they write anew: on staging. */
  noticesRewrites?: boolean | undefined;
  /** What else changes when the last step is done: statements that go into its transaction. */
  atEnd: () => Promise<string[]>;
}

/**
 * Runs the steps of a file that the ledger does not have yet, in order. Undefined: this worker had to leave, or a
 * former one's statement still runs on the server; call again. The session may then still be at work, and must be closed.
 * @throws SluiceError with file, line, statement and the server's words for a statement that fails.
 */
export async function runSteps(
  session: Session,
  ports: Ports,
  run: StepsRun,
): Promise<StepDoc[] | undefined> {
  // A worker that died may have left a statement running, and with it its session and this lock. What became of the
  // statement can only be told once it has ended: the lock comes first, then the look into ledger and catalog.
  const lock = await takeStepLock(session, ports, run.key, run.limitMinutes);
  if (!lock) return undefined;
  const became = await runLocked(session, ports, run, lock).catch(async (error: unknown) => {
    await session.query(RELEASE).catch(() => undefined);
    throw error;
  });
  // Whose statement goes on, keeps the lock with it.
  if (became === "detached") return undefined;
  const [rows] = await session.together([stepsQuery(run.key), RELEASE]);
  if (became === "leave") return undefined;
  return rowsOf(rows as unknown as StepRow[], run.key).map((row) => stepDoc(run.file, row));
}

async function runLocked(session: Session, ports: Ports, run: StepsRun, lock: StepLock): Promise<Became> {
  const { key, file } = run;
  await putBack(session, ports, key, lock.rows);
  const rows = rowsOf(lock.rows, key);
  const isDone = (ordinal: number) => rows.some((row) => row.ordinal === ordinal && row.outcome === "done");
  const left = [...file.steps.entries()].filter(([ordinal]) => !isDone(ordinal));
  const begins = left.length === file.steps.length && key.direction === "migrate";
  for (const [index, [ordinal, step]] of left.entries()) {
    if (mustLeave(ports, WORKER_MARGIN_MS)) return "leave";
    ports.progress(`${file.path}: ${step.name} (${ordinal + 1} of ${file.steps.length})`);
    const isLast = index === left.length - 1;
    // A transaction that is the first and the last is all there is: it notes both at once.
    const isAlone = isLast && step.kind === "transaction";
    const before = begins && index === 0 && !isAlone ? [beginMigration(key, run.checksum)] : [];
    const after = isLast ? [...(await run.atEnd()), finishMigration(key, run.checksum)] : [];
    const row = rows.find((candidate) => candidate.ordinal === ordinal);
    const work = workFor(session, ports, run, lock, { ordinal, step, row });
    const became = await runStep(work, row, lock.overdue, before, after);
    if (became !== "done") return became;
    if (work.waits.length > 0) await session.exec(noteOf(work, "waits", work.waits));
  }
  return "done";
}

function workFor(
  session: Session,
  ports: Ports,
  { key, file, failure, beside, noticesRewrites = false }: StepsRun,
  { pid }: StepLock,
  { ordinal, step, row }: { ordinal: number; step: Step; row: StepRow | undefined },
): StepWork {
  return {
    key,
    ordinal,
    step,
    worker: ports.worker,
    session,
    pid,
    beside,
    ports,
    file,
    failure,
    noticesRewrites,
    gaveWay: row?.gaveWay ?? 0,
    waits: [...(row?.waits ?? [])],
    toldAt: performance.now(),
  };
}

function runStep(
  work: StepWork,
  row: StepRow | undefined,
  overdue: Wait | undefined,
  before: readonly string[],
  after: readonly string[],
): Promise<Became> {
  const { step } = work;
  switch (step.kind) {
    case "transaction":
      return runTransactionStep({ ...work, step }, before, after);
    case "outside":
      return runOutsideStep({ ...work, step, row, overdue }, before, after);
    case "batches":
      return runBatchedStep({ ...work, step, row }, before, after);
  }
}
