import { docName, type End, type TimeDoc } from "./documents.ts";
import type { RunEvidence } from "./evidence.ts";
import type { Ports } from "./ports.ts";

/**
 * The documents of a rollout's evidence, a folder like a run's: `runs/<rollout>/`. Its request and its gates have the
 * same names and shapes as a run's. Where there may be thousands, the name holds the fact, so that a listing is enough
 * to read it.
 */
export const RolloutDocs = {
  rollout: docName<RolloutDoc>("rollout"),
  databases: docName<DatabasesDoc>("databases"),
  limits: docName<Limits>("limits"),
  /** Each time that the rollout was started; n counts from 1. */
  start: (n: number) => docName<StartDoc>(`starts/${n}`),
  /** A wave that this start ran or continued. */
  ran: (start: number, wave: number) => docName<TimeDoc>(`ran/${start}/${wave}`),
  wave: (n: number) => docName<WaveDoc>(`waves/${n}/wave`),
  /** A file: what the Map reads. */
  items: (n: number) => `waves/${n}/items.json`,
  /** What a gate showed of the waves until then. */
  results: (gate: string, attempt: number) => docName<Results>(`results/${gate}-${attempt}`),
  begun: (wave: number, index: number) => docName<BegunDoc>(`begun/${wave}/${place(index)}`),
  /** Not started, as too many of its wave had failed. */
  left: (wave: number, index: number) => docName<LeftDoc>(`left/${wave}/${place(index)}`),
  failed: (wave: number, index: number) => docName<{ end: RunEnd }>(`failed/${wave}/${place(index)}`),
  end: (wave: number, index: number, end: RunEnd) =>
    docName<RunEndDoc>(`ends/${wave}/${place(index)}-${end}`),
  /** Neither under way nor ended with an outcome, since then. */
  adrift: (wave: number, index: number) => docName<TimeDoc>(`adrift/${wave}/${place(index)}`),
  /** What people approved at a run's gate, by its digest (likeness.ts). */
  reference: (gate: string, digest: string) => docName<unknown>(`references/${gate}/${digest}`),
  /** How one start of the rollout ended. */
  outcome: (start: number) => docName<RolloutOutcomeDoc>(`outcomes/${start}`),
  page: (start: number) => (start === 1 ? "rollout.html" : `rollout-${start}.html`),
} as const;

/** How a run ended; or that it could not be started; or that it was ended from outside and nobody noted how it stands. */
export type RunEnd = End | "NotStarted" | "Unknown";

export interface RolloutDoc {
  name: string;
  /** The state machine that runs are executions of. */
  runs: string;
  waves: WaveSize[];
  /** Runs under way at the same time, at most. */
  atATime: number;
  /** Failures tolerated in a wave: with one more, no further run of it is started. */
  tolerated: number;
  databases: number;
  reason?: string | undefined;
  outsideWindow?: string | undefined;
}

/** All databases, in the order in which they are migrated: a database's place here is its index. */
interface DatabasesDoc {
  databases: ListedDatabase[];
}

export interface ListedDatabase {
  /** Instance and database, as `orders-prod/orders`. */
  name: string;
  instance: string;
}

interface StartDoc {
  at: string;
  execution: string;
}

export interface WaveDoc {
  wave: number;
  at: string;
  /** Place in the waves of the rollout's input. */
  step: number;
  planChecksum: string;
  databases: number;
  /** SHA-256 of the items' file. */
  items: string;
  held: boolean;
  /** Why it is not held; absent where it is. */
  whyNotHeld?: string | undefined;
  /** By the name of a run's gate, digests of what people approved there: what is like it, this wave's Go answers. */
  references: Readonly<Record<string, string[]>>;
}

export interface Item {
  /** Place in the rollout's list. */
  index: number;
  database: string;
}

interface BegunDoc {
  at: string;
  run: string;
  execution: string;
}

/** What became of one database in one wave. */
interface RunEndDoc extends RunSummary {
  at: string;
  end: RunEnd;
}

/** Times in seconds. */
export interface RunSummary {
  index: number;
  database: string;
  run: string;
  cause: string;
  /** Of production's catalog at the gate after the rehearsal; null: it did not come so far. */
  fingerprint: string | null;
  downtime: number | null;
  predictedDowntime: number | null;
  /** The longest lock of a step on production that others would have waited for, such as `0.1 s (AccessExclusive on orders)`. */
  worstLock: { seconds: number; text: string } | null;
  /** Gates that the wave's Go answered, and those that people answered. */
  gates: { byWave: number; byPeople: number };
}

const place = (index: number) => String(index).padStart(5, "0");

/** Ends of the runs of a wave, by the database's index. */
export async function endsOf(evidence: RunEvidence, wave: number): Promise<Map<number, RunEnd>> {
  const names = await evidence.list(`ends/${wave}/`);
  return new Map(
    names.map((name) => {
      const [, index, end] = /\/(\d+)-(\w+)$/.exec(name) ?? [];
      return [Number(index), end as RunEnd];
    }),
  );
}

/** Returns the indexes in the names of these documents. */
export async function placesOf(
  evidence: RunEvidence,
  what: "begun" | "left" | "failed",
  wave: number,
): Promise<Set<number>> {
  const names = await evidence.list(`${what}/${wave}/`);
  return new Set(names.map((name) => Number(name.split("/").at(-1))));
}

/** Number of the newest wave that was made; 0: none was. */
export async function latestWave(evidence: RunEvidence): Promise<number> {
  const names = await evidence.list("waves/");
  return Math.max(0, ...names.map((name) => Number(/^waves\/(\d+)\/wave$/.exec(name)?.[1] ?? 0)));
}

/** Number of the start that this execution is. */
export async function startOf(evidence: RunEvidence, execution: string): Promise<number> {
  const starts = (await evidence.list("starts/")).map((name) => Number(name.split("/")[1]));
  for (const n of starts.sort((a, b) => b - a))
    if ((await evidence.require(RolloutDocs.start(n))).execution === execution) return n;
  throw new Error(`Execution ${execution} is no start of rollout ${evidence.run}`);
}

/** Notes that this start runs or continues that wave. */
export async function noteRan(
  wave: number,
  execution: string,
  { clock }: Pick<Ports, "clock">,
  evidence: RunEvidence,
): Promise<void> {
  const start = await startOf(evidence, execution);
  await evidence.createOnce(RolloutDocs.ran(start, wave), { at: clock.now().toISOString() });
}

export async function itemsOf(evidence: RunEvidence, wave: number): Promise<Item[]> {
  const text = await evidence.readFile(RolloutDocs.items(wave));
  if (text === undefined) throw new Error(`Wave ${wave} of rollout ${evidence.run} has no list of databases`);
  return JSON.parse(text) as Item[];
}

export interface RolloutOutcomeDoc {
  at: string;
  name: "Succeeded" | "Incomplete";
  cause: string;
}

/** A database that was not started. */
interface LeftDoc {
  at: string;
  /** Why its item of the Map failed; absent where too many of the wave had failed. */
  failure?: { Error?: string | undefined; Cause?: string | undefined } | undefined;
}

export interface Limits {
  executions: number;
  stateTransitions: number;
  /** State transitions at AWS's list price for us-east-1, in US dollars, to the cent. */
  usd: number;
  /** Manual snapshots that there may be at the same time, kept ones among them. */
  snapshotsAtOnce: number;
  /** Staging instances at the same time. */
  instancesAtOnce: number;
  /** Lambda workers at the same time, reserved ones among them. */
  lambdasAtOnce: number;
  hours: number;
  /** All of it for people, a sentence each. */
  lines: string[];
  /** What no account can do: the rollout must be made smaller. A sentence each. */
  problems: string[];
  /** What passes a default quota, which an account may have raised. A sentence each. */
  notes: string[];
}

/** How many databases a wave has: a number, a share of all such as `10 %`, or all that are left. */
export type WaveSize = number | string;

/** A database of a wave: how its run ended, or where it stands. */
export type Line = RunSummary & { wave: number; end: RunEnd | "held" | "left out" | "under way" };
export interface Range {
  least: number;
  median: number;
  most: number;
}

/** What a gate shows of a wave. Times in seconds. */
export interface Results {
  wave: number;
  /** How many came to each end. */
  ends: Record<string, number>;
  downtime: Range | null;
  predictedDowntime: Range | null;
  worstLock: { database: string; text: string } | null;
  /** Databases with equal catalogs before the migration; the largest group first. */
  groups: { fingerprint: string | null; databases: number; some: string[] }[];
  /** Those that differ from most: in their end, or in their catalog. */
  lines: Line[];
  /** Number of all databases; `lines` may have only a part of them. */
  databases: number;
}

/** As a part of its runs' names, which Step Functions holds to 80 characters. */
export const ROLLOUT_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/;

/** Name of the run that a rollout starts for one database in one wave. It is the same however often the rollout starts. */
export function rolloutRun(rollout: string, wave: number, index: number): string {
  return `${rollout}-w${wave}-${String(index).padStart(5, "0")}`;
}
