import type { Direction } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { Session } from "../shared/session.ts";
import { LEDGER_SCHEMA, literal } from "../shared/sql-text.ts";

/** Tells the schema as ours, and as of this shape. */
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
  // A row for each time that a run applies a migration: it is rehearsed twice on staging.
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
  `COMMENT ON COLUMN ${LEDGER_SCHEMA}.step.locks IS 'Locks that others would wait for, and since when at the latest each was held'`,
  `COMMENT ON COLUMN ${LEDGER_SCHEMA}.step.put_back IS 'Undoes what was changed for the sake of this step only'`,
  "COMMIT",
];

/** Of a staging copy only: see record/former-rows.ts. */
export const FORMER_ROWS = "former_row";

/** All that there may be in the ledger's schema. */
export const LEDGER_TABLES: readonly string[] = ["claim", "migration", "step", FORMER_ROWS];

/** Which steps of which migration a ledger row is about. */
export interface LedgerKey {
  run: string;
  version: string;
  round: number;
  direction: Direction;
}

/** How far a step in batches came. */
export interface Checkpoint {
  /** Primary key of the last row done, each column as text; null before the first. */
  after: string[] | null;
  batches: number;
  /** Rows that the next batch takes, changed or not. */
  size: number;
  /** Rows that batches have taken so far. */
  taken: number;
}

/** What a step waited for. */
export interface Wait {
  at: string;
  /** Null: no relation's lock, such as older transactions. */
  relation: string | null;
  mode: string | null;
  seconds: number;
  blockers: Blocker[];
}

export interface Blocker {
  pid: number;
  /** Null where the migrating role may not see it. */
  user: string | null;
  application: string | null;
  state: string | null;
  queryStart: string | null;
  /** Its beginning, without the values in it. */
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
  /** By relation and mode. */
  locks: Record<string, string>;
  waits: Wait[];
  notes: string[];
  checkpoint: Checkpoint | null;
  putBack: string | null;
  /** Tables that it wrote anew, where that was looked for. */
  rewrites: string[];
}

/**
 * Makes the ledger where there is none.
 * @throws SluiceError StepFailed where a schema of that name is somebody else's, or of another version of Sluice.
 */
export async function ensureLedger(session: Session): Promise<void> {
  if (await hasLedger(session)) return await completeLedger(session);
  await session.together(DDL).catch(async (error: unknown) => {
    await session.exec("ROLLBACK");
    throw error;
  });
}

/** A ledger that was made before its steps noted rewriting. Older versions of Sluice go on working with it. */
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
    `There is a schema named ${LEDGER_SCHEMA} that is not the ledger of this version of Sluice. Rename it, or drop it if an older Sluice left it.`,
  );
}

/** Migrations of a run. */
export interface Migrations {
  run: string;
  versions: readonly string[];
}

/** The query for the rows of all steps of these migrations, each migration's in order; each is a StepRow. */
export function stepsQuery({ run, versions }: Migrations): string {
  return `SELECT version, round, direction, ordinal, name, checksum, outcome, started_at AS "startedAt", tried_at AS "triedAt", ended_at AS "endedAt",
            gave_way AS "gaveWay", rows::float8 AS rows, (wal_to - wal_from)::float8 AS "walBytes",
            size_bytes::float8 AS "sizeBytes", locks, waits, notes, checkpoint, put_back AS "putBack", rewrites
       FROM ${LEDGER_SCHEMA}.step WHERE run = ${literal(run)} AND version IN (${versions.map(literal).join(", ")})
      ORDER BY version, round, direction, ordinal`;
}

/** Those of one file of one migration. */
export function rowsOf(rows: readonly StepRow[], { version, round, direction }: LedgerKey): StepRow[] {
  return rows.filter((row) => row.version === version && row.round === round && row.direction === direction);
}

/** Versions that this run has begun and not rolled back, in no order. */
export async function versionsLeft(session: Session, run: string): Promise<string[]> {
  const rows = await session.query<{ version: string }>(
    `SELECT DISTINCT version FROM ${LEDGER_SCHEMA}.migration WHERE run = $1 AND rolled_back_at IS NULL`,
    [run],
  );
  return rows.map((row) => row.version);
}
