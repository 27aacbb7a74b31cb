import type { StepRow, Wait } from "../ledger/ledger.ts";
import { SluiceError } from "../shared/errors.ts";
import type { Leftover, OutsideStep } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { identifier, relationName } from "../shared/sql-text.ts";
import { beginStep, finishOutside, noteFailure, noteOf, notePutBack } from "./ledger-writes.ts";
import { blockersInWords } from "./observe.ts";
import { lacksSharedMemory, NO_WORKERS, resourcesFor, sizesOf, WITHOUT_WORKERS } from "./resources.ts";
import { noteVacuumed } from "./transaction-step.ts";
import { ownLimits, type StepResult, type StepWork, trySending, tryTogether } from "./try-step.ts";

type OutsideWork = StepWork & {
  step: OutsideStep;
  /** What the ledger has of it, from a former worker. */
  row: StepRow | undefined;
  /** What a former worker's statement waited for when it was ended. */
  overdue: Wait | undefined;
};

/**
 * Runs a step whose statement cannot run in a transaction. That it began is noted before, and that it is done after; in
 * between only the catalog can tell what became of it.
 * @param before statements that go with the note that it began, and `after` those with the note that it is done
 */
export async function runOutsideStep(
  work: OutsideWork,
  before: readonly string[],
  after: readonly string[],
): Promise<StepResult> {
  const { step, row, session, ports } = work;
  if (work.overdue) {
    await tidy(work, []);
    throw await waitedTooLong(work, work.overdue);
  }
  const cleared = await clearLeftovers(work);
  if (cleared !== "done") return cleared;
  const found = step.leaves && (await findLeftovers(session, step.leaves));
  const isThere = step.leaves?.of === "created index" && found?.valid === true;
  if (isThere && row?.outcome !== "running" && !step.leaves?.ifNotExists) throw wasThere(work);
  const locks = new Set<string>();
  let putBack: readonly string[] = [];
  if (!isThere) {
    const began = await begin(work, before);
    if (began.became !== "done") return began.became;
    putBack = began.putBack;
    const became = await sendOrAlone(work, locks, putBack);
    if (became !== "done") return became;
    await session.exec(ownLimits(ports));
  }
  return await tryTogether(work, [
    ...(isThere
      ? [...before, ...(row ? [] : [beginStep(work, await sizesOf(session, step.relationsBefore))])]
      : []),
    ...putBack,
    ...(work.noticesRewrites && step.rewrites ? [noteVacuumed(work)] : []),
    finishOutside(work, [...locks], await sizesOf(session, step.relations)),
    ...after,
  ]);
}

/** Notes that it began, and gives it what it needs for its time; what is to be put back is noted with it. */
async function begin(
  work: OutsideWork,
  before: readonly string[],
): Promise<{ became: StepResult; putBack: readonly string[] }> {
  const { step, session, ports } = work;
  const resources = step.build && (await resourcesFor(session, step.build));
  const notes = resources?.notes ?? [];
  for (const note of notes) ports.progress(`${step.name}: ${note}`);
  const { workers, putBack } = resources ?? {};
  const became = await tryTogether(work, [
    ...before,
    beginStep(work, await sizesOf(session, step.relationsBefore)),
    ...(notes.length > 0 ? [noteOf(work, "notes", notes)] : []),
    ...(workers !== undefined && putBack !== undefined ? [notePutBack(work, putBack), workers] : []),
  ]);
  if (became !== "done") return { became, putBack: [] };
  if (resources?.memoryKb !== undefined)
    await session.exec(`SET maintenance_work_mem = '${resources.memoryKb}kB'`);
  for (const setting of step.settings) await session.exec(setting);
  return { became, putBack: putBack === undefined ? [] : [putBack] };
}

/** A build for whose workers there is no memory is done without them. */
async function sendOrAlone(
  work: OutsideWork,
  locks: Set<string>,
  putBack: readonly string[],
): Promise<StepResult> {
  const { step, session, ports } = work;
  try {
    return await send(work, locks, putBack);
  } catch (error) {
    if (!step.build || !lacksSharedMemory(error)) throw error;
    ports.progress(`${step.name}: ${WITHOUT_WORKERS}`);
    // What was put back is put back once more at the end, which does no harm.
    const noted = await tryTogether(work, [beginStep(work, null), noteOf(work, "notes", [WITHOUT_WORKERS])]);
    if (noted !== "done") return noted;
    await session.exec(`SET ${NO_WORKERS}`);
    const became = await send(work, locks, putBack);
    if (became !== "detached") await session.exec("RESET max_parallel_maintenance_workers");
    return became;
  }
}

async function send(work: OutsideWork, locks: Set<string>, putBack: readonly string[]): Promise<StepResult> {
  const { step, session, ports } = work;
  let tooLong: Wait | undefined;
  // A short lock timeout would leave an invalid index behind, and waiting holds nobody up there.
  const patiently = async () => {
    if (step.concurrently) await session.exec("SET lock_timeout = 0");
  };
  try {
    await patiently();
    return await trySending(
      { ...work, session: runningAs(ports.plan.runAs, session) },
      [itself(work)],
      async (sight, cancel) => {
        for (const lock of sight.locks) locks.add(lock);
        if (!sight.wait || sight.wait.seconds * 1000 < ports.settings.concurrentWaitMs) return;
        tooLong = sight.wait;
        await cancel();
      },
      async () => {
        await session.exec(`SET lock_timeout = ${ports.settings.lockTimeoutMs}`);
        const cleared = await clearLeftovers(work);
        if (cleared === "done") await patiently();
        return cleared;
      },
    );
  } catch (error) {
    await tidy(work, putBack);
    throw tooLong ? await waitedTooLong(work, tooLong) : error;
  }
}

/** The session with what it sends done as that role: ledger and catalog are for the one that logged in. */
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
        // A session that is gone has no role any more.
        await session.exec("RESET ROLE").catch(() => undefined);
      }
    },
  };
}

function itself({ step }: OutsideWork): { sql: string; statement: number } {
  return { sql: step.statements[0]?.sql ?? "", statement: 0 };
}

/** Drops what a statement that was broken off left behind. */
async function clearLeftovers(work: OutsideWork): Promise<StepResult> {
  const { step, session, ports } = work;
  if (!step.leaves) return "done";
  for (const name of (await findLeftovers(session, step.leaves)).invalid) {
    ports.progress(`${step.name}: dropping ${name}, which was left invalid`);
    const became = await trySending(work, [
      { sql: `DROP INDEX CONCURRENTLY IF EXISTS ${name}`, statement: 0 },
    ]);
    if (became !== "done") return became;
  }
  return "done";
}

/** After a failure: what cannot be put in order at once, the rollback does. */
async function tidy({ step, session, ports }: OutsideWork, putBack: readonly string[]): Promise<void> {
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
    // The failure itself is what matters.
  }
}

/** Nobody can say that it is the index that is wanted. */
function wasThere({ step, file, failure }: OutsideWork): SluiceError {
  return new SluiceError(
    failure,
    `${file.path}:${step.line}: step "${step.name}": there is an index ${step.leaves?.name} already, which this run did not build. Drop it first, or write IF NOT EXISTS if it is the one that is wanted.`,
  );
}

async function waitedTooLong(work: OutsideWork, wait: Wait): Promise<SluiceError> {
  const { step, file, failure, session } = work;
  const words = `${file.path}:${step.line}: step "${step.name}" waited ${Math.round(wait.seconds)} s for ${
    wait.relation === null ? "older transactions to end" : `${wait.mode} on ${wait.relation}`
  }, held up by ${blockersInWords(wait)}. End that session, and start again.`;
  await session.exec(noteFailure(work, words)).catch(() => undefined);
  return new SluiceError(failure, words);
}

/** What there is of an index that a statement builds, or of those that it builds anew. */
interface Found {
  /** It is there, whole, and in use. */
  valid: boolean;
  /** Names of what a statement that was broken off left behind. */
  invalid: string[];
}

// CREATE INDEX leaves the index itself; REINDEX leaves the new one beside it, or the old one. An index is in the schema
// of its table.
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
    // An index that REINDEX found invalid is mended by it; one that CREATE INDEX left so must go.
    invalid: rows.filter(({ valid, itself }) => !valid && !(itself && of === "index")).map((row) => row.name),
  };
}
