import type { CompiledPlan } from "./plan.ts";
import type { Publication } from "./publications.ts";
import type { Session } from "./session.ts";
import type { RunDatabase, RunSettings } from "./settings.ts";

/** What the logic needs of the world. Each port has an AWS adapter (lambdas/shared/aws) and a local one (local). */
export interface Environment {
  /** Where there is a choice of databases those of the run's own, once it is bound to it (run-database.ts). */
  settings: RunSettings;
  /** Absent where the world is that of one database, as a local run's is. */
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
  /** Who this is, for the ledger: a request's id, or a process. */
  worker: string;
  /** Gates are answered on their pages alone, and never at a terminal. */
  pagesOnly?: true;
  /** What a person who watches wants to know meanwhile; one short line. Never evidence. */
  progress(line: string): void;
}

/** The world as a task of one run sees it. */
export interface Ports extends Environment {
  /** The run's own; asking for it throws where it cannot be used, so that what needs none works all the same. */
  plan: CompiledPlan;
}

/** The databases that a run may be of. */
export interface Choice<Own> {
  readonly list: readonly RunDatabase[];
  /** Those of a run of that one that is admitted now. */
  settingsOf(database: RunDatabase): RunSettings;
  /** What a run with these settings has of its own. */
  of(settings: RunSettings): Own;
}

/** What showing and answering a gate needs of it: no database, no fleet. */
export type GatePorts = Pick<Environment, "settings" | "evidence" | "callbacks" | "clock" | "progress"> & {
  choice?: Choice<Pick<Environment, "settings">>;
  /** Absent where an answer may be of any size. */
  largePages?: LargePages;
};

/** For pages that are larger than an answer may be. */
export interface LargePages {
  /** A link that shows that one file of the evidence, to whoever has it, for some minutes. */
  link(key: string): Promise<string>;
}

export interface Clock {
  now(): Date;
  /** Milliseconds until this worker must have answered; Infinity where nothing ends it. */
  remaining(): number;
}

/** Where an instance answers. */
export interface Endpoint {
  host: string;
  port: number;
}

export interface Databases {
  /**
   * One session as the migrating role, on the instance at that endpoint; closed when `work` is done.
   * @param database another one on that instance than the run's own
   */
  withSession<T>(endpoint: Endpoint, work: (session: Session) => Promise<T>, database?: string): Promise<T>;
  /** True where there is but one session at a time, so that nothing can be looked at while it runs. */
  readonly single: boolean;
}

/** Settings of an instance that a restore does not inherit; opaque to the logic, made and read by the fleet. */
export type InstanceSettings = Readonly<Record<string, unknown>>;

export interface Instance {
  id: string;
  /** Tells it from every other instance that has or had its name. */
  identity: string;
  /** `pending` while anything is being done to it; `failed` for a status from which it will not come back by itself. */
  status: "available" | "pending" | "failed";
  /** The fleet's own word for the status. */
  statusText: string;
  /** True where it serves sessions though it is not free for changes yet, as while it is backed up. */
  answers?: boolean | undefined;
  /** True where it came to nothing for want of room: made anew later, or in another zone, it may. */
  noRoom?: boolean | undefined;
  /** What is being done to its storage while it is in use, where anything is. */
  storage?: StorageWork | undefined;
  endpoint?: Endpoint | undefined;
  engineVersion: string;
  /** Free disk in bytes, where the fleet can tell. */
  freeBytes?: number | undefined;
  /**
   * For how many days automated backups of it are kept (0: there are none), and the newest moment that it can be restored
   * to by now; ISO 8601.
   */
  backups?: { days: number; until?: string | undefined } | undefined;
  settings: InstanceSettings;
}

export interface StorageWork {
  /** The fleet's own word, such as `Initializing`. */
  doing: string;
  percent?: number | undefined;
}

/** What a fleet says of an instance before a run, without a session. Each text is a sentence for people. */
export interface Findings {
  /** Why no run may work on it, with what helps. */
  refusals: string[];
  checks: PreflightCheck[];
  /** What a Go is given in knowledge of, at the gate that leads to production and at the one that asks for a restore. */
  forGates: string[];
  /** What the time of a restore, as the rehearsal measures it, leaves out. */
  leavesOut: string[];
  /** What people must do once production was restored. */
  afterRestore: string[];
}

export type RestorePurpose = "staging" | "production";

/** How a restore was begun otherwise than asked for. */
export interface RestoreBegun {
  /** It was not begun: why it has to wait, and for how long that makes sense; absent: for as long as there is time. */
  waits?: { why: string; minutes?: number | undefined } | undefined;
  /** Settings that the fleet refused and that it was begun without, each with why. */
  without: string[];
}

/** What a restored instance has of its settings. */
export interface SettingsGiven {
  /** True while something is being changed, or was asked for just now: ask again. */
  changing: boolean;
  /** Settings that the fleet refuses, each with why; they are asked for again at each call. */
  refused: string[];
  /** What goes on by itself and need not be waited for. */
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
  /** It is a copy of the volume that nothing runs on, and shares what has not changed: no backup of its own. */
  clone?: true | undefined;
}

/** A moment of a database server: what had committed is before it, and what the run writes comes after it. */
export interface Moment {
  /** ISO 8601, by the server's own clock; a whole second, as no fleet takes finer ones. */
  at: string;
  /**
   * Where the WAL stood, such as `0/1B3C5D8`: of what had committed nothing is behind it, and of the run's writes nothing
   * before it. Null where the server does not say.
   */
  lsn: string | null;
  /** The WAL's timeline there. */
  timeline: number | null;
}

/** A moment of one instance, to which that can be restored. */
export interface PointInTime {
  /** The run's own name for it. A fleet that has to keep something for it calls it so. */
  name: string;
  /** What the instance was called then. */
  instance: string;
  /** What it is called once a restore has moved it aside. It has one of the two names at any time. */
  aside: string;
  /** Its identity (`Instance.identity`), which it keeps when it is renamed. */
  identity: string;
  moment: Moment;
}

/** Whether an instance can be restored to a moment by now. */
export interface MomentState {
  /** `pending` while the archived WAL has not come so far; `failed`: it never will, or no longer can. */
  status: "available" | "pending" | "failed";
  /** For people, a sentence: why it is so, and what would help where anything would. */
  statusText: string;
  /** Between which moments the instance can be restored by now; ISO 8601. */
  from?: string | undefined;
  until?: string | undefined;
  /** When the base backup was made from which the WAL is replayed, where the fleet knows. */
  baseAt?: string | undefined;
  encrypted?: boolean | undefined;
  kmsKey?: string | undefined;
}

/** How a fleet takes an instance back to a moment. Every call may be made twice, as those of the fleet. */
export interface Moments {
  /**
   * `archive`: by automated backups and archived WAL, of which `Instance.backups` tells; the archive trails behind by some
   * minutes. `copy`: there is no archive, so `hold` makes a copy when the moment is noted.
   */
  readonly by: "archive" | "copy";
  /** When the newest base backup of the instance was made, from which a restore would replay; undefined: not known. */
  baseAt(instance: string): Promise<string | undefined>;
  /**
   * Keeps what the instance is at that moment, where no archive does. Called after the moment has been noted and before
   * anything is written that must not be in it.
   * @returns true when it is kept; ask again while it is not
   */
  hold(point: PointInTime, tags: Tags): Promise<boolean>;
  describe(point: PointInTime): Promise<MomentState>;
  /** As `DatabaseFleet.startRestore`, from what the instance was at that moment. */
  startRestore(
    point: PointInTime,
    instance: string,
    like: InstanceSettings,
    purpose: RestorePurpose,
    tags: Tags,
    anywhere?: boolean,
  ): Promise<RestoreBegun | undefined>;
  /** Deletes what `hold` made. An archive of the instance's own stays as it is. */
  release(point: PointInTime): Promise<void>;
}

/**
 * Instances and their snapshots. Every call may be made twice: what exists already, under the same name, counts as
 * made; what is gone already counts as deleted. A fleet that is busy with the instance leaves a start undone without a
 * word: ask again until describe shows it.
 * @throws SluiceError FleetFailed for what the fleet refuses for good.
 */
export interface Instances {
  /** Absent where an instance can be taken back to a snapshot only. */
  readonly moments?: Moments | undefined;
  describe(instance: string): Promise<Instance | undefined>;
  /**
   * What there is to know of production before a run. Absent where nothing is.
   * @param tags that the run gives to its snapshots
   */
  inspect?(instance: string, tags: Tags): Promise<Findings>;
  /** @param often true: more than one instance is restored from it */
  startSnapshot(snapshot: string, instance: string, tags: Tags, often?: boolean): Promise<void>;
  describeSnapshot(snapshot: string): Promise<Snapshot | undefined>;
  deleteSnapshot(snapshot: string): Promise<void>;
  /**
   * Starts a new instance from a snapshot, with the network and settings of the one described.
   * @param anywhere true: in whichever zone there is room for it
   * @returns undefined where it was begun as asked for
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
   * What a restore that was begun needs next, while it cannot be used. Absent where it goes on by itself.
   * @returns as startRestore
   */
  continueRestore?(
    instance: string,
    like: InstanceSettings,
    purpose: RestorePurpose,
    tags: Tags,
    anywhere?: boolean,
  ): Promise<RestoreBegun | undefined>;
  /** Gives a restored instance what a restore cannot set. Settings that are not data never fail it. */
  finishRestore(instance: string, like: InstanceSettings, purpose: RestorePurpose): Promise<SettingsGiven>;
  /**
   * Makes sure that there are parameters, under that name, as production's but for what keeps still everything that would
   * run by itself: subscriptions, scheduled jobs, maintenance. Absent where an instance has no parameters of its own.
   * @returns the settings of a copy that has them from its first start; undefined: not ready yet, ask again
   */
  quiet?(group: string, like: InstanceSettings, tags: Tags): Promise<InstanceSettings | undefined>;
  /** Gives these parameters to a running instance. True when they are in force; ask again while they are not. */
  quieten?(instance: string, group: string): Promise<boolean>;
  /** True when there are no parameters of that name (any more); false while an instance uses them. */
  deleteQuiet?(group: string): Promise<boolean>;
  startRename(from: string, to: string): Promise<void>;
  /** About how long it takes until a renamed instance has left its old name, in seconds. */
  readonly renameSeconds: number;
  /** What people must see to, now that `restored` has taken the place of `former`: a sentence each. */
  handOver(former: string, restored: string): Promise<string[]>;
  startDelete(instance: string): Promise<void>;
}

/** Further places that the final snapshot goes to, as the settings want. */
export interface Archive {
  /**
   * Starts whatever is not begun yet, and tells how all of it stands. None of it is waited for. May be called twice.
   * @throws SluiceError FleetFailed for what is refused for good.
   */
  start(snapshot: string, tags: Tags): Promise<ArchivedSnapshot[]>;
}

export interface ArchivedSnapshot {
  kind: "copy" | "export";
  /** Such as `Region eu-west-1`, `bucket orders-archive`. */
  where: string;
  /** By which it can be looked up there. */
  id: string;
  status: "complete" | "pending" | "failed";
  statusText: string;
}

export type Tags = Readonly<Record<string, string>>;

/** Written once, never overwritten. Keys are paths such as `runs/<run>/record.json`. */
export interface EvidenceStore {
  /** Writes the text unless the key exists. True for the write that won. */
  create(key: string, body: string, contentType: string): Promise<boolean>;
  read(key: string): Promise<string | undefined>;
  /** Of the store that a worker is given: the file goes with the link that the worker leaves (chain.ts). */
  createWithLink?(key: string, body: string): void;
  /** Keys that start with the prefix, sorted. */
  list(prefix: string): Promise<string[]>;
  /** The same keys, each with a tag that changes when the file's content does. No file is sent for it. */
  tags(prefix: string): Promise<Map<string, string>>;
  /** The one kind of record that changes: who holds a database. */
  readLease(name: string): Promise<Lease | undefined>;
  /** Writes the lease if it is still the one that was read (undefined: if there is none). False when it was not. */
  swapLease(name: string, expected: Lease | undefined, holder: LeaseHolder | null): Promise<boolean>;
}

/** The plans that were published: a document each, by its checksum, written once. */
export interface Plans {
  /** The checksum of the one that a run gets which names none. */
  readonly standard: string;
  /** @throws SluiceError PlanUnusable where there is none, or it was changed, or is of a format that is not known */
  read(checksum: string): Promise<CompiledPlan>;
  /**
   * The checksum of the one that begins so.
   * @throws SluiceError RequestInvalid where there is none, or several
   */
  find(beginning: string): Promise<string>;
  /** Who published it, as far as that is noted. */
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
  /** Version tag for the swap. */
  tag: string;
}

export interface Notice {
  /** ASCII, at most 100 characters. */
  subject: string;
  text: string;
  audience: "approvers" | "escalation";
  /** The one of them that it is for, by the settings' id; absent: all. */
  to?: string;
}

export interface Notifier {
  send(notice: Notice): Promise<void>;
}

/** What became of a gate, for tools that listen: no secret is in it, and no link. */
export interface Announcement {
  type: "Gate Opened" | "Gate Decided";
  detail: Readonly<Record<string, unknown>>;
}

export interface Announcer {
  announce(announcement: Announcement): Promise<void>;
}

/** Answers to waiting gates. */
export interface Callbacks {
  /** False when nobody waits for that token any more (timed out, answered, or the run is over). */
  succeed(token: string, output: unknown): Promise<boolean>;
}

export interface Alarms {
  /** Of the names, those that are an alarm's. */
  known(names: readonly string[]): Promise<string[]>;
  /** Of the named alarms, those whose actions are on now. Names of no alarm are passed over: ask `known` first. */
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

/** Numbers that are graphed and alarmed on. */
export interface Metrics {
  publish(samples: readonly Sample[]): void;
}

/** Calls the watch again and again, until it is over. */
export interface Schedules {
  /**
   * Takes the place of whatever was scheduled for that database before; doing it twice schedules it once.
   * @param label the database's
   * @returns false where nothing can be scheduled
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
  /** Null: could not be found out here; said as such. */
  passed: boolean | null;
  expected: string;
  seen: string;
  /** What mends it. */
  mend: string;
}

/** When the watch reads: every so many minutes until one moment, then every so many until another, and then no more. */
export interface WatchScheduleDoc {
  everyMinutes: number;
  until: string;
  thenEveryMinutes: number;
  ends: string;
}
