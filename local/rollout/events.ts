import type { End } from "../../lambdas/shared/documents.ts";
import type { CopyHow, OpenGate } from "../events.ts";
import type { RolloutDatabase } from "./databases.ts";

/** What the command line asks of a rollout on this machine. */
export interface RolloutOptions {
  /** Folder of the plan. */
  plan: string;
  databases: readonly RolloutDatabase[];
  /** Really change the databases; absent: copies of them are migrated. */
  apply: boolean;
  /** As the execution's input has them: numbers, percents such as `10 %`, `rest`. */
  waves: readonly (number | string)[];
  atATime: number;
  /** Runs of a wave that may fail. */
  tolerated: number;
  /** Name of the rollout to continue, or of a new one; absent: a new rollout with a name made for it. */
  name?: string;
  /** Folder for all evidence; `.sluice` when not given. */
  out?: string;
  rehearse: "before" | "inside";
  fence: "connect" | "none";
  copy?: CopyHow;
  startedBy: string;
  /** States that fail in the runs of these databases, each time that they are entered: a drill. */
  fail?: ReadonlyMap<string, readonly string[]>;
}

/** How a database's run ended, or that it has none. */
export type DatabaseEnd = End | "NotStarted" | "Unknown";

/** A database with what became of it. */
export interface DatabaseRow {
  database: string;
  wave: number;
  run: string;
  end: DatabaseEnd;
  cause: string;
  /** Seconds; null: it was not out of use. */
  downtimeSeconds: number | null;
  predictedSeconds: number | null;
}

export type RolloutEndName = "Succeeded" | "Refused" | "Incomplete";

/** How a rollout ended on this machine. */
export interface RolloutEnd {
  name: string;
  end: RolloutEndName;
  cause: string;
  rows: readonly DatabaseRow[];
  /** The page of the whole rollout; absent: it was not written. */
  page?: string;
  /** Folder of the rollout's own evidence; those of its runs are beside it. */
  evidence: string;
  /** What is left where, for the operator; a line each. */
  leftBehind: readonly string[];
}

/** What a rollout reports while it runs. */
export type RolloutEvent =
  | { type: "progress"; state: string; line: string }
  | { type: "gate"; gate: OpenGate };

/** A rollout under way. `stop` asks it to start nothing more, and each run to end by its own ways back. */
export interface LocalRollout {
  run: string;
  events: AsyncIterable<RolloutEvent>;
  stop(): void;
  end: Promise<RolloutEnd>;
}
