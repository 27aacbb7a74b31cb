import {
  type Checkpoint,
  isOf,
  isStep,
  type LedgerKey,
  type LedgerPlace,
  type Wait,
} from "../ledger/ledger.ts";
import type { ObjectName, Step } from "../shared/plan.ts";
import { jsonLiteral, literal, relationName } from "../shared/sql-text.ts";
import { LEDGER_SCHEMA } from "../shared/user-objects.ts";
import { growth, growthTo, type Sizes, sizesBefore } from "./resources.ts";

// The ledger's writes, as statements without parameters: they are sent in one message with the step's own. They
// measure the step from within its transaction, so they work even if the worker is gone.

const STEP = `${LEDGER_SCHEMA}.step`;
const MIGRATION = `${LEDGER_SCHEMA}.migration`;

/** Locks that readers or writers of a table would wait for. */
const BLOCKING = ["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"];

/** A step's place in the ledger. */
export interface StepPlace<S extends Step = Step> extends LedgerPlace {
  readonly step: S;
  readonly worker: string;
}

/** Notes that the step begins or is tried again; waits of earlier tries stay noted. */
export function beginStep({ key, ordinal, step, worker }: StepPlace, sizes: Sizes | null): string {
  const columns =
    "run, version, round, direction, ordinal, name, checksum, worker, outcome, rows, wal_from, size_from";
  const values = [
    ...keyValues(key),
    ordinal,
    literal(step.name),
    literal(step.checksum),
    literal(worker),
    "'running'",
    rowsBefore(step),
    "pg_catalog.pg_current_wal_insert_lsn()",
    sizesBefore(step, sizes),
  ];
  return `INSERT INTO ${STEP} (${columns}) VALUES (${values.join(", ")})
    ON CONFLICT (run, version, round, direction, ordinal) DO UPDATE SET worker = excluded.worker, outcome = 'running',
      error = NULL, tried_at = clock_timestamp(), marked_at = clock_timestamp(), locks = '{}', rows = excluded.rows,
      wal_from = excluded.wal_from, size_from = excluded.size_from`;
}

/** Notes that another worker continues a step in batches. */
export function resumeStep(place: StepPlace): string {
  return `UPDATE ${STEP} SET worker = ${literal(place.worker)}, outcome = 'running', error = NULL, tried_at = clock_timestamp()
    WHERE ${isStep(place)}`;
}

/** Between two statements of a step: notes the locks that it holds now, each at the latest since the last mark. */
export function markLocks(place: StepPlace): string {
  return `UPDATE ${STEP} SET locks = ${locksHeld()} || locks, marked_at = clock_timestamp() WHERE ${isStep(place)}`;
}

/** @param rewrites query for the tables that the step rewrote, as jsonb; undefined: they are not looked for */
export function finishStep(place: StepPlace, rewrites?: string): string {
  const { step } = place;
  const counted = step.kind === "transaction" && step.changesRows ? `rows + ${changedRows(step)}` : "rows";
  return `UPDATE ${STEP} SET outcome = 'done', ended_at = clock_timestamp(), rows = ${counted},
      wal_to = pg_current_wal_insert_lsn(), size_bytes = ${growth(step)},
      locks = ${step.relationsBefore?.length === 0 ? "locks" : `${locksHeld()} || locks`}${rewrites === undefined ? "" : `, rewrites = (${rewrites})`}
    WHERE ${isStep(place)}`;
}

/** Finishes a step outside a transaction, whose locks only another session observed. */
export function finishOutside(place: StepPlace, locks: readonly string[], sizes: Sizes | null): string {
  const seen = locks.map((lock) => `${literal(lock)}, tried_at`).join(", ");
  return `UPDATE ${STEP} SET outcome = 'done', ended_at = clock_timestamp(), rows = NULL, put_back = NULL,
      wal_to = pg_current_wal_insert_lsn(), size_bytes = ${growthTo(sizes)},
      locks = jsonb_build_object(${seen})
    WHERE ${isStep(place)}`;
}

/** Makes one batch and its checkpoint one statement, which counts the rows it changed: text before and after the batch. */
export function withCheckpoint(place: StepPlace, checkpoint: Checkpoint): { before: string; after: string } {
  return {
    before: "WITH batch AS (",
    after: ` RETURNING 1)
    UPDATE ${STEP} SET rows = rows + (SELECT count(*) FROM batch), checkpoint = ${jsonLiteral(checkpoint)}
     WHERE ${isStep(place)}`,
  };
}

export function noteGaveWay(place: StepPlace, gaveWay: number, waits: readonly Wait[]): string {
  const { key, ordinal, step, worker } = place;
  return `INSERT INTO ${STEP} (run, version, round, direction, ordinal, name, checksum, worker, outcome, gave_way, waits)
    VALUES (${[...keyValues(key), ordinal, literal(step.name), literal(step.checksum), literal(worker)].join(", ")},
      'running', ${gaveWay}, ${jsonLiteral(waits)})
    ON CONFLICT (run, version, round, direction, ordinal) DO UPDATE SET gave_way = greatest(step.gave_way, excluded.gave_way), waits = excluded.waits`;
}

export function noteFailure(place: StepPlace, error: string): string {
  const { key, ordinal, step, worker } = place;
  return `INSERT INTO ${STEP} (run, version, round, direction, ordinal, name, checksum, worker, outcome, error, ended_at)
    VALUES (${[...keyValues(key), ordinal, literal(step.name), literal(step.checksum), literal(worker)].join(", ")},
      'failed', ${literal(error)}, clock_timestamp())
    ON CONFLICT (run, version, round, direction, ordinal) DO UPDATE SET outcome = 'failed', error = excluded.error,
      ended_at = excluded.ended_at`;
}

export function noteOf(place: StepPlace, column: "notes" | "waits", value: readonly unknown[]): string {
  return `UPDATE ${STEP} SET ${column} = ${jsonLiteral(value)} WHERE ${isStep(place)}`;
}

/** Notes the statement that undoes, after the step, what was changed only for it. */
export function notePutBack(place: StepPlace, putBack: string): string {
  return `UPDATE ${STEP} SET put_back = ${literal(putBack)} WHERE ${isStep(place)}`;
}

export function forgetPutBack(key: LedgerKey): string {
  return `UPDATE ${STEP} SET put_back = NULL WHERE run = ${literal(key.run)} AND version = ${literal(key.version)}`;
}

/** Runs with the first step, so that a rollback finds the migration as soon as there is something to roll back. */
export function beginMigration(key: LedgerKey, checksum: string): string {
  const { run, version, round } = key;
  return `INSERT INTO ${MIGRATION} (run, version, round, checksum)
    VALUES (${literal(run)}, ${literal(version)}, ${round}, ${literal(checksum)}) ON CONFLICT DO NOTHING`;
}

/** Runs with the last step. */
export function finishMigration({ run, version, round, direction }: LedgerKey, checksum: string): string {
  if (direction === "rollback")
    return `UPDATE ${MIGRATION} SET rolled_back_at = clock_timestamp()
      WHERE run = ${literal(run)} AND version = ${literal(version)} AND round = ${round}`;
  return `INSERT INTO ${MIGRATION} (run, version, round, checksum, done_at)
    VALUES (${literal(run)}, ${literal(version)}, ${round}, ${literal(checksum)}, clock_timestamp())
    ON CONFLICT (run, version, round) DO UPDATE SET done_at = excluded.done_at`;
}

/** SQL for the start of a migration's first step. */
export function beganAt(key: LedgerKey): string {
  return `(SELECT min(started_at) FROM ${STEP} WHERE ${isOf(key)})`;
}

function keyValues({ run, version, round, direction }: LedgerKey): (string | number)[] {
  return [literal(run), literal(version), round, literal(direction)];
}

/** Locks on tables that existed before this transaction, by name and mode; others cannot see new tables yet. */
function locksHeld(): string {
  // Look up the few locks one by one: the planner would expect many, and scan the whole catalog.
  return `coalesce((SELECT jsonb_object_agg(l.relation::regclass || ' ' || l.mode, marked_at)
      FROM pg_locks l
     WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
       AND l.mode IN (${BLOCKING.map(literal).join(", ")})
       AND (SELECT c.relkind IN ('r', 'p', 'm', 'f') AND c.relnamespace <> '${LEDGER_SCHEMA}'::regnamespace
                   AND (SELECT t.xmin <> pg_current_xact_id()::xid FROM pg_type t WHERE t.oid = c.reltype)
              FROM pg_class c WHERE c.oid = l.relation)), '{}')`;
}

/** Initial row count: batches add to it; outside a transaction rows cannot be counted. */
function rowsBefore(step: Step): string {
  if (step.kind === "outside") return "NULL";
  return step.kind === "transaction" && step.changesRows ? `-${changedRows(step)}` : "0";
}

/**
 * Rows that this session's transaction has changed so far, plus a constant: only the difference of two counts is
 * exact.
 */
function changedRows({ relations }: Step): string {
  const counts = (oid: string) =>
    ["inserted", "updated", "deleted"].map((what) => `pg_stat_get_xact_tuples_${what}(${oid})`).join(" + ");
  if (relations === undefined)
    return `(SELECT coalesce(sum(${counts("c.oid")}), 0) FROM pg_class c
      WHERE c.relkind = 'r' AND c.relnamespace <> '${LEDGER_SCHEMA}'::regnamespace AND c.relnamespace <> 'pg_catalog'::regnamespace)`;
  return `(SELECT coalesce(sum(${counts("oid")}), 0) FROM ${there(relations)})`;
}

function there(relations: readonly ObjectName[]): string {
  const names = relations.map((relation) => `to_regclass(${literal(relationName(relation))})`).join(", ");
  return `unnest(ARRAY[${names}]::oid[]) AS named (oid) WHERE oid IS NOT NULL`;
}
