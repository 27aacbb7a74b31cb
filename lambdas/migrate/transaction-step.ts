import type { TransactionStep } from "../shared/plan.ts";
import { resourcesFor } from "./index-resources.ts";
import { beginStep, finishStep, markLocks, noteOf } from "./ledger-writes.ts";
import { sizesOf } from "./sizes.ts";
import { type Became, begin, type Sent, type StepWork, trySending } from "./try-step.ts";

/** A step that sets a role has no right to the ledger meanwhile. */
const SETS_ROLE = /^SET\s+LOCAL\s+ROLE\b/i;

const COUNTED = "SELECT count(step) FROM (\n";

/**
 * Runs a step that is one transaction. It goes to the server as one message, its ledger row and what is noted with it
 * included: so it is done as a whole whatever becomes of its worker, and the ledger tells.
 * @param before statements that go first in the transaction, and `after` those that go last
 */
export async function runTransactionStep(
  work: StepWork & { step: TransactionStep },
  before: readonly string[],
  after: readonly string[],
): Promise<Became> {
  const { step } = work;
  const last = step.statements.length - 1;
  const marks = step.statements.every(({ sql }) => !SETS_ROLE.test(sql));
  const sizes = await sizesOf(work.session, step.relationsBefore);
  const statements: Sent[] = [];
  for (const [index, { sql }] of step.statements.entries()) {
    const around = await forBuild(work, index);
    statements.push(...at(index, around.before), itself(step, sql, index), ...at(index, around.after));
    if (marks && index < last) statements.push(...at(index, [markLocks(work)]));
  }
  return await trySending(work, [
    ...at(0, [begin(work), ...before, beginStep(work, sizes), ...step.settings]),
    ...statements,
    ...at(last, [...(marks ? [] : ["RESET ROLE"]), finishStep(work), ...after, "COMMIT"]),
  ]);
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
  work: StepWork & { step: TransactionStep },
  statement: number,
): Promise<{ before: string[]; after: string[] }> {
  const build = work.step.builds.find((candidate) => candidate.statement === statement);
  if (!build) return { before: [], after: [] };
  const { memoryKb, workers, putBack, notes } = await resourcesFor(work.session, build);
  for (const note of notes) work.ports.progress(`${work.step.name}: ${note}`);
  return {
    before: [
      ...(notes.length > 0 ? [noteOf(work, "notes", notes)] : []),
      ...(memoryKb === undefined ? [] : [`SET LOCAL maintenance_work_mem = '${memoryKb}kB'`]),
      ...(workers === undefined ? [] : [workers]),
    ],
    after: putBack === undefined ? [] : [putBack],
  };
}
