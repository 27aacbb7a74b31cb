import type { Direction } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { Session } from "../shared/session.ts";
import { literal } from "../shared/sql-text.ts";
import { LEDGER_SCHEMA } from "../shared/user-objects.ts";

/** Comment that identifies the schema as Sluice's ledger, of this shape. */
const MARK = "Sluice's ledger, shape 1";

const DDL: readonly string[] = [
  "BEGIN",
  `CREATE SCHEMA ${LEDGER_SCHEMA}`,
  `COMMENT ON SCHEMA ${LEDGER_SCHEMA} IS '${MARK.replace("'", "''")}'`,
  `CREATE TABLE ${LEDGER_SCHEMA}.claim (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    run text NOT NULL,
    execution text NOT NULL,
    database oid NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
  )`,
  // One row for each time that a run applies a migration: on staging it applies each twice.
  `CREATE TABLE ${LEDGER_SCHEMA}.migration (
    run text NOT NULL,
    version text NOT NULL,
    round int NOT NULL,
    checksum text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    rolled_back_at timestamptz,
    PRIMARY KEY (run, version, round)
  )`,
  `CREATE TABLE ${LEDGER_SCHEMA}.step (
    run text NOT NULL,
    version text NOT NULL,
    round int NOT NULL,
    direction text NOT NULL CHECK (direction IN ('migrate', 'rollback')),
    ordinal int NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    worker text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('running', 'done', 'failed')),
    error text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tried_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    gave_way int NOT NULL DEFAULT 0,
    rows bigint,
    wal_from pg_lsn,
    wal_to pg_lsn,
    size_from jsonb,
    size_bytes bigint,
    marked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    locks jsonb NOT NULL DEFAULT '{}',
    waits jsonb NOT NULL DEFAULT '[]',
    notes jsonb NOT NULL DEFAULT '[]',
    checkpoint jsonb,
    put_back text,
    rewrites jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (run, version, round, direction, ordinal)
  )`,
  `COMMENT ON COLUMN ${LEDGER_SCHEMA}.step.locks IS 'Locks that others would wait for, and the time by which each was held'`,
  `COMMENT ON COLUMN ${LEDGER_SCHEMA}.step.put_back IS 'Undoes what was changed only for this step'`,
  "COMMIT",
];

/** Only on a staging copy: see proof/former-rows.ts. */
export const FORMER_ROWS = "former_row";

/** All tables that may be in the ledger's schema. */
export const LEDGER_TABLES: readonly string[] = ["claim", "migration", "step", FORMER_ROWS];

/** The steps of a migration that a ledger row is about. */
export interface LedgerKey {
  run: string;
  version: string;
  round: number;
  direction: Direction;
}

/** Progress of a step in batches. */
export interface Checkpoint {
  /** Primary key of the last finished row, each column as text; null before the first. */
  after: string[] | null;
  batches: number;
  /** Rows that the next batch takes, changed or not. */
  size: number;
  /** Rows that batches have taken so far. */
  taken: number;
}

/** Something that a step waited for. */
export interface Wait {
  at: string;
  /** Null: not a lock of a relation, for example older transactions. */
  relation: string | null;
  mode: string | null;
  seconds: number;
  blockers: Blocker[];
}

export interface Blocker {
  pid: number;
  /** Null if the migrating role may not see it. */
  user: string | null;
  application: string | null;
  state: string | null;
  queryStart: string | null;
  /** The start of the query, without its values. */
  query: string | null;
}

export interface StepRow {
  version: string;
  round: number;
  direction: Direction;
  ordinal: number;
  name: string;
  checksum: string;
  outcome: "running" | "done" | "failed";
  startedAt: Date;
  triedAt: Date;
  endedAt: Date | null;
  gaveWay: number;
  rows: number | null;
  walBytes: number | null;
  sizeBytes: number | null;
  /** Time by relation and mode. */
  locks: Record<string, string>;
  waits: Wait[];
  notes: string[];
  checkpoint: Checkpoint | null;
  putBack: string | null;
  /** Tables that the step rewrote, if that was observed. */
  rewrites: string[];
}

/**
 * Creates the ledger if there is none.
 * @throws SluiceError StepFailed if the schema belongs to something else, or to another version of Sluice
 */
export async function ensureLedger(session: Session): Promise<void> {
  if (await hasLedger(session)) return await completeLedger(session);
  await session.together(DDL).catch(async (error: unknown) => {
    await session.exec("ROLLBACK");
    throw error;
  });
}

/** Completes a ledger from before steps noted rewrites. Older versions of Sluice still work with it. */
async function completeLedger(session: Session): Promise<void> {
  const [there] = await session.query(
    `SELECT FROM pg_attribute WHERE attrelid = '${LEDGER_SCHEMA}.step'::regclass AND attname = 'rewrites'`,
  );
  if (!there)
    await session.exec(
      `ALTER TABLE ${LEDGER_SCHEMA}.step ADD COLUMN IF NOT EXISTS rewrites jsonb NOT NULL DEFAULT '[]'`,
    );
}

/** @throws as ensureLedger */
export async function hasLedger(session: Session): Promise<boolean> {
  const [schema] = await session.query<{ mark: string | null }>(
    "SELECT obj_description(oid, 'pg_namespace') AS mark FROM pg_namespace WHERE nspname = $1",
    [LEDGER_SCHEMA],
  );
  if (!schema) return false;
  if (schema.mark === MARK) return true;
  throw new SluiceError(
    ErrorName.StepFailed,
    `The schema ${LEDGER_SCHEMA} is not the ledger of this version of Sluice. Rename it, or drop it if an older version of Sluice left it.`,
  );
}

/** Migrations of a run. */
export interface Migrations {
  run: string;
  versions: readonly string[];
}

/** A row of the ledger. */
export interface LedgerPlace {
  readonly key: LedgerKey;
  /** Of the step in its file, from 0. */
  readonly ordinal: number;
}

/** Condition for the rows of one file of one migration. */
export function isOf({ run, version, round, direction }: LedgerKey): string {
  return `run = ${literal(run)} AND version = ${literal(version)} AND round = ${round} AND direction = ${literal(direction)}`;
}

/** Condition for a step's own row. */
export function isStep({ key, ordinal }: LedgerPlace): string {
  return `${isOf(key)} AND ordinal = ${ordinal}`;
}

/**
 * Returns the query for the step rows of these migrations, in order for each migration; each row is a StepRow.
 * @param from the first step that is left: without the rows before it, and those of the other direction
 */
export function stepsQuery({ run, versions }: Migrations, from?: LedgerPlace): string {
  const left = from
    ? ` AND direction = ${literal(from.key.direction)}
        AND NOT (version = ${literal(from.key.version)} AND (round <> ${from.key.round} OR ordinal < ${from.ordinal}))`
    : "";
  const asked = versions.slice(from ? versions.indexOf(from.key.version) : 0);
  return `SELECT version, round, direction, ordinal, name, checksum, outcome, started_at AS "startedAt", tried_at AS "triedAt", ended_at AS "endedAt",
            gave_way AS "gaveWay", rows::float8 AS rows, (wal_to - wal_from)::float8 AS "walBytes",
            size_bytes::float8 AS "sizeBytes", locks, waits, notes, checkpoint, put_back AS "putBack", rewrites
       FROM ${LEDGER_SCHEMA}.step WHERE run = ${literal(run)} AND version IN (${asked.map(literal).join(", ")})${left}
      ORDER BY version, round, direction, ordinal`;
}

/** Rows of one file of one migration. */
export function rowsOf(rows: readonly StepRow[], { version, round, direction }: LedgerKey): StepRow[] {
  return rows.filter((row) => row.version === version && row.round === round && row.direction === direction);
}

/** Versions that this run has begun and not rolled back, in any order. */
export async function versionsLeft(session: Session, run: string): Promise<string[]> {
  const rows = await session.query<{ version: string }>(
    `SELECT DISTINCT version FROM ${LEDGER_SCHEMA}.migration WHERE run = $1 AND rolled_back_at IS NULL`,
    [run],
  );
  return rows.map((row) => row.version);
}

/**
 * The run that may change this database, noted in the database itself. It also holds against runs of another
 * deployment, which cannot see this one's lease. A dead run's claim needs no cleanup: within a deployment the lease
 * shows that the run is dead, and in a copy of the database the claim does not count.
 */
interface Claim {
  run: string;
  execution: string;
  since: Date;
}

const HERE = "(SELECT oid FROM pg_database WHERE datname = current_database())";

/**
 * Returns the claim of another deployment's run that may still be at work; undefined if there is none. The caller
 * holds its own deployment's lease.
 */
export async function othersClaim(
  session: Session,
  run: string,
  execution: string,
): Promise<Claim | undefined> {
  if (!(await hasLedger(session))) return undefined;
  const [claim] = await session.query<Claim>(
    `SELECT run, execution, since FROM ${LEDGER_SCHEMA}.claim WHERE run <> $1 AND database = ${HERE}`,
    [run],
  );
  return claim && deploymentOf(claim.execution) !== deploymentOf(execution) ? claim : undefined;
}

/**
 * Notes that this run is the one that may change this database.
 * @throws SluiceError RunLocked if a run of another deployment has the claim
 */
export async function takeClaim(session: Session, run: string, execution: string): Promise<void> {
  await ensureLedger(session);
  const other = await othersClaim(session, run, execution);
  if (other) throw new SluiceError(ErrorName.RunLocked, claimInWords(other));
  // The noted run has ended, or this is a copy, unless another run took the claim a moment ago.
  const taken = await session.query(
    `INSERT INTO ${LEDGER_SCHEMA}.claim AS c (run, execution, database) VALUES ($1, $2, ${HERE})
     ON CONFLICT (single) DO UPDATE SET run = excluded.run, execution = excluded.execution, database = excluded.database, since = now()
       WHERE c.database <> excluded.database OR starts_with(c.execution, $3)
     RETURNING run`,
    [run, execution, deploymentOf(execution)],
  );
  if (taken.length === 0)
    throw new SluiceError(ErrorName.RunLocked, "Another run took this database at the same moment.");
}

/** Gives the claim back, and drops the ledger if no run ever migrated anything in this database. */
export async function releaseClaim(session: Session, run: string): Promise<void> {
  if (!(await hasLedger(session))) return;
  await session.query(`DELETE FROM ${LEDGER_SCHEMA}.claim WHERE run = $1`, [run]);
  const used = await session.query(
    `SELECT FROM ${LEDGER_SCHEMA}.migration UNION ALL SELECT FROM ${LEDGER_SCHEMA}.step UNION ALL SELECT FROM ${LEDGER_SCHEMA}.claim LIMIT 1`,
  );
  if (used.length === 0) await session.exec(`DROP SCHEMA ${LEDGER_SCHEMA} CASCADE`);
}

export function claimInWords({ run, execution, since }: Claim): string {
  return (
    `Run ${run} of another deployment (${execution}) has this database since ${since.toISOString()}. ` +
    `Wait until it has ended. If you know that it has, and its deployment is gone: DELETE FROM ${LEDGER_SCHEMA}.claim;`
  );
}

/** The common part of executions of one state machine, or of local runs on one server. */
function deploymentOf(execution: string): string {
  return execution.startsWith("local:") ? "local:" : execution.slice(0, execution.lastIndexOf(":") + 1);
}
