import type { CompiledPlan } from "./plan.ts";
import type { Publication } from "./publications.ts";
import type { Session } from "./session.ts";
import type { RunDatabase, RunSettings } from "./settings.ts";

/** The ports that the logic uses. Each has an AWS adapter (lambdas/shared/aws) and a local one (local). */
export interface Environment {
  /** The run's settings. With several databases, they are bound to the run's own (`ofItsDatabase` in settings.ts). */
  settings: RunSettings;
  /** Absent in an environment of one database, as in a local run. */
  choice?: Choice<
    Pick<Environment, "settings" | "databases" | "metrics"> &
      Partial<Pick<Environment, "instances" | "archive">>
  >;
  evidence: EvidenceStore;
  plans: Plans;
  instances: Instances;
  archive: Archive;
  databases: Databases;
  notifier: Notifier;
  announcer: Announcer;
  callbacks: Callbacks;
  alarms: Alarms;
  executions: Executions;
  metrics: Metrics;
  schedules: Schedules;
  http: Http;
  clock: Clock;
  /** Name of this worker in the ledger: a request's id, or a process. */
  worker: string;
  /** True: gates are answered only on their pages, never at a terminal. */
  pagesOnly?: true;
  /** Shows one short line of progress to a person who looks on. Never evidence. */
  progress(line: string): void;
}

/** The environment of one run's task. */
export interface Ports extends Environment {
  /** The run's plan. Reading it throws where it is unusable, so tasks without need for it still work. */
  plan: CompiledPlan;
}

/** The databases of the deployment; a run works on one of them. */
export interface Choice<Own> {
  readonly list: readonly RunDatabase[];
  /** Returns the settings of a run on that database that is admitted now. */
  settingsOf(database: RunDatabase): RunSettings;
  /** Returns the ports that belong to a run with these settings. */
  of(settings: RunSettings): Own;
}

/** The ports for showing and answering a gate: no database, no instances. */
export type GatePorts = Pick<Environment, "settings" | "evidence" | "callbacks" | "clock" | "progress"> & {
  choice?: Choice<Pick<Environment, "settings">>;
  /** Absent where a response may have any size. */
  largePages?: LargePages;
};

/** For pages that are larger than a response may be. */
export interface LargePages {
  /** Returns a link to one file of the evidence. Anyone with the link can read the file for some minutes. */
  link(key: string): Promise<string>;
}

export interface Clock {
  now(): Date;
  /** Milliseconds until this worker must have answered; Infinity without a limit. */
  remaining(): number;
}

/** Address of an instance. */
export interface Endpoint {
  host: string;
  port: number;
}

export interface Databases {
  /**
   * Runs `work` in one session as the migrating role on the instance at that endpoint, and closes the session.
   * @param database another database on that instance; absent: the run's own
   */
  withSession<T>(endpoint: Endpoint, work: (session: Session) => Promise<T>, database?: string): Promise<T>;
  /** True where only one session is possible at a time, so that a running statement cannot be observed. */
  readonly single: boolean;
}

/** Settings of an instance that a restore does not inherit. Opaque to the logic: the adapter makes and reads them. */
export type InstanceSettings = Readonly<Record<string, unknown>>;

export interface Instance {
  id: string;
  /** Distinguishes it from every other instance that has or had its name. */
  identity: string;
  /** `pending` during a change; `failed` for a status that it does not leave by itself. */
  status: "available" | "pending" | "failed";
  /** RDS's own word for the status. */
  statusText: string;
  /** True where it serves sessions, though it may not be ready for changes, as during a backup. */
  answers?: boolean | undefined;
  /** True where AWS had no capacity for it: creating it later, or in another zone, may succeed. */
  noRoom?: boolean | undefined;
  /** Work on its storage while it is in use; absent: none. */
  storage?: StorageWork | undefined;
  endpoint?: Endpoint | undefined;
  engineVersion: string;
  /** Free disk in bytes; absent where it is unknown. */
  freeBytes?: number | undefined;
  /** Days that automated backups are kept (0: none), and the latest restorable moment (ISO 8601). */
  backups?: { days: number; until?: string | undefined } | undefined;
  settings: InstanceSettings;
}

export interface StorageWork {
  /** RDS's own word, such as `Initializing`. */
  doing: string;
  percent?: number | undefined;
}

/** Findings about an instance before a run, without a session. Each text is a sentence for people. */
export interface Findings {
  /** Why a run may not work on it, and what helps. */
  refusals: string[];
  checks: PreflightCheck[];
  /** Facts that approvers must read before a Go, at the gate that leads to production and at the restore gate. */
  forGates: string[];
  /** Names in them that only this database's surroundings have, such as those of its replicas; absent in older evidence. */
  names?: string[] | undefined;
  /** Parts of a restore that its rehearsed time leaves out. */
  leavesOut: string[];
  /** Tasks for people after production was restored. */
  afterRestore: string[];
}

export type RestorePurpose = "staging" | "production";

/** How the start of a restore differs from the request. */
export interface RestoreBegun {
  /** Present where it was not started: the reason, and how long to wait; without minutes, as long as the run has time. */
  waits?: { why: string; minutes?: number | undefined } | undefined;
  /** Settings that RDS refused and that the restore started without, each with the reason. */
  without: string[];
}

/** Progress of giving a restored instance its settings. */
export interface SettingsGiven {
  /** True during a change, or after a request just now: call again. */
  changing: boolean;
  /** Settings that RDS refuses, each with the reason. Each call requests them again. */
  refused: string[];
  /** Work that continues by itself and needs no waiting, a sentence each. */
  underWay: string[];
}

export interface Snapshot {
  id: string;
  instance: string;
  status: "available" | "pending" | "failed";
  statusText: string;
  createdAt?: string | undefined;
  sizeBytes?: number | undefined;
  engineVersion?: string | undefined;
  encrypted?: boolean | undefined;
  kmsKey?: string | undefined;
  /** True: it is a clone, a copy of the volume without an instance. It shares unchanged pages and is no separate backup. */
  clone?: true | undefined;
}

/** A moment of a database server. All commits so far are before it, and all writes of the run come after it. */
export interface Moment {
  /** ISO 8601, by the server's clock; a whole second, as RDS accepts no finer ones. */
  at: string;
  /**
   * The WAL's LSN, such as `0/1B3C5D8`. All earlier commits are before it, and all writes of the run are after it. Null
   * where the server does not report it.
   */
  lsn: string | null;
  /** The WAL's timeline at that LSN. */
  timeline: number | null;
}

/** A moment of one instance, to which it can be restored. */
export interface PointInTime {
  /** The run's name for the moment. A copy kept for it has this name. */
  name: string;
  /** Name of the instance at that moment. */
  instance: string;
  /** Name of the instance after a restore moved it aside. It always has one of the two names. */
  aside: string;
  /** Its identity (`Instance.identity`), which it keeps when it is renamed. */
  identity: string;
  moment: Moment;
}

/** Whether an instance can now be restored to a moment. */
export interface MomentState {
  /** `pending`: the archived WAL has not reached the moment yet; `failed`: it never will, or no longer has it. */
  status: "available" | "pending" | "failed";
  /** A sentence for people: the reason, and what helps. */
  statusText: string;
  /** First and last moment that the instance can now be restored to; ISO 8601. */
  from?: string | undefined;
  until?: string | undefined;
  /** Time of the base backup that the replay starts from; absent where it is unknown. */
  baseAt?: string | undefined;
  encrypted?: boolean | undefined;
  kmsKey?: string | undefined;
}

/** Restores an instance to a moment. Every call is safe to repeat, as in `Instances`. */
export interface Moments {
  /**
   * `archive`: automated backups and archived WAL, as `Instance.backups` reports; the archive trails behind by some
   * minutes. `copy`: without an archive, `hold` makes a copy when the moment is noted.
   */
  readonly by: "archive" | "copy";
  /** Returns the time of the instance's newest base backup, which a restore would replay from; undefined: unknown. */
  baseAt(instance: string): Promise<string | undefined>;
  /**
   * Makes a copy of the instance at that moment, where there is no archive. Call it after the moment is noted and before
   * any write that must come after it.
   * @returns true when the copy is kept; otherwise call again
   */
  hold(point: PointInTime, tags: Tags): Promise<boolean>;
  describe(point: PointInTime): Promise<MomentState>;
  /** As `Instances.startRestore`, from the instance's state at that moment. */
  startRestore(
    point: PointInTime,
    instance: string,
    like: InstanceSettings,
    purpose: RestorePurpose,
    tags: Tags,
    anywhere?: boolean,
  ): Promise<RestoreBegun | undefined>;
  /** Deletes the copy that `hold` made. The instance's own archive stays. */
  release(point: PointInTime): Promise<void>;
}

/**
 * Instances and their snapshots. Every call is safe to repeat: an existing resource of that name counts as created, and a
 * missing one as deleted. Where RDS is busy with the instance, a start silently does nothing: call again until `describe`
 * shows the result.
 * @throws SluiceError FleetFailed for a final refusal.
 */
export interface Instances {
  /** Absent where an instance can only be restored from a snapshot. */
  readonly moments?: Moments | undefined;
  describe(instance: string): Promise<Instance | undefined>;
  /**
   * Returns findings about production before a run. Absent where there are none.
   * @param tags the run's tags for its snapshots
   */
  inspect?(instance: string, tags: Tags): Promise<Findings>;
  /** @param often true: more than one instance is restored from it */
  startSnapshot(snapshot: string, instance: string, tags: Tags, often?: boolean): Promise<void>;
  describeSnapshot(snapshot: string): Promise<Snapshot | undefined>;
  deleteSnapshot(snapshot: string): Promise<void>;
  /**
   * Starts a new instance from a snapshot, with the network and settings in `like`.
   * @param anywhere true: AWS picks a zone with capacity
   * @returns undefined where it was started exactly as requested
   */
  startRestore(
    snapshot: string,
    instance: string,
    like: InstanceSettings,
    purpose: RestorePurpose,
    tags: Tags,
    anywhere?: boolean,
  ): Promise<RestoreBegun | undefined>;
  /**
   * Does the next part of a started restore, while it cannot be used yet. Absent where a restore needs no further calls.
   * @returns as startRestore
   */
  continueRestore?(
    instance: string,
    like: InstanceSettings,
    purpose: RestorePurpose,
    tags: Tags,
    anywhere?: boolean,
  ): Promise<RestoreBegun | undefined>;
  /** Gives a restored instance the settings that a restore cannot set. Settings that do not affect data never fail it. */
  finishRestore(instance: string, like: InstanceSettings, purpose: RestorePurpose): Promise<SettingsGiven>;
  /**
   * Creates a parameter group of that name: production's parameters, except that subscriptions, scheduled jobs and
   * maintenance are stopped. Absent where an instance has no parameters of its own.
   * @returns the settings of a copy that uses the group from its first start; undefined: not ready yet, call again
   */
  quiet?(group: string, like: InstanceSettings, tags: Tags): Promise<InstanceSettings | undefined>;
  /** Gives the group to a running instance. True when it is in force; otherwise call again. */
  quieten?(instance: string, group: string): Promise<boolean>;
  /** Deletes the group. True when it does not exist (any more); false while an instance uses it. */
  deleteQuiet?(group: string): Promise<boolean>;
  startRename(from: string, to: string): Promise<void>;
  /** About how long a rename takes, in seconds. */
  readonly renameSeconds: number;
  /** Returns tasks for people after `restored` took the place of `former`, a sentence each. */
  handOver(former: string, restored: string): Promise<string[]>;
  startDelete(instance: string): Promise<void>;
}

/** Copies and exports of the final snapshot, as the settings ask. */
export interface Archive {
  /**
   * Starts what has not started yet, and returns the state of all copies, without waiting. Safe to call twice.
   * @throws SluiceError FleetFailed for a final refusal.
   */
  start(snapshot: string, tags: Tags): Promise<ArchivedSnapshot[]>;
}

export interface ArchivedSnapshot {
  kind: "copy" | "export";
  /** The destination, such as `Region eu-west-1`, `bucket orders-archive`. */
  where: string;
  /** Its identifier there. */
  id: string;
  status: "complete" | "pending" | "failed";
  statusText: string;
}

export type Tags = Readonly<Record<string, string>>;

/** Files that are written once and never overwritten. Keys are paths such as `runs/<run>/record.json`. */
export interface EvidenceStore {
  /** Writes the text unless the key exists. True for the write that won. */
  create(key: string, body: string, contentType: string): Promise<boolean>;
  read(key: string): Promise<string | undefined>;
  /** In a worker's store: the file goes into the link that the worker leaves (chain.ts). */
  createWithLink?(key: string, body: string): void;
  /** Returns the keys that start with the prefix, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Returns the same keys, each with a tag that changes with the file's content. Transfers no file. */
  tags(prefix: string): Promise<Map<string, string>>;
  /** Returns the lease of an instance: the one kind of document that changes. */
  readLease(name: string): Promise<Lease | undefined>;
  /** Writes the lease if it still equals `expected` (undefined: if none exists). False where it does not. */
  swapLease(name: string, expected: Lease | undefined, holder: LeaseHolder | null): Promise<boolean>;
}

/** The published plans: one document each, named by its checksum and written once. */
export interface Plans {
  /** Checksum of the default plan, for runs whose input names none. */
  readonly standard: string;
  /** @throws SluiceError PlanUnusable where the plan does not exist, was changed, or has an unknown format */
  read(checksum: string): Promise<CompiledPlan>;
  /**
   * Returns the checksum that begins with these digits.
   * @throws SluiceError RequestInvalid where none or several do
   */
  find(beginning: string): Promise<string>;
  /** Returns who published the plan, as far as it is noted. */
  publications(checksum: string): Promise<Publication[]>;
}

export interface LeaseHolder {
  run: string;
  execution: string;
  since: string;
}

export interface Lease {
  /** Null: released. */
  holder: LeaseHolder | null;
  /** Version tag for `swapLease`. */
  tag: string;
}

export interface Notice {
  /** ASCII, at most 100 characters. */
  subject: string;
  text: string;
  audience: "approvers" | "escalation";
  /** The one person that it is for, by the settings' id; absent: all of the audience. */
  to?: string;
}

export interface Notifier {
  send(notice: Notice): Promise<void>;
}

/** An event about a gate, for tools that listen. It holds no secret and no link. */
export interface Announcement {
  type: "Gate Opened" | "Gate Decided";
  detail: Readonly<Record<string, unknown>>;
}

export interface Announcer {
  announce(announcement: Announcement): Promise<void>;
}

/** Sends answers to waiting gates. */
export interface Callbacks {
  /** False when no state waits for that token any more (timed out, answered, or the run is over). */
  succeed(token: string, output: unknown): Promise<boolean>;
}

export interface Alarms {
  /** Returns the names that belong to an alarm. */
  known(names: readonly string[]): Promise<string[]>;
  /** Returns the alarms whose actions are on now. Unknown names are skipped: call `known` first. */
  enabled(names: readonly string[]): Promise<string[]>;
  disable(names: readonly string[]): Promise<void>;
  enable(names: readonly string[]): Promise<void>;
}

export interface Executions {
  /**
   * True while that execution runs, or may have left a worker that does.
   * @param alone its workers do not matter
   */
  isRunning(execution: string, alone?: boolean): Promise<boolean>;
}

export interface Sample {
  name: string;
  /** Such as `ms` or `%`; empty for a plain count. */
  unit: string;
  value: number;
}

/** Numbers for graphs and alarms. */
export interface Metrics {
  publish(samples: readonly Sample[]): void;
}

/** Schedules the calls of the watch until its end. */
export interface Schedules {
  /**
   * Replaces any earlier schedule for that database. Calling it twice schedules the watch once.
   * @param label the database's label
   * @returns false where scheduling is impossible
   */
  startWatch(
    label: string,
    event: Readonly<Record<string, string>>,
    from: Date,
    schedule: WatchScheduleDoc,
  ): Promise<boolean>;
}

export interface HttpAnswer {
  status: number;
  /** At most the first 64 KiB. */
  body: string;
}

export interface Http {
  request(
    method: string,
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string | undefined,
    timeoutMs: number,
  ): Promise<HttpAnswer>;
}

export interface PreflightCheck {
  name: string;
  /** Null: it could not be checked here; the result shows that. */
  passed: boolean | null;
  expected: string;
  seen: string;
  /** What to do about it. */
  mend: string;
}

/** When the watch reads: every `everyMinutes` until `until`, then every `thenEveryMinutes` until `ends`. */
export interface WatchScheduleDoc {
  everyMinutes: number;
  until: string;
  thenEveryMinutes: number;
  ends: string;
}
