import type { SpentDoc } from "../shared/documents.ts";
import type { Facts } from "./facts.ts";

/**
 * How long it takes to record a database, or to prove it: a + b x touched rows + c x untouched rows. All in seconds. The
 * touched rows are those of tables whose values are read, as the rehearsal touched them.
 */
export interface ReadingTime {
  fixedSeconds: number;
  perTouchedRow: number;
  perUntouchedRow: number;
  touchedRows: number;
  untouchedRows: number;
}

/** One reading of staging, when its storage was warm. */
export interface StagingReading {
  seconds: number;
  spent: SpentDoc;
}

/** By what the rehearsal measured; null while it has not. */
export function readingTimeOf({ stagingReadings, stagingRecord, changes }: Facts): ReadingTime | null {
  const seen = changes.find(({ evidence }) => evidence === "changes/staging");
  if (!seen || !stagingRecord || stagingReadings.length === 0) return null;
  const touched = new Set(seen.touched);
  const rows = (of: (table: string) => boolean) =>
    stagingRecord.tables.reduce((sum, { table, rows }) => sum + (of(table) ? Number(rows) : 0), 0);
  const beside = stagingReadings.map(({ seconds, spent }) =>
    Math.max(0, seconds - spent.compared.seconds - spent.read.seconds),
  );
  const compared = perRow(stagingReadings.map(({ spent }) => spent.compared));
  // Where no rollback touched a row, the reading that tested the backup is all that there is.
  const read =
    perRow(stagingReadings.map(({ spent }) => spent.read)) ??
    perRow(stagingRecord.spent ? [stagingRecord.spent.read] : []);
  return {
    fixedSeconds: beside.sort((a, b) => a - b)[Math.floor(beside.length / 2)] ?? 0,
    perTouchedRow: (compared ?? 0) + (read ?? 0),
    perUntouchedRow: compared ?? 0,
    touchedRows: rows((table) => touched.has(table)),
    untouchedRows: rows((table) => !touched.has(table)),
  };
}

export function secondsOf(time: ReadingTime): number {
  return (
    time.fixedSeconds + time.perTouchedRow * time.touchedRows + time.perUntouchedRow * time.untouchedRows
  );
}

function perRow(times: readonly SpentDoc["read"][]): number | undefined {
  const rows = times.reduce((sum, time) => sum + time.rows, 0);
  return rows === 0 ? undefined : times.reduce((sum, time) => sum + time.seconds, 0) / rows;
}
