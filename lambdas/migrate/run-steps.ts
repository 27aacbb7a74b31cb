import { createHash } from "node:crypto";
import type { StepDoc } from "../shared/documents.ts";
import { type ErrorName, isPostgresError, nameTransient, SluiceError } from "../shared/errors.ts";
import type { SqlFile, Statement, Step } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { type Session, withTransaction } from "../shared/session.ts";
import { mustLeave } from "../shared/task.ts";
import {
  begin,
  doneSteps,
  ensureLedger,
  finish,
  isFinished,
  type LedgerKey,
  type StepRow,
  writeStep,
} from "./ledger.ts";
import { withLockRetry } from "./lock-retry.ts";
import { describeStatementError, placeOf } from "./statement-error.ts";

export interface StepsRun {
  key: LedgerKey;
  file: SqlFile;
  /** Name of the error for a statement that fails. */
  failure: ErrorName;
  /** What else changes when the last step is done, in one transaction with the note that it is. */
  atEnd: (session: Session) => Promise<void>;
}

/**
 * Runs the steps of a file that the ledger does not have yet, in order. Undefined: this worker had to leave, or a
 * former one's statement still runs on the server; call again.
 * @throws SluiceError with file, line, statement and the server's words for a statement that fails.
 */
export async function runSteps(
  session: Session,
  ports: Ports,
  run: StepsRun,
): Promise<StepDoc[] | undefined> {
  const { key, file } = run;
  await ensureLedger(session);
  // A worker that died may have left a statement running, and with it its session and this lock. What became of the
  // statement can only be told once it has ended: the lock comes first, then the look into ledger and catalog.
  if (!(await tryLock(session, key))) {
    ports.progress(`${file.path}: a statement of a former worker still runs`);
    return undefined;
  }
  await begin(session, key);
  const done = await doneSteps(session, key);
  for (const [index, step] of file.steps.entries()) {
    if (done.some(({ ordinal }) => ordinal === index)) continue;
    if (mustLeave(ports)) return undefined;
    ports.progress(`${file.path}: ${step.name} (${index + 1} of ${file.steps.length})`);
    done.push(await runStep(session, ports, run, step, index));
  }
  if (!(await isFinished(session, key)))
    await withTransaction(session, async () => {
      await run.atEnd(session);
      await finish(session, key);
    });
  return done.map((row) => ({
    name: row.name,
    at: placeOf(file, file.steps[row.ordinal] as Step),
    startedAt: row.startedAt.toISOString(),
    seconds: row.seconds,
    gaveWay: row.gaveWay,
  }));
}

async function runStep(
  session: Session,
  ports: Ports,
  run: StepsRun,
  step: Step,
  ordinal: number,
): Promise<StepRow> {
  const { key, file, failure } = run;
  const startedAt = ports.clock.now();
  const row = (gaveWay: number): StepRow => ({
    ordinal,
    name: step.name,
    startedAt,
    seconds: (ports.clock.now().getTime() - startedAt.getTime()) / 1000,
    gaveWay,
  });
  let statement: Statement | undefined;
  const send = async (next: Statement) => {
    statement = next;
    await session.query(next.sql);
  };
  let tries = 0;
  const attempt = async (): Promise<StepRow | undefined> => {
    if (step.transaction)
      return await withTransaction(session, async () => {
        await session.exec(`SET LOCAL lock_timeout = ${ports.settings.lockTimeoutMs}`);
        for (const next of step.statements) await send(next);
        statement = undefined;
        const written = row(tries);
        await writeStep(session, key, written);
        return written;
      });
    if (await alreadyBuilt(session, step)) return undefined;
    // Outside a transaction a short lock timeout would leave an invalid index behind; waiting blocks nobody there.
    await session.exec("SET lock_timeout = 0");
    for (const next of step.statements) await send(next);
    return undefined;
  };
  try {
    const { value, gaveWay } = await withLockRetry(ports.settings.lockTries, attempt, (error) => {
      tries++;
      ports.progress(`${step.name}: gave way (${error.message}), trying again`);
    });
    if (value) return value;
    const written = row(gaveWay);
    await writeStep(session, key, written);
    return written;
  } catch (error) {
    const named = nameTransient(error);
    if (named instanceof SluiceError) throw named;
    // What is raised at COMMIT, such as by a deferred constraint, belongs to no one statement: the last stands for it.
    const at = statement ?? (isPostgresError(error) ? step.statements.at(-1) : undefined);
    if (!at) throw error;
    throw new SluiceError(failure, describeStatementError(file.path, `step "${step.name}"`, at, error), {
      cause: error,
    });
  }
}

/** Of an index that is to be built concurrently: true when it is there and valid; an invalid one is dropped. */
async function alreadyBuilt(session: Session, step: Step): Promise<boolean> {
  if (!step.index) return false;
  const { schema, name } = step.index;
  const rows = await session.query<{ index: string; valid: boolean }>(
    `SELECT i.indexrelid::regclass::text AS index, i.indisvalid AND i.indisready AS valid
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relname = $1 AND n.nspname = coalesce($2, current_schema())`,
    [name, schema ?? null],
  );
  const [found] = rows;
  if (!found) return false;
  if (found.valid) return true;
  await session.exec(`DROP INDEX CONCURRENTLY ${found.index}`);
  return false;
}

async function tryLock(session: Session, key: LedgerKey): Promise<boolean> {
  const digest = createHash("sha256").update(`sluice ${key.run} ${key.version}`).digest();
  const [row] = await session.query<{ locked: boolean }>(
    "SELECT pg_try_advisory_lock($1::int, $2::int) AS locked",
    [digest.readInt32BE(0), digest.readInt32BE(4)],
  );
  return row?.locked === true;
}
