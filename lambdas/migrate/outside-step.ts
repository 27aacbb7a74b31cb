import type { Wait } from "../ledger/ledger.ts";
import { SluiceError } from "../shared/errors.ts";
import type { Leftover, OutsideStep } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { identifier, relationName } from "../shared/sql-text.ts";
import { beginStep, finishOutside, noteFailure, noteOf, notePutBack } from "./ledger-writes.ts";
import { blockersInWords } from "./observe.ts";
import { lacksSharedMemory, NO_WORKERS, resourcesFor, sizesOf, WITHOUT_WORKERS } from "./resources.ts";
import { type Former, type RunningStep, type StepResult, singleStatement } from "./running-step.ts";
import { noteVacuumed } from "./transaction-step.ts";

type RunningOutside = RunningStep<OutsideStep>;

/**
 * Runs a step whose statement cannot run in a transaction. Its start is noted before it, and its end after it; in
 * between only the catalog shows its state.
 * @param former what a former worker left of it
 * @param before statements to commit with the note that the step began
 * @param after statements to commit with the note that it is done
 */
export async function runOutsideStep(
  running: RunningOutside,
  { row, overdue }: Former,
  before: readonly string[],
  after: readonly string[],
): Promise<StepResult> {
  const { step, session, ports } = running;
  if (overdue) {
    await tidy(running, []);
    throw await waitedTooLong(running, overdue);
  }
  const cleared = await clearLeftovers(running);
  if (cleared !== "done") return cleared;
  const found = step.leaves && (await findLeftovers(session, step.leaves));
  const isThere = step.leaves?.of === "created index" && found?.valid === true;
  if (isThere && row?.outcome !== "running" && !step.leaves?.ifNotExists) throw wasThere(running);
  const locks = new Set<string>();
  let putBack: readonly string[] = [];
  if (!isThere) {
    const began = await begin(running, before);
    if (began.became !== "done") return began.became;
    putBack = began.putBack;
    const became = await sendOrAlone(running, locks, putBack);
    if (became !== "done") return became;
    await session.exec(ownLimits(ports));
  }
  return await running.sendOwn([
    ...(isThere
      ? [...before, ...(row ? [] : [beginStep(running, await sizesOf(session, step.relationsBefore))])]
      : []),
    ...putBack,
    ...(running.noticesRewrites && step.rewrites ? [noteVacuumed(running)] : []),
    finishOutside(running, [...locks], await sizesOf(session, step.relations)),
    ...after,
  ]);
}

/** Notes the start and grants the resources for the build; the statement that resets them is noted with it. */
async function begin(
  running: RunningOutside,
  before: readonly string[],
): Promise<{ became: StepResult; putBack: readonly string[] }> {
  const { step, session, ports } = running;
  const resources = step.build && (await resourcesFor(session, step.build));
  const notes = resources?.notes ?? [];
  for (const note of notes) ports.progress(`${step.name}: ${note}`);
  const { workers, putBack } = resources ?? {};
  const became = await running.sendOwn([
    ...before,
    beginStep(running, await sizesOf(session, step.relationsBefore)),
    ...(notes.length > 0 ? [noteOf(running, "notes", notes)] : []),
    ...(workers !== undefined && putBack !== undefined ? [notePutBack(running, putBack), workers] : []),
  ]);
  if (became !== "done") return { became, putBack: [] };
  if (resources?.memoryKb !== undefined)
    await session.exec(`SET maintenance_work_mem = '${resources.memoryKb}kB'`);
  for (const setting of step.settings) await session.exec(setting);
  return { became, putBack: putBack === undefined ? [] : [putBack] };
}

/** If there is no shared memory for parallel workers, builds without them. */
async function sendOrAlone(
  running: RunningOutside,
  locks: Set<string>,
  putBack: readonly string[],
): Promise<StepResult> {
  const { step, session, ports } = running;
  try {
    return await send(running, locks, putBack);
  } catch (error) {
    if (!step.build || !lacksSharedMemory(error)) throw error;
    ports.progress(`${step.name}: ${WITHOUT_WORKERS}`);
    // The reset runs a second time at the end, which is harmless.
    const noted = await running.sendOwn([
      beginStep(running, null),
      noteOf(running, "notes", [WITHOUT_WORKERS]),
    ]);
    if (noted !== "done") return noted;
    await session.exec(`SET ${NO_WORKERS}`);
    const became = await send(running, locks, putBack);
    if (became !== "detached") await session.exec("RESET max_parallel_maintenance_workers");
    return became;
  }
}

async function send(
  running: RunningOutside,
  locks: Set<string>,
  putBack: readonly string[],
): Promise<StepResult> {
  const { step, session, ports } = running;
  let tooLong: Wait | undefined;
  // A short lock timeout would leave an invalid index behind, and here waiting blocks no other session.
  const patiently = async () => {
    if (step.concurrently) await session.exec("SET lock_timeout = 0");
  };
  try {
    await patiently();
    return await running.sendOutside(step.statements[0]?.sql ?? "", {
      session: runningAs(ports.plan.runAs, session),
      async onSight(sight, cancel) {
        for (const lock of sight.locks) locks.add(lock);
        if (!sight.wait || sight.wait.seconds * 1000 < ports.settings.concurrentWaitMs) return;
        tooLong = sight.wait;
        await cancel();
      },
      async beforeAgain() {
        await session.exec(`SET lock_timeout = ${ports.settings.lockTimeoutMs}`);
        const cleared = await clearLeftovers(running);
        if (cleared === "done") await patiently();
        return cleared;
      },
    });
  } catch (error) {
    await tidy(running, putBack);
    throw tooLong ? await waitedTooLong(running, tooLong) : error;
  }
}

/** A session that sends its messages as that role: ledger and catalog are for the login role. */
function runningAs(role: string | undefined, session: Session): Session {
  if (role === undefined) return session;
  return {
    query: (text, params) => session.query(text, params),
    exec: (text) => session.exec(text),
    async together(statements) {
      await session.exec(`SET ROLE ${identifier(role)}`);
      try {
        return await session.together(statements);
      } finally {
        // A lost session has no role to reset.
        await session.exec("RESET ROLE").catch(() => undefined);
      }
    },
  };
}

/** Drops what an interrupted statement left behind. */
async function clearLeftovers(running: RunningOutside): Promise<StepResult> {
  const { step, session, ports } = running;
  if (!step.leaves) return "done";
  for (const name of (await findLeftovers(session, step.leaves)).invalid) {
    ports.progress(`${step.name}: dropping ${name}, which was left invalid`);
    const became = await running.send(singleStatement(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`));
    if (became !== "done") return became;
  }
  return "done";
}

/** Resets a session's limits after a statement that was sent on its own. */
function ownLimits({ settings }: Ports): string {
  return `SET lock_timeout = ${settings.lockTimeoutMs}; RESET maintenance_work_mem`;
}

/** Cleans up after a failure; the rollback handles what cannot be cleaned up now. */
async function tidy({ step, session, ports }: RunningOutside, putBack: readonly string[]): Promise<void> {
  try {
    await session.exec(`SET lock_timeout = ${ports.settings.lockTimeoutMs}`);
    const left = step.leaves ? (await findLeftovers(session, step.leaves)).invalid : [];
    for (const sql of [
      ...putBack,
      ...left.map((name) => `DROP INDEX CONCURRENTLY IF EXISTS ${name}`),
      ownLimits(ports),
    ])
      await session.exec(sql);
  } catch {
    // Report only the original failure.
  }
}

/** An index of that name may be a different one, so the run does not accept it. */
function wasThere({ step, failure, nameInFile }: RunningOutside): SluiceError {
  return new SluiceError(
    failure,
    `${nameInFile}: index ${step.leaves?.name} already exists, and this run did not build it. Drop it first, or write IF NOT EXISTS if it is the intended one.`,
  );
}

async function waitedTooLong(running: RunningOutside, wait: Wait): Promise<SluiceError> {
  const { failure, session, nameInFile } = running;
  const words = `${nameInFile} waited ${Math.round(wait.seconds)} s for ${
    wait.relation === null ? "older transactions to end" : `${wait.mode} on ${wait.relation}`
  }, held up by ${blockersInWords(wait)}. End that session, and start again.`;
  await session.exec(noteFailure(running, words)).catch(() => undefined);
  return new SluiceError(failure, words);
}

/** State of an index that a statement builds, or of the indexes that it rebuilds. */
interface Found {
  /** It exists, is complete and in use. */
  valid: boolean;
  /** Names of invalid indexes that an interrupted statement left behind. */
  invalid: string[];
}

// CREATE INDEX leaves the index itself; REINDEX leaves the new index beside it, or the old one. An index is in its
// table's schema.
const FIND = `
  SELECT format('%I.%I', n.nspname, c.relname) AS name, i.indisvalid AND i.indisready AS valid, c.relname = $1 AS itself
    FROM pg_class anchor
    JOIN pg_class c ON c.relnamespace = anchor.relnamespace
    JOIN pg_index i ON i.indexrelid = c.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE anchor.oid = to_regclass($3)
     AND CASE WHEN $2 = 'table' THEN i.indrelid = anchor.oid AND c.relname ~ '_cc(new|old)[0-9]*$'
              ELSE regexp_replace(c.relname, '_cc(new|old)[0-9]*$', '') = $1 END
   ORDER BY 1`;

async function findLeftovers(session: Session, { of, name, beside }: Leftover): Promise<Found> {
  const rows = await session.query<{ name: string; valid: boolean; itself: boolean }>(FIND, [
    name,
    of,
    relationName(beside),
  ]);
  return {
    valid: rows.some(({ valid, itself }) => valid && itself),
    // REINDEX repairs an invalid index; one that CREATE INDEX left invalid must be dropped.
    invalid: rows.filter(({ valid, itself }) => !valid && !(itself && of === "index")).map((row) => row.name),
  };
}
