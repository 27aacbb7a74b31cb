import type { OutsideStep, TransactionStep } from "../shared/plan.ts";
import { identifier, jsonLiteral, literal, relationName } from "../shared/sql-text.ts";
import { IS_USERS_SCHEMA, LEDGER_SCHEMA } from "../shared/user-objects.ts";
import { beginStep, finishStep, isStep, markLocks, noteOf, type StepPlace } from "./ledger-writes.ts";
import { lacksSharedMemory, NO_WORKERS, resourcesFor, sizesOf, WITHOUT_WORKERS } from "./resources.ts";
import { begin, type Sent, type StepResult, type StepWork, trySending } from "./try-step.ts";

/** While a step has set another role, it has no right to the ledger. */
const SETS_ROLE = /^SET\s+LOCAL\s+ROLE\b/i;
/** Resets to the role that runs the steps, rather than the login role. */
const RESETS_ROLE = /^(RESET\s+ROLE|SET\s+(LOCAL\s+)?ROLE\s+(NONE|DEFAULT))\b/i;

type TransactionWork = StepWork & { step: TransactionStep };

const COUNTED = "SELECT count(step) FROM (\n";

/**
 * Runs a step that is one transaction. It is sent as one message with its ledger row and notes, so it commits as a
 * whole whatever happens to its worker, and the ledger shows it.
 * @param before statements that come first in the transaction
 * @param after statements that come last
 */
export async function runTransactionStep(
  work: TransactionWork,
  before: readonly string[],
  after: readonly string[],
): Promise<StepResult> {
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
): Promise<StepResult> {
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

/** Statements that set the plan's role for a statement and reset it: ledger rows are written as the login role. */
function roleChanges({ ports }: StepWork): [takesOn: string[], putsOff: string[]] {
  const { runAs } = ports.plan;
  return runAs === undefined ? [[], []] : [[`SET LOCAL ROLE ${identifier(runAs)}`], ["RESET ROLE"]];
}

function at(statement: number, statements: readonly string[]): Sent[] {
  return statements.map((sql) => ({ sql, statement }));
}

/**
 * Wraps a query in a count: without a worker to receive them, many result rows would break the step off. The count
 * covers whole rows, because the server would skip columns that nothing uses.
 */
function itself({ queries }: TransactionStep, sql: string, statement: number): Sent {
  if (!queries.includes(statement)) return { sql, statement };
  return { sql: `${COUNTED}${sql}\n) AS step`, statement, prefix: COUNTED.length };
}

/** Statements around a statement that builds an index, to grant and reset its resources. */
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

// A rewritten table gets another file. The transaction itself remembers each table's former file, so that the rewrite
// is noted even without its worker.

const FILES = `${LEDGER_SCHEMA}.files`;

/** Remembers the files of all tables in a transaction setting; it returns one small row. */
const REMEMBER_FILES = `SELECT count(set_config('${FILES}',
    (SELECT coalesce(jsonb_object_agg(c.oid::text, pg_relation_filenode(c.oid)), '{}')::text
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND ${IS_USERS_SCHEMA("n.nspname")}), true))`;

/**
 * Notes the tables whose file has changed. Excluded: empty tables, which take no time or were truncated; tables that
 * the step empties and fills; and tables that the same file created.
 */
function noteRewrites(place: StepPlace & { step: TransactionStep }): string {
  const names = (place.step.notRewritten ?? []).map((name) => `to_regclass(${literal(relationName(name))})`);
  const except = `unnest(ARRAY[${names.join(", ")}]::regclass[]) AS named (oid)`;
  return `UPDATE ${LEDGER_SCHEMA}.step SET rewrites = (
      SELECT coalesce(jsonb_agg(format('%I.%I', n.nspname, c.relname) ORDER BY n.nspname, c.relname), '[]')
        FROM jsonb_each_text(nullif(current_setting('${FILES}', true), '')::jsonb) AS former (oid, file)
             JOIN pg_class c ON c.oid = former.oid::oid JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE pg_relation_filenode(c.oid) <> former.file::oid AND pg_relation_size(c.oid) > 0
         AND c.oid NOT IN (SELECT oid FROM ${except} WHERE oid IS NOT NULL
                           UNION ALL SELECT relid FROM ${except}, pg_partition_tree(named.oid) WHERE relid IS NOT NULL))
    WHERE ${isStep(place)}`;
}

/** Outside a transaction only VACUUM FULL rewrites, and it names its tables. */
export function noteVacuumed(place: StepPlace & { step: OutsideStep }): string {
  const names = (place.step.relations ?? []).map(({ schema, name }) => `${schema ?? "public"}.${name}`);
  return `UPDATE ${LEDGER_SCHEMA}.step SET rewrites = ${jsonLiteral(names)} WHERE ${isStep(place)}`;
}
