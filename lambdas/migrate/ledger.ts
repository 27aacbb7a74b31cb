import type { Direction } from "../shared/documents.ts";
import type { Session } from "../shared/session.ts";

/** Where Sluice keeps its own record of what it did; no part of any fingerprint or checksum. */
export const LEDGER_SCHEMA = "sluice";

const DDL = `
  CREATE SCHEMA IF NOT EXISTS ${LEDGER_SCHEMA};
  CREATE TABLE IF NOT EXISTS ${LEDGER_SCHEMA}.migration (
    run text NOT NULL,
    version text NOT NULL,
    round int NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    rolled_back_at timestamptz,
    PRIMARY KEY (run, version, round)
  );
  CREATE TABLE IF NOT EXISTS ${LEDGER_SCHEMA}.step (
    run text NOT NULL,
    version text NOT NULL,
    round int NOT NULL,
    direction text NOT NULL CHECK (direction IN ('migrate', 'rollback')),
    ordinal int NOT NULL,
    name text NOT NULL,
    started_at timestamptz NOT NULL,
    seconds double precision NOT NULL,
    gave_way int NOT NULL,
    PRIMARY KEY (run, version, round, direction, ordinal)
  )`;

/** Which steps of which migration a ledger row is about. */
export interface LedgerKey {
  run: string;
  version: string;
  round: number;
  direction: Direction;
}

export interface StepRow {
  ordinal: number;
  name: string;
  startedAt: Date;
  seconds: number;
  gaveWay: number;
}

export async function ensureLedger(session: Session): Promise<void> {
  const [row] = await session.query<{ there: boolean }>(
    "SELECT to_regclass($1) IS NOT NULL AND to_regclass($2) IS NOT NULL AS there",
    [`${LEDGER_SCHEMA}.migration`, `${LEDGER_SCHEMA}.step`],
  );
  if (!row?.there) await session.exec(DDL);
}

export async function doneSteps(session: Session, key: LedgerKey): Promise<StepRow[]> {
  return await session.query<StepRow>(
    `SELECT ordinal, name, started_at AS "startedAt", seconds, gave_way AS "gaveWay" FROM ${LEDGER_SCHEMA}.step
      WHERE run = $1 AND version = $2 AND round = $3 AND direction = $4 ORDER BY ordinal`,
    [key.run, key.version, key.round, key.direction],
  );
}

/** Called in the step's own transaction where it has one: the row and the step's work commit together. */
export async function writeStep(session: Session, key: LedgerKey, row: StepRow): Promise<void> {
  await session.query(
    `INSERT INTO ${LEDGER_SCHEMA}.step (run, version, round, direction, ordinal, name, started_at, seconds, gave_way)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      key.run,
      key.version,
      key.round,
      key.direction,
      row.ordinal,
      row.name,
      row.startedAt.toISOString(),
      row.seconds,
      row.gaveWay,
    ],
  );
}

/** Noted before the first step, so that a rollback knows of a migration that was begun and got no step done. */
export async function begin(session: Session, key: LedgerKey): Promise<void> {
  await session.query(
    `INSERT INTO ${LEDGER_SCHEMA}.migration (run, version, round) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
    [key.run, key.version, key.round],
  );
}

export async function isFinished(session: Session, key: LedgerKey): Promise<boolean> {
  const column = key.direction === "migrate" ? "done_at" : "rolled_back_at";
  const rows = await session.query(
    `SELECT FROM ${LEDGER_SCHEMA}.migration WHERE run = $1 AND version = $2 AND round = $3 AND ${column} IS NOT NULL`,
    [key.run, key.version, key.round],
  );
  return rows.length > 0;
}

export async function finish(session: Session, key: LedgerKey): Promise<void> {
  const column = key.direction === "migrate" ? "done_at" : "rolled_back_at";
  await session.query(
    `UPDATE ${LEDGER_SCHEMA}.migration SET ${column} = now() WHERE run = $1 AND version = $2 AND round = $3`,
    [key.run, key.version, key.round],
  );
}

/** Versions that this run has begun and not rolled back, in no order. */
export async function versionsLeft(session: Session, run: string): Promise<string[]> {
  const rows = await session.query<{ version: string }>(
    `SELECT DISTINCT version FROM ${LEDGER_SCHEMA}.migration WHERE run = $1 AND rolled_back_at IS NULL`,
    [run],
  );
  return rows.map((row) => row.version);
}
