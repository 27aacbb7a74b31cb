import { isStep } from "../ledger/ledger.ts";
import type { OutsideStep, TransactionStep } from "../shared/plan.ts";
import { identifier, jsonLiteral, literal, relationName } from "../shared/sql-text.ts";
import { IS_USERS_SCHEMA, LEDGER_SCHEMA } from "../shared/user-objects.ts";
import { beginStep, finishStep, markLocks, noteOf, type StepPlace } from "./ledger-writes.ts";
import { lacksSharedMemory, NO_WORKERS, resourcesFor, sizesOf, WITHOUT_WORKERS } from "./resources.ts";
import { type RunningStep, type StepResult, TransactionMessage } from "./running-step.ts";

/** While a step has set another role, it has no right to the ledger. */
const SETS_ROLE = /^SET\s+LOCAL\s+ROLE\b/i;
/** Resets to the role that runs the steps, rather than the login role. */
const RESETS_ROLE = /^(RESET\s+ROLE|SET\s+(LOCAL\s+)?ROLE\s+(NONE|DEFAULT))\b/i;

type RunningTransaction = RunningStep<TransactionStep>;

/**
 * Wraps a query in a count: without a worker to receive them, many result rows would break the step off. The count
 * covers whole rows, because the server would skip columns that nothing uses.
 */
const COUNTED = { before: "SELECT count(step) FROM (\n", after: "\n) AS step" };

/**
 * Runs a step that is one transaction. It is sent as one message with its ledger row and notes, so it commits as a
 * whole whatever happens to its worker, and the ledger shows it.
 * @param before statements that come first in the transaction
 * @param after statements that come last
 */
export async function runTransactionStep(
  running: RunningTransaction,
  before: readonly string[],
  after: readonly string[],
): Promise<StepResult> {
  try {
    return await running.send(await messageOf(running, before, after, "with workers"));
  } catch (error) {
    if (running.step.builds.length === 0 || !lacksSharedMemory(error)) throw error;
    running.ports.progress(`${running.step.name}: ${WITHOUT_WORKERS}`);
    return await running.send(await messageOf(running, before, after, "alone"));
  }
}

/** All that is sent for a step, in its order. */
async function messageOf(
  running: RunningTransaction,
  before: readonly string[],
  after: readonly string[],
  builds: "with workers" | "alone",
): Promise<TransactionMessage> {
  const { step, session, noticesRewrites } = running;
  const last = step.statements.length - 1;
  const role = roleChanges(running);
  const message = new TransactionMessage(running).opening(
    ...before,
    beginStep(running, await sizesOf(session, step.relationsBefore)),
    ...(noticesRewrites ? [REMEMBER_FILES] : []),
    ...step.settings,
  );
  for (const [index, { sql }] of step.statements.entries()) {
    const resources = await forBuild(running, index, builds);
    message.statement(index, {
      before: [...resources.granted, ...role.before(index)],
      sql,
      ...(step.queries.includes(index) ? { within: COUNTED } : {}),
      after: [
        ...role.after(sql),
        ...resources.putBack,
        ...(role.isOwnBetween && index < last ? [markLocks(running)] : []),
      ],
    });
  }
  return message.closing(
    ...role.atEnd,
    finishStep(running, noticesRewrites ? rewritesQuery(running.step) : undefined),
    ...after,
  );
}

interface RoleChanges {
  /** Statements before the step's statement of that index. */
  before(index: number): readonly string[];
  /** Statements after a statement of the step. */
  after(sql: string): readonly string[];
  atEnd: readonly string[];
  /** The login role, which writes the ledger's rows, has its turn between two statements. */
  isOwnBetween: boolean;
}

/** The plan's role is set for the step's statements only, unless the step sets a role itself. */
function roleChanges({ step, ports }: RunningTransaction): RoleChanges {
  const { runAs } = ports.plan;
  const [takesOn, putsOff] =
    runAs === undefined ? [[], []] : [[`SET LOCAL ROLE ${identifier(runAs)}`], ["RESET ROLE"]];
  if (step.statements.some(({ sql }) => SETS_ROLE.test(sql)))
    return {
      before: (index) => (index === 0 ? takesOn : []),
      after: (sql) => (RESETS_ROLE.test(sql) ? takesOn : []),
      atEnd: ["RESET ROLE"],
      isOwnBetween: false,
    };
  return { before: () => takesOn, after: () => putsOff, atEnd: [], isOwnBetween: true };
}

/** Statements around a statement that builds an index, to grant and reset its resources. */
async function forBuild(
  running: RunningTransaction,
  statement: number,
  builds: "with workers" | "alone",
): Promise<{ granted: string[]; putBack: string[] }> {
  const build = running.step.builds.find((candidate) => candidate.statement === statement);
  if (!build) return { granted: [], putBack: [] };
  const { memoryKb, workers, putBack, notes } = await resourcesFor(running.session, build);
  for (const note of notes) running.ports.progress(`${running.step.name}: ${note}`);
  const reported = builds === "alone" ? [...notes, WITHOUT_WORKERS] : notes;
  return {
    granted: [
      ...(reported.length > 0 ? [noteOf(running, "notes", reported)] : []),
      ...(memoryKb === undefined ? [] : [`SET LOCAL maintenance_work_mem = '${memoryKb}kB'`]),
      ...(builds === "alone" ? [`SET LOCAL ${NO_WORKERS}`] : workers === undefined ? [] : [workers]),
    ],
    putBack: putBack === undefined || builds === "alone" ? [] : [putBack],
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
 * Query for the tables whose file has changed. Excluded: empty tables, which take no time or were truncated; tables
 * that the step empties and fills; and tables that the same file created.
 */
function rewritesQuery({ notRewritten = [] }: TransactionStep): string {
  const names = notRewritten.map((name) => `to_regclass(${literal(relationName(name))})`);
  const except = `unnest(ARRAY[${names.join(", ")}]::regclass[]) AS named (oid)`;
  // CASE: the planner would ask for the size of every relation there is before it compares a file.
  return `SELECT coalesce(jsonb_agg(format('%I.%I', n.nspname, c.relname) ORDER BY n.nspname, c.relname), '[]')
        FROM jsonb_each_text(nullif(current_setting('${FILES}', true), '')::jsonb) AS former (oid, file)
             JOIN pg_class c ON c.oid = former.oid::oid JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE CASE WHEN pg_relation_filenode(c.oid) <> former.file::oid THEN pg_relation_size(c.oid) > 0 ELSE false END
         AND c.oid NOT IN (SELECT oid FROM ${except} WHERE oid IS NOT NULL
                           UNION ALL SELECT relid FROM ${except}, pg_partition_tree(named.oid) WHERE relid IS NOT NULL)`;
}

/** Outside a transaction only VACUUM FULL rewrites, and it names its tables. */
export function noteVacuumed(place: StepPlace<OutsideStep>): string {
  const names = (place.step.relations ?? []).map(({ schema, name }) => `${schema ?? "public"}.${name}`);
  return `UPDATE ${LEDGER_SCHEMA}.step SET rewrites = ${jsonLiteral(names)} WHERE ${isStep(place)}`;
}
