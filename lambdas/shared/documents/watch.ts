import type { WatchScheduleDoc } from "../ports.ts";
import type { CheckResult } from "./migration.ts";
import { docName } from "./name.ts";

/** Of all readings of the watch. */
export const READINGS = "watch/";

export interface AfterOpeningDoc {
  at: string;
  results: { title: string; passed: boolean; seconds: number; message: string }[];
}

/** What follows a success, seen from outside the database. */
export interface AftercareDoc {
  at: string;
  /** Whether automated backups include the instance; null: this fleet does not tell. */
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
  /** Sessions that clients may have, against what the plan asks for. */
  connections: { used: number; most: number; minimum: number } | null;
  /** By how much these grow until the next reading is what that one tells. */
  counters: CountersDoc;
  /** Of this watch, this one included. */
  soFar: { readings: number; worst: ReadingWorst[] };
}

export interface ReadingValue {
  name: string;
  title: string;
  unit: string;
  /** Null: not measured, and `note` says why. */
  value: number | null;
  note: string | null;
  /** Such as `<100 ms`. */
  target: string;
  alert: string;
  standing: "target" | "between" | "alert" | "unknown";
  /** Where people read what to do about it. */
  runbook: string;
  /** Its query fails: nobody can measure it as it is. */
  broken?: true | undefined;
}

/** The reading of a metric that stood worst; the greatest, or the least, where several stood alike. */
export interface ReadingWorst extends Pick<ReadingValue, "name" | "value" | "standing"> {
  at: string;
  alerts: number;
}

export interface CountersDoc {
  committed: number;
  rolledBack: number;
  /** Of the plan's queries that count, by metric. */
  queries: Readonly<Record<string, number>>;
}

export interface VerifiedAgainDoc {
  at: string;
  endedAt: string;
  migrations: string[];
  results: CheckResult[];
  /** As the checks left them: what they try counts too, and is nobody's attempt. */
  counters: CountersDoc;
}

export type Reading = Pick<ReadingDoc, "at" | "seconds" | "values" | "connections" | "counters">;

/** Names of these documents. */
export const watchDocuments = {
  afterOpening: docName<AfterOpeningDoc>("after-opening"),
  aftercare: docName<AftercareDoc>("aftercare"),
  /** The watch's reading of staging: that its queries work. */
  watchRehearsed: docName<Reading>("watch-rehearsed"),
  /** Readings of the watch, sorted by time. The first one is the run's own. */
  reading: (at: Date) => docName<ReadingDoc>(`${READINGS}${at.toISOString().replace(/[:.]/g, "-")}`),
  verifiedAgain: docName<VerifiedAgainDoc>("verified-again"),
} as const;
