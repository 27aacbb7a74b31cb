import type { Report } from "../lambdas/report/schema.ts";
import type { Decision, End, GateDoc } from "../lambdas/shared/documents.ts";

/** A phase of the machine with the states that do its work, in the order in which they are entered. */
export interface Phase {
  phase: string;
  states: readonly string[];
}

/** Phases of the machine that only a run on its way back enters. */
export const WAYS_BACK: ReadonlySet<string> = new Set([
  "Fence again",
  "Roll back",
  "Count the loss",
  "Gate: restore",
  "Restore",
]);

/** Phases that a run goes through to their end although it is asked to stop: in "Open" the application is in already. */
export const UNDISTURBED: ReadonlySet<string> = new Set([...WAYS_BACK, "Open", "Close"]);

/** What a local run tells while it goes on. */
export type RunEvent =
  | { type: "started"; run: string; plan: string; phases: readonly Phase[]; evidence: string }
  | { type: "entered"; state: string; phase: string; at: Date }
  /** A line of progress of the state that is being worked on. */
  | { type: "progress"; state: string; line: string }
  | { type: "left"; state: string; phase: string; at: Date }
  | {
      type: "failed";
      state: string;
      phase: string;
      at: Date;
      error: string;
      message: string;
      willRetry: boolean;
    }
  | { type: "gate"; gate: OpenGate }
  | { type: "ended"; end: LocalEnd };

export interface OpenGate {
  doc: GateDoc;
  /** The page, with its key. */
  link: string;
  /** Facts so far, for whoever decides at the prompt. */
  summary: readonly { title: string; lines: readonly string[] }[];
  /** Name of the database, where the run changes a real one: whoever says Go at the prompt must type it. */
  typed?: string | undefined;
  /**
   * Answers the gate. `counted`: a Go, and it needs more of them; `before`: somebody else had decided it.
   * Rejects with what is wrong with the answer.
   */
  decide(decision: Decision, by: string, comment: string): Promise<"decided" | "counted" | "before">;
  /** Resolves when the gate is answered, by whomever, or its time is over; a moment later, as it is looked for. */
  closed: Promise<{ decision: Decision; by: string } | undefined>;
  /** The answer as it is now; undefined where there is none. */
  look(): Promise<{ decision: Decision; by: string } | undefined>;
}

export interface LocalEnd {
  end: End;
  cause: string;
  report: Report;
  /** Folder of the run's evidence, report.json and report.html among it. */
  evidence: string;
  /** What is left where, for the operator; a line each. */
  leftBehind: readonly string[];
  /** States that were to fail, and that the run never came to. */
  neverReached: readonly string[];
}

/**
 * How a database on a server is copied: by CREATE DATABASE ... TEMPLATE, as a server of its own by pg_basebackup, or by
 * pg_dump and pg_restore.
 */
export const COPY_HOW = ["template", "physical", "dump"] as const;
export type CopyHow = (typeof COPY_HOW)[number];

/** What the command line asks of a local run. */
export interface RehearseOptions {
  /** Folder of the plan. */
  plan: string;
  /** Folder for this run's evidence; one of its own below `.sluice/runs` when not given. */
  out?: string;
  rehearse: "before" | "inside";
  fence: "connect" | "none";
  /** Any PostgreSQL server instead of the embedded one. */
  databaseUrl?: string;
  /** Really change the database at `databaseUrl`. */
  apply: boolean;
  /** How the database at `databaseUrl` is copied; absent: by template. */
  copy?: CopyHow;
  startedBy: string;
  /** States that fail, each time that they are entered: a drill. */
  fail?: readonly string[];
}

/**
 * A local run under way. The events arrive in order; the last is `ended`. `stop` asks the run to end at the next
 * chance by its own ways back, unless it is opening already.
 */
export interface LocalRun {
  run: string;
  events: AsyncIterable<RunEvent>;
  stop(): void;
  end: Promise<LocalEnd>;
}

/** The one way in, in local/rehearse.ts. Rejects with PlanError or UsageError for what is wrong from the start. */
export type Rehearse = (options: RehearseOptions) => Promise<LocalRun>;

/** A mistake in how the command was called: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
