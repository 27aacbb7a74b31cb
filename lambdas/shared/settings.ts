import * as z from "zod";
import type { RequestDoc } from "./documents.ts";
import { ErrorName, SluiceError } from "./errors.ts";
import type { Choice } from "./ports.ts";

/** As a calendar's week goes. */
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/**
 * When runs may be under way. It opens on each of the days, by the clock of its zone, for so many hours; openings that
 * meet are one.
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

/** What a restore goes back to: a moment, by automated backups and the WAL, or a snapshot, taken within the downtime. */
export const BACKUP_KINDS = ["point-in-time", "snapshot"] as const;

export type BackupKind = (typeof BACKUP_KINDS)[number];

/** Somebody who is asked by a link of their own. */
const person = z.strictObject({
  /** By which messages find their way. */
  id: z.string().min(1),
  /** The name that their answers have. */
  name: z.string().min(1),
});

export type MaintenanceWindow = z.infer<typeof maintenanceWindow>;

/** How a cluster is copied. */
const runCluster = z.strictObject({
  /** What staging is made from: a clone of the volume, or a cluster snapshot. */
  staging: z.enum(["clone", "snapshot"]),
  /** What the final backup is, where it is not a moment. */
  backup: z.enum(["clone", "snapshot"]),
  /** Identifiers of its instances; absent: they begin with the cluster's own. */
  members: z.array(z.string()).optional(),
});

export type RunCluster = z.infer<typeof runCluster>;

/** A database that a run is of, with what is its own. */
const runDatabase = z.strictObject({
  /** What an execution's input names it by, and CloudWatch its metrics; no other of the deployment has it. */
  label: z.string().min(1),
  /** Identifier of the production instance, or of the cluster. */
  instance: z.string().min(1),
  /** Present where it is a cluster. */
  cluster: runCluster.optional(),
  /** Database in that instance. */
  database: z.string().min(1),
  /** ARN of the secret with username and password; absent where the fleet's adapter knows how to connect. */
  secretArn: z.string().optional(),
  /** Role that logs in with a token of IAM's, where there is no secret. */
  iamUser: z.string().optional(),
  /** In addition to the plan's. */
  applicationRoles: z.array(z.string()),
  applicationUrl: z.url().optional(),
  alarms: z.array(z.string()),
});

export type RunDatabase = z.infer<typeof runDatabase>;

/** What is the same for the runs of every database. */
const common = z.strictObject({
  fence: z.enum(["connect", "none"]),
  rehearse: z.enum(["before", "inside"]),
  /** No snapshot may take production's place; absent: it may, where people say Go. */
  restore: z.literal(false).optional(),
  /** How production is backed up; absent: to the moment where its backups allow that, else by a snapshot. */
  backup: z.enum(BACKUP_KINDS).optional(),
  /** A snapshot is taken after the opening, to be kept. */
  snapshotAfterOpening: z.literal(true).optional(),
  /** Days that a snapshot that is to be kept is kept. */
  retentionDays: z.number().int().positive(),
  /** Of the organization: given to all that a run makes at RDS. */
  tags: z.record(z.string(), z.string()).optional(),
  /** Where the final snapshot goes besides; absent: nowhere. */
  copyTo: z.strictObject({ region: z.string(), kmsKeyArn: z.string().optional() }).optional(),
  exportTo: z.strictObject({ bucket: z.string(), kmsKeyArn: z.string() }).optional(),
  /** Where gate pages are served, without a trailing slash. */
  gateUrl: z.string(),
  /** The one who started a run may not give the Go for production. */
  separateApprover: z.boolean(),
  /** A copy stands for production: of that database or, where null, of none but the plan's baseline. */
  copyOf: z.string().nullable().optional(),
  /** How copies of the database are made where not as the fleet makes its own, and what is to be said of them. */
  copies: z.strictObject({ how: z.enum(["physical", "dump"]), notes: z.array(z.string()) }).optional(),
  /** A Go takes the database's name at every gate; absent: where it leads to a change of production. */
  nameAtEveryGate: z.boolean().optional(),
  /** Who may decide, each by a link of their own; absent: whoever has the one link that all get. */
  people: z
    .strictObject({ approvers: z.array(person).min(1), escalation: z.array(person).min(1) })
    .optional(),
  /** Absent: a run may be started at any time. */
  maintenanceWindow: maintenanceWindow.optional(),
  /** Contacts, shown on gate pages and in messages. */
  contacts: z.array(z.strictObject({ role: z.string(), name: z.string() })),
  /** Milliseconds a step waits for a lock before it gives way to the application and tries again. */
  lockTimeoutMs: z.number().int().positive(),
  /** How often a step is tried again after it gave way. */
  lockTries: z.number().int().positive(),
  /** Milliseconds an index build may wait for older transactions before its step fails with their names. */
  concurrentWaitMs: z.number().int().positive(),
});

/** What a run knows of its deployment and of the one database that it is of. */
export type RunSettings = z.infer<typeof common> & RunDatabase;

/** What handlers know of the deployment; shipped with them by the stack. */
export const deployed = common.extend({ databases: z.array(runDatabase).min(1) });

export type Deployed = z.infer<typeof deployed>;

function isTimeZone(name: string): boolean {
  try {
    // An offset such as +01:00 knows no summer time.
    return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

// A run's database and its settings are settled when it is admitted, and stand in its request. Whatever is done for the
// run later is done by them, also by what is deployed since: the gates' pages, the clean-up, the watch. A setting that is
// added must be optional for that, or have a value where an older run's has none.

/** In full, as it is clear in any list. */
export function fullName({ instance, database }: Pick<RunDatabase, "instance" | "database">): string {
  return `${instance}/${database}`;
}

/**
 * What people know it by, and type at a gate: the instance's identifier, and in full where the deployment has several
 * databases of that instance.
 */
export function knownAs(of: Pick<RunDatabase, "label" | "instance" | "database">): string {
  return of.label === fullName(of) ? of.label : of.instance;
}

/**
 * The database that an execution's input names; where there is but one it need not.
 * @throws SluiceError RequestInvalid with those that there are
 */
export function chosen<D extends Pick<RunDatabase, "instance" | "database">>(
  list: readonly D[],
  named: string | undefined,
): D {
  const [only, ...others] = list;
  const refuse = (what: string) =>
    new SluiceError(
      ErrorName.RequestInvalid,
      `${what} Give "database" in the execution's input, as ${list.length === 1 ? "" : "one of "}${list.map(fullName).join(", ")}. The instance's or the database's name alone will do where only one has it.`,
    );
  if (named === undefined) {
    if (only && others.length === 0) return only;
    throw refuse(`This deployment has ${list.length} databases, and the input names none.`);
  }
  // A name in full is one database's alone: no instance's identifier has a slash, though a database's name may.
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
 * The world as the run of that request sees it. Without a request, or where the run's database is none of the
 * deployment's, nothing of a database is known: what is wrong is said when it is asked for, as giving back most of what
 * a run holds does not take it.
 */
export function ofItsDatabase<W extends { choice?: Choice<object> }>(
  environment: W,
  request: Pick<RequestDoc, "instance" | "database" | "settings"> | undefined,
): W {
  if (!request) return environment;
  const { choice } = environment;
  if (!choice) return environment;
  const settings = request.settings ?? settingsByName(choice, request);
  // Not a copy: that would make ports that are not needed.
  return settings
    ? Object.create(environment, Object.getOwnPropertyDescriptors(choice.of(settings)))
    : environment;
}

/** Evidence of older runs has the names alone. */
function settingsByName(
  { list, settingsOf }: Choice<object>,
  { instance, database }: Pick<RequestDoc, "instance" | "database">,
): RunSettings | undefined {
  const found = list.find((one) => one.instance === instance && one.database === database);
  return found && settingsOf(found);
}

/** As a run of that database has them. */
export function settingsOf({ databases: _, ...common }: Deployed, database: RunDatabase): RunSettings {
  return { ...common, ...database };
}

/** As long as a run is bound to none: what is the same for all is there. */
export function settingsOfNone({ databases, ...common }: Deployed): RunSettings {
  const refuse = (): never => {
    throw new SluiceError(
      ErrorName.RequestInvalid,
      `This run is of no database that this deployment has: it has ${databases.map(fullName).join(", ")}.`,
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
