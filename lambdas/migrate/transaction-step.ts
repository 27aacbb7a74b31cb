import type { TransactionStep } from "../shared/plan.ts";
import { identifier } from "../shared/sql-text.ts";
import { lacksSharedMemory, NO_WORKERS, resourcesFor, WITHOUT_WORKERS } from "./index-resources.ts";
import { beginStep, finishStep, markLocks, noteOf } from "./ledger-writes.ts";
import { noteRewrites, REMEMBER_FILES } from "./rewrites.ts";
import { sizesOf } from "./sizes.ts";
import { type Became, begin, type Sent, type StepWork, trySending } from "./try-step.ts";

/** A step that sets a role has no right to the ledger meanwhile. */
const SETS_ROLE = /^SET\s+LOCAL\s+ROLE\b/i;
/** Back to the role that steps are done as, and not to the one that logged in. */
const RESETS_ROLE = /^(RESET\s+ROLE|SET\s+(LOCAL\s+)?ROLE\s+(NONE|DEFAULT))\b/i;

type TransactionWork = StepWork & { step: TransactionStep };

const COUNTED = "SELECT count(step) FROM (\n";

/**
 * Runs a step that is one transaction. It goes to the server as one message, its ledger row and what is noted with it
 * included: so it is done as a whole whatever becomes of its worker, and the ledger tells.
 * @param before statements that go first in the transaction, and `after` those that go last
 */
export async function runTransactionStep(
  work: TransactionWork,
  before: readonly string[],
  after: readonly string[],
): Promise<Became> {
  try {
    return await send(work, before, after, "with workers");
  } catch (error) {
    if (work.step.builds.length === 0 || !lacksSharedMemory(error)) throw error;
    work.ports.progress(`${work.step.name}: ${WITHOUT_WORKERS}`);
    return await send(work, before, after, "alone");
  }
}

async function send(
  work: TransactionWork,
  before: readonly string[],
  after: readonly string[],
  builds: "with workers" | "alone",
): Promise<Became> {
  const { step } = work;
  const last = step.statements.length - 1;
  const marks = step.statements.every(({ sql }) => !SETS_ROLE.test(sql));
  const [takesOn, putsOff] = roleChanges(work);
  const sizes = await sizesOf(work.session, step.relationsBefore);
  const statements: Sent[] = [];
  for (const [index, { sql }] of step.statements.entries()) {
    const around = await forBuild(work, index, builds);
    statements.push(
      ...at(index, around.before),
      ...at(index, marks || index === 0 ? takesOn : []),
      itself(step, sql, index),
      ...at(index, marks ? putsOff : RESETS_ROLE.test(sql) ? takesOn : []),
      ...at(index, around.after),
    );
    if (marks && index < last) statements.push(...at(index, [markLocks(work)]));
  }
  return await trySending(work, [
    ...at(0, [
      begin(work),
      ...before,
      beginStep(work, sizes),
      ...(work.noticesRewrites ? [REMEMBER_FILES] : []),
      ...step.settings,
    ]),
    ...statements,
    ...at(last, [
      ...(marks ? [] : ["RESET ROLE"]),
      ...(work.noticesRewrites ? [noteRewrites(work)] : []),
      finishStep(work),
      ...after,
      "COMMIT",
    ]),
  ]);
}

/** What has a statement done as the plan's role: the ledger's rows, around it, are for the one that logged in. */
function roleChanges({ ports }: StepWork): [takesOn: string[], putsOff: string[]] {
  const { runAs } = ports.plan;
  return runAs === undefined ? [[], []] : [[`SET LOCAL ROLE ${identifier(runAs)}`], ["RESET ROLE"]];
}

function at(statement: number, statements: readonly string[]): Sent[] {
  return statements.map((sql) => ({ sql, statement }));
}

/**
 * A row for each of many would break the step off when nobody is there to take them; a count does not. It is of whole
 * rows, as the server would not compute what nobody asks for.
 */
function itself({ queries }: TransactionStep, sql: string, statement: number): Sent {
  if (!queries.includes(statement)) return { sql, statement };
  return { sql: `${COUNTED}${sql}\n) AS step`, statement, prefix: COUNTED.length };
}

/** What a statement that builds an index is given for its time. */
async function forBuild(
  work: TransactionWork,
  statement: number,
  builds: "with workers" | "alone",
): Promise<{ before: string[]; after: string[] }> {
  const build = work.step.builds.find((candidate) => candidate.statement === statement);
  if (!build) return { before: [], after: [] };
  const { memoryKb, workers, putBack, notes } = await resourcesFor(work.session, build);
  for (const note of notes) work.ports.progress(`${work.step.name}: ${note}`);
  const told = builds === "alone" ? [...notes, WITHOUT_WORKERS] : notes;
  return {
    before: [
      ...(told.length > 0 ? [noteOf(work, "notes", told)] : []),
      ...(memoryKb === undefined ? [] : [`SET LOCAL maintenance_work_mem = '${memoryKb}kB'`]),
      ...(builds === "alone" ? [`SET LOCAL ${NO_WORKERS}`] : workers === undefined ? [] : [workers]),
    ],
    after: putBack === undefined || builds === "alone" ? [] : [putBack],
  };
}
