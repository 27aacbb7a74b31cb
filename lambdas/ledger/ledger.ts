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

/** Returns the query for all step rows of these migrations, in order for each migration; each row is a StepRow. */
export function stepsQuery({ run, versions }: Migrations): string {
  return `SELECT version, round, direction, ordinal, name, checksum, outcome, started_at AS "startedAt", tried_at AS "triedAt", ended_at AS "endedAt",
            gave_way AS "gaveWay", rows::float8 AS rows, (wal_to - wal_from)::float8 AS "walBytes",
            size_bytes::float8 AS "sizeBytes", locks, waits, notes, checkpoint, put_back AS "putBack", rewrites
       FROM ${LEDGER_SCHEMA}.step WHERE run = ${literal(run)} AND version IN (${versions.map(literal).join(", ")})
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
