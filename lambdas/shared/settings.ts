import * as z from "zod";
import type { RequestDoc } from "./documents.ts";
import { ErrorName, SluiceError } from "./errors.ts";
import type { Choice } from "./ports.ts";

/** Days of the week, from Monday. */
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/**
 * The maintenance window: when runs may be under way. It opens on each of the days, at the zone's local time, for
 * `hours` hours. Adjacent windows form one.
 */
export const maintenanceWindow = z.strictObject({
  days: z
    .array(z.enum(DAYS))
    .min(1)
    .default([...DAYS]),
  from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "a time such as 01:30"),
  hours: z.number().positive().max(72),
  timeZone: z.string().refine(isTimeZone, "a time zone such as Europe/Berlin"),
});

/** The state that a restore returns to: a moment, by automated backups and WAL, or a snapshot taken in the downtime. */
export const BACKUP_KINDS = ["point-in-time", "snapshot"] as const;

export type BackupKind = (typeof BACKUP_KINDS)[number];

/** A person with a personal link to gates. */
const person = z.strictObject({
  /** Addresses messages to this person. */
  id: z.string().min(1),
  /** Name shown with this person's answers. */
  name: z.string().min(1),
});

export type MaintenanceWindow = z.infer<typeof maintenanceWindow>;

/** How Sluice copies a cluster. */
const runCluster = z.strictObject({
  /** Source of staging: a clone of the volume, or a cluster snapshot. */
  staging: z.enum(["clone", "snapshot"]),
  /** Kind of the final backup, where it is not a moment. */
  backup: z.enum(["clone", "snapshot"]),
  /** Identifiers of the cluster's instances; absent: they begin with the cluster's identifier. */
  members: z.array(z.string()).optional(),
});

export type RunCluster = z.infer<typeof runCluster>;

/** A database of the deployment, with its own settings. */
const runDatabase = z.strictObject({
  /** Name of the database in an execution's input and in CloudWatch's metrics; unique in the deployment. */
  label: z.string().min(1),
  /** Identifier of the production instance or cluster. */
  instance: z.string().min(1),
  /** Present for a cluster. */
  cluster: runCluster.optional(),
  /** Database in that instance. */
  database: z.string().min(1),
  /** ARN of the secret with username and password; absent where the adapter connects in another way. */
  secretArn: z.string().optional(),
  /** Role that logs in with an IAM token, where there is no secret. */
  iamUser: z.string().optional(),
  /** Application roles in addition to the plan's. */
  applicationRoles: z.array(z.string()),
  applicationUrl: z.url().optional(),
  alarms: z.array(z.string()),
});

export type RunDatabase = z.infer<typeof runDatabase>;

/** Settings that all databases of the deployment share. */
const common = z.strictObject({
  fence: z.enum(["connect", "none"]),
  rehearse: z.enum(["before", "inside"]),
  /** False: production is never restored; absent: it may be, after a Go. */
  restore: z.literal(false).optional(),
  /** How production is backed up; absent: to a moment where its automated backups allow that, else by a snapshot. */
  backup: z.enum(BACKUP_KINDS).optional(),
  /** True: a snapshot is taken after the opening and kept. */
  snapshotAfterOpening: z.literal(true).optional(),
  /** Days that snapshots are kept. */
  retentionDays: z.number().int().positive(),
  /** The organization's own tags, for everything that a run creates in RDS. */
  tags: z.record(z.string(), z.string()).optional(),
  /** Region that the final snapshot is also copied to; absent: no copy. */
  copyTo: z.strictObject({ region: z.string(), kmsKeyArn: z.string().optional() }).optional(),
  exportTo: z.strictObject({ bucket: z.string(), kmsKeyArn: z.string() }).optional(),
  /** Address of the gate pages, without a trailing slash. */
  gateUrl: z.string(),
  /** True: the person who started a run may not give the Go for production. */
  separateApprover: z.boolean(),
  /** Present: a copy of this database stands for production; null: the plan's baseline stands for it. */
  copyOf: z.string().nullable().optional(),
  /** How copies of the database are made, where RDS does not make them, and notes about them for people. */
  copies: z.strictObject({ how: z.enum(["physical", "dump"]), notes: z.array(z.string()) }).optional(),
  /** True: a Go requires the database's name at every gate; absent: only where it leads to a change of production. */
  nameAtEveryGate: z.boolean().optional(),
  /** People who may decide, each with a personal link; absent: everyone with the shared link may decide. */
  people: z
    .strictObject({ approvers: z.array(person).min(1), escalation: z.array(person).min(1) })
    .optional(),
  /** Absent: a run may be started at any time. */
  maintenanceWindow: maintenanceWindow.optional(),
  /** Contacts, shown on gate pages and in messages. */
  contacts: z.array(z.strictObject({ role: z.string(), name: z.string() })),
  /** Milliseconds that a step waits for a lock before it gives way to the application and retries. */
  lockTimeoutMs: z.number().int().positive(),
  /** How often a step is retried after it gave way. */
  lockTries: z.number().int().positive(),
  /** Milliseconds an index build may wait for older transactions before its step fails with their names. */
  concurrentWaitMs: z.number().int().positive(),
});

/** Settings of one run: those of the deployment and of the run's database. */
export type RunSettings = z.infer<typeof common> & RunDatabase;

/** Settings of the deployment; the stack ships them with the handlers. */
export const deployed = common.extend({ databases: z.array(runDatabase).min(1) });

export type Deployed = z.infer<typeof deployed>;

function isTimeZone(name: string): boolean {
  try {
    // An offset such as +01:00 has no daylight saving time, so names only.
    return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

// A run's database and settings are fixed at admission and stored in its request. Everything later in the run uses them,
// also code that was deployed since: the gate pages, the clean-up, the watch. A new setting must therefore be optional,
// or have a default for older runs.

/** Returns the unambiguous name `instance/database`. */
export function fullName({ instance, database }: Pick<RunDatabase, "instance" | "database">): string {
  return `${instance}/${database}`;
}

/**
 * Returns the name that people see and type at a gate: the instance's identifier, or the full name where the deployment
 * has several databases of that instance.
 */
export function knownAs(of: Pick<RunDatabase, "label" | "instance" | "database">): string {
  return of.label === fullName(of) ? of.label : of.instance;
}

/**
 * Returns the database that an execution's input names. A deployment of one database needs no name.
 * @throws SluiceError RequestInvalid with a list of the deployment's databases
 */
export function chosen<D extends Pick<RunDatabase, "instance" | "database">>(
  list: readonly D[],
  named: string | undefined,
): D {
  const [only, ...others] = list;
  const refuse = (what: string) =>
    new SluiceError(
      ErrorName.RequestInvalid,
      `${what} Give "database" in the execution's input, as ${list.length === 1 ? "" : "one of "}${list.map(fullName).join(", ")}. The instance's or the database's name alone is enough where it is unique.`,
    );
  if (named === undefined) {
    if (only && others.length === 0) return only;
    throw refuse(`This deployment has ${list.length} databases, and the input names none of them.`);
  }
  // A full name is unique: an instance's identifier has no slash, though a database's name may.
  const inFull = list.filter((one) => fullName(one) === named);
  const found =
    inFull.length > 0 ? inFull : list.filter((one) => [one.instance, one.database].includes(named));
  const [match, ...more] = found;
  if (match && more.length === 0) return match;
  throw refuse(
    match
      ? `"${named}" may be ${found.map(fullName).join(" or ")}.`
      : `This deployment has no database "${named}".`,
  );
}

/**
 * Returns the environment for the run of that request. Without a request, or where the deployment lacks the run's
 * database, the environment has no database. Using it then throws; the clean-up can still release most of what a run holds.
 */
export function ofItsDatabase<W extends { choice?: Choice<object> }>(
  environment: W,
  request: Pick<RequestDoc, "instance" | "database" | "settings"> | undefined,
): W {
  if (!request) return environment;
  const { choice } = environment;
  if (!choice) return environment;
  const settings = request.settings ?? settingsByName(choice, request);
  // A prototype: copying would create ports that this run does not need.
  return settings
    ? Object.create(environment, Object.getOwnPropertyDescriptors(choice.of(settings)))
    : environment;
}

/** Evidence of older runs has only the names. */
function settingsByName(
  { list, settingsOf }: Choice<object>,
  { instance, database }: Pick<RequestDoc, "instance" | "database">,
): RunSettings | undefined {
  const found = list.find((one) => one.instance === instance && one.database === database);
  return found && settingsOf(found);
}

/** Returns the settings of a run of that database. */
export function settingsOf({ databases: _, ...common }: Deployed, database: RunDatabase): RunSettings {
  return { ...common, ...database };
}

/** Returns the settings before a run is bound to a database: only the shared ones can be read. */
export function settingsOfNone({ databases, ...common }: Deployed): RunSettings {
  const refuse = (): never => {
    throw new SluiceError(
      ErrorName.RequestInvalid,
      `This deployment does not have this run's database. It has ${databases.map(fullName).join(", ")}.`,
    );
  };
  const own = { get: refuse, enumerable: true };
  const fields: Readonly<Record<keyof RunDatabase, PropertyDescriptor>> = {
    label: own,
    instance: own,
    cluster: own,
    database: own,
    secretArn: own,
    iamUser: own,
    applicationRoles: own,
    applicationUrl: own,
    alarms: own,
  };
  return Object.defineProperties({ ...common } as RunSettings, fields);
}
