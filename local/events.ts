import type { Report } from "../lambdas/report/schema.ts";
import type { Decision, End, GateDoc } from "../lambdas/shared/documents.ts";

/** A phase of the machine with the states that do its work, in the order of a run. */
export interface Phase {
  phase: string;
  states: readonly string[];
}

/** Phases that only a run on its way back enters. */
export const WAYS_BACK: ReadonlySet<string> = new Set([
  "Fence again",
  "Roll back",
  "Count the loss",
  "Gate: restore",
  "Restore",
]);

/** Phases that a run completes even when it is asked to stop: in "Open" the application is already in. */
export const UNDISTURBED: ReadonlySet<string> = new Set([...WAYS_BACK, "Open", "Close"]);

/** What a local run reports while it runs. */
export type RunEvent =
  | { type: "started"; run: string; plan: string; phases: readonly Phase[]; evidence: string }
  | { type: "entered"; state: string; phase: string; at: Date }
  /** A line of progress of the current state. */
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
  /** Address of the page, with its key. */
  link: string;
  /** Facts so far, for the approver at the prompt. */
  summary: readonly { title: string; lines: readonly string[] }[];
  /** Name of the database, if the run changes a real one: a Go at the prompt must include it. */
  typed?: string | undefined;
  /**
   * Answers the gate. `counted`: a Go, and the gate needs more of them; `before`: another answer had decided it.
   * Rejects with what is wrong with the answer.
   */
  decide(decision: Decision, by: string, comment: string): Promise<"decided" | "counted" | "before">;
  /** Resolves shortly after the gate was answered anywhere, or its time is over. */
  closed: Promise<{ decision: Decision; by: string } | undefined>;
  /** The answer at this moment; undefined if there is none. */
  look(): Promise<{ decision: Decision; by: string } | undefined>;
}

export interface LocalEnd {
  end: End;
  cause: string;
  report: Report;
  /** Folder of the run's evidence, with report.json and report.html. */
  evidence: string;
  /** What is left and where, for the operator, in lines. */
  leftBehind: readonly string[];
  /** States that were to fail, and that the run never reached. */
  neverReached: readonly string[];
}

/**
 * How a database on a server is copied: by CREATE DATABASE ... TEMPLATE, as a separate server by pg_basebackup, or by
 * pg_dump and pg_restore.
 */
export const COPY_HOW = ["template", "physical", "dump"] as const;
export type CopyHow = (typeof COPY_HOW)[number];

/** Options of a local run from the command line. */
export interface RehearseOptions {
  /** Folder of the plan. */
  plan: string;
  /** Folder for this run's evidence; default: a new one below `.sluice/runs`. */
  out?: string;
  rehearse: "before" | "inside";
  fence: "connect" | "none";
  /** Any PostgreSQL server instead of the embedded one. */
  databaseUrl?: string;
  /** Whether to change the database at `databaseUrl` itself. */
  apply: boolean;
  /** How the database at `databaseUrl` is copied; default: by template. */
  copy?: CopyHow;
  startedBy: string;
  /** States that fail each time that they are entered: a drill. */
  fail?: readonly string[];
}

/**
 * A local run under way. Its events arrive in order; the last is `ended`. `stop` asks the run to end by its own ways back
 * as soon as possible, unless it is already opening.
 */
export interface LocalRun {
  run: string;
  events: AsyncIterable<RunEvent>;
  stop(): void;
  end: Promise<LocalEnd>;
}

/** The entry point, in local/rehearse.ts. Rejects with PlanError or UsageError for what is wrong from the start. */
export type Rehearse = (options: RehearseOptions) => Promise<LocalRun>;

/** A mistake in the command's arguments: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
