import type { Checkpoint } from "../ledger/ledger.ts";
import { SluiceError } from "../shared/errors.ts";
import type { BatchedStep, ObjectName } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { identifier, literal, relationName } from "../shared/sql-text.ts";
import { mustLeave } from "../shared/task.ts";
import { beginStep, finishStep, resumeStep, withCheckpoint } from "./ledger-writes.ts";
import { holdUp, WORKER_MARGIN_MS } from "./observe.ts";
import { sizesOf } from "./resources.ts";
import { type RunningStep, type StepResult, TransactionMessage } from "./running-step.ts";

/** Target time of one batch: short enough for sessions that wait for its rows. */
const TARGET_MS = 500;
const FIRST_SIZE = 1_000;
const [SMALLEST, LARGEST] = [50, 200_000];

/** Longest total time that one worker pauses its batches. */
const PATIENCE_MS = 5 * 60_000;

/**
 * Runs a step whose single UPDATE or DELETE is done for one range of primary keys at a time. Each batch commits with
 * its checkpoint, so it is applied once, and the next worker continues from there.
 * @param reached a former worker's last checkpoint
 * @param before statements to commit with the note that the step began
 * @param after statements to commit with the note that it is done
 */
export async function runBatchedStep(
  running: RunningStep<BatchedStep>,
  reached: Checkpoint | null,
  before: readonly string[],
  after: readonly string[],
): Promise<StepResult> {
  const { step, session, ports } = running;
  const keys = await keysOf(running);
  const sizes = await sizesOf(session, step.relationsBefore);
  const began = await running.sendOwn(
    reached ? [resumeStep(running)] : [...before, beginStep(running, sizes)],
  );
  if (began !== "done") return began;
  for (const setting of step.settings) await session.exec(setting);
  const rows = await approximateRows(running);
  const patience = { leftMs: PATIENCE_MS };
  let checkpoint: Checkpoint = reached ?? { after: null, batches: 0, size: FIRST_SIZE, taken: 0 };
  for (;;) {
    if (mustLeave(ports, WORKER_MARGIN_MS)) return "leave";
    if (!(await holdUp(running, step.batches.table, patience))) return "leave";
    const to = await upperEnd(session, step.batches, keys, checkpoint);
    const statement = forRange(step, keys, checkpoint.after, to);
    const next: Checkpoint = {
      after: to ?? checkpoint.after,
      batches: checkpoint.batches + 1,
      size: checkpoint.size,
      taken: checkpoint.taken + checkpoint.size,
    };
    const since = performance.now();
    const became = await running.send(
      new TransactionMessage(running)
        .statement(0, { sql: statement, within: withCheckpoint(running, next) })
        .closing(...(to ? [] : [finishStep(running), ...after])),
    );
    if (became !== "done" || !to) return became;
    checkpoint = { ...next, size: tuned(next.size, performance.now() - since) };
    const ofAll = rows > next.taken ? ` of about ${rows}` : "";
    ports.progress(`${step.name}: batch ${next.batches}, ${next.taken}${ofAll} rows`);
  }
}

/** @throws SluiceError if the batches cannot follow the table's primary key */
async function keysOf({
  session,
  step,
  failure,
  nameInFile,
}: RunningStep<BatchedStep>): Promise<KeyColumn[]> {
  const { table, only, sets } = step.batches;
  const keys = await primaryKey(session, table);
  const refuse = (why: string) => new SluiceError(failure, `${nameInFile} cannot be done in batches: ${why}`);
  if (keys.length === 0)
    throw refuse(`${table.name} has no primary key for the batches to follow, or does not exist.`);
  const heirs = only ? [] : await heirsOf(session, table);
  if (heirs.length > 0)
    throw refuse(
      `${heirs.join(", ")} ${heirs.length === 1 ? "inherits" : "inherit"} from ${table.name}, and the primary key does not cover their rows. Write ONLY before ${table.name}, and a step of its own for each table that inherits from it.`,
    );
  const moved = keys.find(({ name }) => sets.includes(name));
  if (moved) throw refuse(`it sets ${moved.name}, which the batches follow.`);
  return keys;
}

async function approximateRows({ session, step }: RunningStep<BatchedStep>): Promise<number> {
  const [row] = await session.query<{ rows: number }>(
    "SELECT greatest(reltuples, 0)::float8 AS rows FROM pg_class WHERE oid = to_regclass($1)",
    [relationName(step.batches.table)],
  );
  return Math.round(row?.rows ?? 0);
}

/** Size that would have taken the target time, at most twice or half the last one, because batches differ. */
function tuned(size: number, ms: number): number {
  const wanted = size * Math.min(2, Math.max(0.5, TARGET_MS / Math.max(1, ms)));
  return Math.round(Math.min(LARGEST, Math.max(SMALLEST, wanted)));
}

/** A column of a primary key, with the server's spelling of its type. */
interface KeyColumn {
  name: string;
  type: string;
}

/** The primary key's columns in their order; empty if the table has no key, or does not exist. */
async function primaryKey(session: Session, table: ObjectName): Promise<KeyColumn[]> {
  return await session.query<KeyColumn>(
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
       FROM pg_index i CROSS JOIN unnest(i.indkey::int[]) WITH ORDINALITY AS key (attnum, place)
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.attnum
      WHERE i.indrelid = to_regclass($1) AND i.indisprimary AND place <= i.indnkeyatts ORDER BY place`,
    [relationName(table)],
  );
}

/**
 * Tables that inherit from a plain table. Partitions do not count, because a partitioned table's key covers all its
 * rows.
 */
async function heirsOf(session: Session, table: ObjectName): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT i.inhrelid::regclass::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent
      WHERE c.oid = to_regclass($1) AND c.relkind = 'r' ORDER BY 1`,
    [relationName(table)],
  );
  return rows.map(({ name }) => name);
}

/** Key of the last row of the next batch; undefined if this batch reaches the end. */
async function upperEnd(
  session: Session,
  { table, only }: Pick<BatchedStep["batches"], "table" | "only">,
  keys: readonly KeyColumn[],
  { after, size }: Pick<Checkpoint, "after" | "size">,
): Promise<string[] | undefined> {
  const names = keys.map(({ name }) => identifier(name)).join(", ");
  const [last, next] = await session.query<{ key: string[] }>(
    `SELECT ARRAY[${keys.map(({ name }) => `${identifier(name)}::text`).join(", ")}] AS key FROM ${only ? "ONLY " : ""}${relationName(table)}
      WHERE ${above(keys, names, after)} ORDER BY ${names} OFFSET ${size - 1} LIMIT 2`,
  );
  return next && last?.key;
}

/** The statement for the rows of one range of keys. */
function forRange(
  { batches: { head, condition, alias } }: BatchedStep,
  keys: readonly KeyColumn[],
  after: readonly string[] | null,
  to: readonly string[] | undefined,
): string {
  const names = keys.map(({ name }) => `${identifier(alias)}.${identifier(name)}`).join(", ");
  const range = [above(keys, names, after), ...(to ? [`(${names}) <= (${values(keys, to)})`] : [])].join(
    " AND ",
  );
  // The text of the file keeps its position, so that an error is reported at the right place.
  return condition === undefined
    ? `${head}\nWHERE ${range}`
    : `${head}(${condition.replace(/^\s/, "")}\n) AND ${range}`;
}

function above(keys: readonly KeyColumn[], names: string, after: readonly string[] | null): string {
  return after ? `(${names}) > (${values(keys, after)})` : "true";
}

function values(keys: readonly KeyColumn[], key: readonly string[]): string {
  return keys.map(({ type }, index) => `${literal(key[index] ?? "")}::${type}`).join(", ");
}
