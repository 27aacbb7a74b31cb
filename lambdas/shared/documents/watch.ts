import type { WatchScheduleDoc } from "../ports.ts";
import type { CheckResult } from "./migration.ts";
import { doc } from "./name.ts";

/** Prefix of all readings of the watch. */
export const READINGS = "watch/";

export interface AfterOpeningDoc {
  at: string;
  results: { title: string; passed: boolean; seconds: number; message: string }[];
}

/** Checks after a success, from outside the database. */
export interface AftercareDoc {
  at: string;
  /** Whether automated backups include the instance; null: unknown. */
  backups: { passed: boolean | null; expected: string; seen: string };
  freeBytes: number | null;
  /** Null: nothing is watched here. */
  watch: WatchScheduleDoc | null;
}

/** One reading of the watch. */
export interface ReadingDoc {
  at: string;
  seconds: number;
  values: ReadingValue[];
  /** Sessions in use, the most that clients may have, and the minimum that the plan asks for. */
  connections: { used: number; most: number; minimum: number } | null;
  /** Counters; the next reading reports their growth. */
  counters: CountersDoc;
  /** This watch's readings so far, including this one. */
  soFar: { readings: number; worst: ReadingWorst[] };
}

export interface ReadingValue {
  name: string;
  title: string;
  unit: string;
  /** Null: not measured; `note` has the reason. */
  value: number | null;
  note: string | null;
  /** Such as `<100 ms`. */
  target: string;
  alert: string;
  standing: "target" | "between" | "alert" | "unknown";
  /** Link to instructions for people. */
  runbook: string;
  /** True: its query fails. */
  broken?: true | undefined;
}

/** A metric's worst reading; among equal standings the greatest, or the least. */
export interface ReadingWorst extends Pick<ReadingValue, "name" | "value" | "standing"> {
  at: string;
  alerts: number;
}

export interface CountersDoc {
  committed: number;
  rolledBack: number;
  /** Values of the plan's counter queries, by metric. */
  queries: Readonly<Record<string, number>>;
}

export interface VerifiedAgainDoc {
  at: string;
  endedAt: string;
  migrations: string[];
  results: CheckResult[];
  /** Counters after the checks: the checks' own transactions count too, and must not appear as the application's. */
  counters: CountersDoc;
}

export type Reading = Pick<ReadingDoc, "at" | "seconds" | "values" | "connections" | "counters">;

/** Names of these documents. */
export const watchDocuments = {
  afterOpening: doc<AfterOpeningDoc>("after-opening", "shown"),
  aftercare: doc<AftercareDoc>("aftercare", "shown"),
  /** The watch's reading of staging: that its queries work. */
  watchRehearsed: doc<Reading>("watch-rehearsed", "shown"),
  /** Readings of the watch, sorted by time. The first one is the run's own. */
  reading: doc<ReadingDoc, [at: Date]>(`${READINGS}*`, "shown"),
  verifiedAgain: doc<VerifiedAgainDoc>("verified-again", "shown"),
} as const;
