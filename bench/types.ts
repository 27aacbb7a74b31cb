import type { Bench } from "./harness.ts";

/** Amounts of data for the measurements. */
export interface Sizes {
  /** Rows of performance_events. */
  rows: number;
  /** Capabilities with an embedding of 768 numbers. */
  vectors: number;
  /** Agents and relationships of the graph. */
  agents: number;
  edges: number;
  /** Trivial migrations, to measure the cost of one. */
  migrations: number;
  /** Rows of a table that no migration touches, and of one whose values are stored out of line. */
  untouchedRows: number;
  outOfLineRows: number;
  /** Tables of ten rows. */
  smallTables: number;
  /** Migrations of a long plan of trivial ones. */
  planMigrations: number;
  /** Small databases of a rollout. */
  databases: number;
  /** The plan's way is given up after so many seconds, and reported as slower than that. */
  capSeconds: number;
}

/** A line of the table. */
export interface Result {
  what: string;
  /** The plan's own way, as measured in this run; "-" where the plan has none. */
  asWritten: string;
  ours: string;
  /** How many times ours is better. */
  ratio?: number | undefined;
  target: string;
  /** Undefined: unknown at these sizes, as the target is for larger ones. */
  reached?: boolean | undefined;
  /** What a reader needs to understand the figures. */
  note?: string | undefined;
  /** All figures, for the JSON. In milliseconds unless stated otherwise. */
  figures: Readonly<Record<string, unknown>>;
}

export interface Measurement {
  name: string;
  measure(bench: Bench): Promise<Result[]>;
}
