// What a rollout comes to, before it starts. Pure: nothing here asks AWS for anything, and the figures are the definitions'
// and AWS's documented ones.

import type { Limits } from "../shared/rollout-documents.ts";

export interface LimitsInput {
  /** Databases that the rollout has still to do. */
  databases: number;
  /** Instances or clusters that they are on. */
  instances: number;
  /** Databases of each wave, in order. */
  waves: readonly number[];
  /** Runs under way at the same time. */
  atATime: number;
  /** Migrations of the plan. */
  migrations: number;
  /** Of one run, from its start to its end, gates answered at once; absent: as a run on RDS waits, and no longer. */
  secondsPerRun?: number | undefined;
  /** What stagings are made from; absent: a snapshot. */
  staging?: "snapshot" | "clone" | undefined;
  /** What a restore would go back to; absent: a moment. A snapshot or a clone is kept after the run. */
  backup?: "point-in-time" | "snapshot" | "clone" | undefined;
  /** Each run takes a snapshot after the opening, to be kept. */
  keepsSnapshot?: boolean | undefined;
  /** Whether the databases are in clusters. */
  clusters?: boolean | undefined;
  /** Lambda workers that the deployment reserves for each instance (`reserveConcurrency`); absent: none. */
  reservedPerInstance?: number | undefined;
}

/**
 * State transitions of executions that end well, gates answered at once. A test holds them against the definitions.
 */
export const TRANSITIONS = {
  /** Of a run, beside its migrations. */
  run: 61,
  /** Of each of its migrations, with a gate after it. */
  migration: 18,
  /** Of all rounds in which a run waits for RDS, as long as `RDS_SECONDS`: 123 rounds of three states. */
  waiting: 369,
  /** Of what keeps a run's functions warm: 16 in each round, every four minutes of half an hour. */
  keepWarm: 128,
  /** Of the coordinator, beside its waves. */
  rollout: 6,
  /** Of the coordinator for each wave, and for each time that it looks at the wave. */
  wave: 18,
  look: 3,
  /** Of a database's own item in a wave. */
  database: 8,
} as const;

/** Of a database of some 100 GiB: ten minutes for a snapshot, 25 to restore staging, ten to delete it. */
const RDS_SECONDS = 45 * 60;

/** US dollars for a state transition of a standard workflow: AWS's list price in us-east-1, November 2026. */
export const USD_PER_TRANSITION = 0.025 / 1_000;

/** Executions for each database: of its wave, of its run, and of what keeps its functions warm. */
const EXECUTIONS_EACH = 3;

/** Workers for each run under way: its own, and as many functions as are called at once to keep them warm. */
const WORKERS_EACH = 1 + 12;

/** Events in the coordinator's history for each wave, whatever the number of its databases, and for each look at it. */
const EVENTS = { wave: 80, look: 9 } as const;

/** What no account gets more of. */
const HARD = {
  events: 25_000,
  /** Child executions of a Distributed Map at the same time. */
  atATime: 10_000,
  /** Step Functions ends an execution after a year. */
  hours: 365 * 24,
} as const;

/** AWS's documented defaults for an account in one Region, by the names that Service Quotas has. New accounts may have less. */
export const QUOTAS = {
  instances: { limit: 40, name: "DB instances" },
  clusters: { limit: 40, name: "DB clusters" },
  snapshots: { limit: 100, name: "Manual DB instance snapshots" },
  clusterSnapshots: { limit: 100, name: "Manual DB cluster snapshots" },
  parameterGroups: { limit: 50, name: "Parameter groups" },
  lambdas: { limit: 1_000, name: "Concurrent executions" },
} as const;

/** What a rollout comes to, and what of it is too much. */
export function rolloutLimits(input: LimitsInput): Limits {
  const { databases, instances, waves, migrations, clusters = false } = input;
  const atOnce = Math.min(input.atATime, Math.max(0, ...waves));
  const { run, migration, waiting, keepWarm, wave, look, rollout, database } = TRANSITIONS;
  const each = run + migration * migrations + waiting + keepWarm + database;
  const secondsPerRun = input.secondsPerRun ?? RDS_SECONDS;
  const waveSeconds = waves.map((size) => Math.ceil(size / input.atATime) * secondsPerRun);
  const allLooks = sum(waveSeconds.map(looksAt));
  const stateTransitions = Math.round(rollout + wave * waves.length + look * allLooks + each * databases);
  const usd = Math.round(stateTransitions * USD_PER_TRANSITION * 100) / 100;
  const hours = sum(waveSeconds) / 3600;
  const executions = 1 + EXECUTIONS_EACH * databases;
  const snapshots = snapshotsOf(input, atOnce);
  const reserved = (input.reservedPerInstance ?? 0) * instances;
  const lambdasAtOnce = WORKERS_EACH * atOnce + reserved;
  const counted = [
    passing(instances + atOnce, QUOTAS.instances, "instances: the databases' own and the stagings"),
    ...(clusters
      ? [passing(instances + atOnce, QUOTAS.clusters, "clusters: the databases' own and the stagings")]
      : []),
    passing(snapshots.all, clusters ? QUOTAS.clusterSnapshots : QUOTAS.snapshots, "manual snapshots"),
    passing(atOnce, QUOTAS.parameterGroups, "parameter groups, one for each staging"),
    passing(lambdasAtOnce, QUOTAS.lambdas, "Lambda workers"),
  ];
  return {
    executions,
    stateTransitions,
    usd,
    snapshotsAtOnce: snapshots.all,
    instancesAtOnce: atOnce,
    lambdasAtOnce,
    hours,
    lines: [
      `${number(databases)} databases on ${number(instances)} instances, in ${number(waves.length)} waves of ${waves.map(number).join(", ")}, ${number(atOnce)} at a time.`,
      `About ${hoursInWords(hours)} with gates answered at once: ${hoursInWords(secondsPerRun / 3600)} for a run${input.secondsPerRun === undefined ? ", which is what RDS takes for a database of some 100 GiB; the migrations come on top" : ""}.`,
      `${number(executions)} executions, and about ${number(stateTransitions)} state transitions: ${number(each)} for each database. At AWS's list price for us-east-1 ($0.025 for 1,000) that is $${usd.toFixed(2)}.`,
      `${number(atOnce)} staging instances at the same time. They, the snapshots and Lambda come on top of that price.`,
      snapshots.line,
      `Up to ${number(lambdasAtOnce)} Lambda workers at the same time${reserved === 0 ? "" : `, ${number(reserved)} of them reserved for the ways back (reserveConcurrency)`}.`,
    ],
    problems: problemsIn(input, { hours, looks: allLooks }),
    notes: counted.flat(),
  };
}

function snapshotsOf(
  { databases, staging = "snapshot", backup = "point-in-time", keepsSnapshot = false, clusters }: LimitsInput,
  atOnce: number,
): { all: number; line: string } {
  const kept = databases * ((backup === "snapshot" ? 1 : 0) + (keepsSnapshot ? 1 : 0));
  const passed = staging === "snapshot" ? atOnce : 0;
  const lines = [
    `${number(passed)} snapshots of rehearsals at the same time, each deleted with its staging`,
    `${number(kept)} kept until their retention ends`,
    ...(clusters && (staging === "clone" || backup === "clone")
      ? ["up to two clones of each cluster; Aurora makes 15 clones of one volume as copies on write"]
      : []),
  ];
  return { all: kept + passed, line: `${lines.join("; ")}.` };
}

/** How often the coordinator looks at a wave: every 30 seconds at first, then 5 % later each time, and hourly in the end. */
export function looksAt(seconds: number): number {
  const [regular, hourly] = [600, 72_000];
  const first = Math.min(seconds, regular) / 30;
  const rarer = Math.max(0, Math.log(Math.min(seconds, hourly) / regular) / Math.log(1.05));
  return Math.ceil(first + rarer + Math.max(0, seconds - hourly) / 3600);
}

function problemsIn(
  { waves, atATime }: LimitsInput,
  { hours, looks }: { hours: number; looks: number },
): string[] {
  const problems: string[] = [];
  const events = EVENTS.wave * waves.length + EVENTS.look * looks;
  if (events > HARD.events)
    problems.push(
      `${number(waves.length)} waves: the rollout's history may come to ${number(events)} events, and Step Functions ends an execution after ${number(HARD.events)}. Make fewer waves, or a larger atATime.`,
    );
  if (atATime > HARD.atATime)
    problems.push(
      `${number(atATime)} at a time: a Distributed Map works on ${number(HARD.atATime)} items at a time. Give a smaller atATime.`,
    );
  if (hours > HARD.hours)
    problems.push(
      `${hoursInWords(hours)}: Step Functions ends an execution after a year. Give a larger atATime, or make several rollouts.`,
    );
  return problems;
}

function passing(amount: number, { limit, name }: { limit: number; name: string }, what: string): string[] {
  if (amount <= limit) return [];
  return [
    `${number(amount)} ${what}: the default quota is ${number(limit)} ("${name}" in Service Quotas). Ask for a higher one, or make the rollout smaller: fewer databases, or fewer at a time. What else the account has comes on top.`,
  ];
}

function hoursInWords(hours: number): string {
  if (hours >= 48) return `${(hours / 24).toFixed(1)} days`;
  return hours >= 1 ? `${hours.toFixed(1)} hours` : `${Math.max(1, Math.round(hours * 60))} minutes`;
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
