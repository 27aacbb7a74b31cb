import { createHash } from "node:crypto";
import * as z from "zod";
import { nameProblem, samePerson } from "../lambdas/gate/names.ts";
import { line } from "../lambdas/gate/said.ts";
import {
  BACKUP_KINDS,
  type Deployed,
  maintenanceWindow,
  type RunCluster,
  type RunDatabase,
} from "../lambdas/shared/settings.ts";
import { identifier } from "./database-identifier.ts";
import { keyPath } from "./plan/plan-error.ts";

/** Key of the settings in the CDK context: in cdk.json, or `-c sluice='{...}'`. */
export const SETTINGS_KEY = "sluice";

// CloudWatch keeps logs only for one of these numbers of days. Evidence is kept for as long, so that they match.
const RETENTION_DAYS = [
  30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

const arn = (service: string, example: string) =>
  z.string().regex(new RegExp(`^arn:aws[\\w-]*:${service}:`), `an ARN such as ${example}`);
const id = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}-[0-9a-f]+$`), `an id such as ${prefix}-0123456789abcdef0`);
const key = arn("kms", "arn:aws:kms:eu-central-1:123456789012:key/...");

/** An address that gets the common link; or a person, who gets their own link and is identified by it. */
const asked = z.union([z.email(), z.strictObject({ name: line(100), email: z.email() })], {
  error: "an e-mail address, or a name and an e-mail address",
});

export type Asked = z.infer<typeof asked>;
export type Person = Exclude<Asked, string>;

const listOfAsked = z
  .array(asked)
  .min(1)
  .superRefine((list, context) => {
    const people = list.filter((one) => typeof one !== "string");
    const refuse = (message: string) => context.addIssue({ code: "custom", message });
    if (people.length > 0 && people.length < list.length)
      refuse("give each a name, or none: the common link does not identify its user");
    people.forEach(({ name, email }, i) => {
      const problem = nameProblem(name);
      if (problem !== undefined) refuse(`${JSON.stringify(name)}: ${problem}`);
      const before = people.slice(0, i);
      const alike = before.find((other) => samePerson(other.name, name));
      if (alike) refuse(`${name} and ${alike.name} cannot be told apart by their names`);
      if (before.some((other) => other.email.toLowerCase() === email.toLowerCase()))
        refuse(`${email} is there twice, but each needs their own mail`);
    });
  });

/** The person as the functions identify them: without the address. */
export function personOf({ name, email }: Person): { id: string; name: string } {
  return { id: createHash("sha256").update(email.toLowerCase()).digest("hex").slice(0, 16), name };
}

const login = {
  /** Secret (JSON) with username and password of the migrating role; RDS may manage it. */
  secretArn: arn("secretsmanager", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:...").optional(),
  /** Instead of a secret: the migrating role, which has rds_iam and logs in with an IAM token. */
  iamUser: z.string().min(1).max(63).optional(),
  /** Key of that secret, if not the account's default one. */
  secretKmsKeyArn: key.optional(),
};

const STAGING_FROM = ["clone", "snapshot"] as const;

const databaseFields = {
  /** Identifier of the production instance. */
  instance: identifier("instance").optional(),
  /** Instead: identifier of the cluster, Aurora PostgreSQL or Multi-AZ. */
  cluster: identifier("cluster").optional(),
  /** For a cluster: what staging is made from. A clone of the volume takes minutes at any size; a snapshot also tests a backup. */
  staging: z.enum(STAGING_FROM).optional(),
  /** For a cluster: identifiers of all its instances, if they do not begin with the cluster's own and a hyphen. */
  members: z.array(identifier("instance")).min(1).optional(),
  /** Database in that instance. */
  name: z
    .string()
    .min(1)
    .refine(
      (name) => name !== "postgres_limitless",
      "belongs to an Aurora PostgreSQL Limitless Database, which Sluice does not migrate",
    ),
  ...login,
  /** Key that encrypts the instance, if not the account's default one. */
  storageKmsKeyArn: key.optional(),
  /** PEM file of further certificate authorities that verify the database; see docs/deploying.md. */
  caBundle: z.string().min(1).optional(),
};

const application = z.strictObject({
  /** Base address for the plan's hooks and smoke tests. */
  url: z.url({ protocol: /^https?$/ }).optional(),
  /** Database roles of the application, in addition to the plan's. */
  roles: z.array(line(63)).default([]),
});

/** Names of CloudWatch alarms to silence while the application is down. */
const alarms = z.array(z.string().min(1));

/** Reported together with all other mistakes: Zod skips a check if anything else is wrong. */
const NAMED = {
  path: ["instance"],
  message: "is missing",
  when: () => true,
};

function isNamed({ instance, cluster }: { instance?: unknown; cluster?: unknown }): boolean {
  return instance !== undefined || cluster !== undefined;
}

const database = z.strictObject(databaseFields).refine(isNamed, NAMED).superRefine(refuseDatabase);

/** One of several databases. Settings that differ between them may be in it, and then hold for it alone. */
const oneOfSeveral = z
  .strictObject({ ...databaseFields, application: application.optional(), alarms: alarms.optional() })
  .refine(isNamed, NAMED)
  .superRefine(refuseDatabase);

type Given = z.infer<typeof oneOfSeveral>;

const LIST = "a list of at least one database";

/** A database for runs, with all settings of its own. */
export type Database = Omit<
  Given,
  "application" | "alarms" | "instance" | "cluster" | "staging" | "members"
> & {
  /** Identifier of the production instance, or of the cluster. */
  instance: string;
  /** Present for a cluster. */
  cluster?: RunCluster | undefined;
  /** Its name in an execution's input, and in CloudWatch's metrics; unique in the deployment. */
  label: string;
  application: z.infer<typeof application>;
  alarms: string[];
};

function refuseDatabase(
  {
    instance,
    cluster,
    staging,
    members,
    secretArn,
    iamUser,
    secretKmsKeyArn,
  }: z.infer<z.ZodObject<typeof databaseFields>>,
  context: z.core.$RefinementCtx,
): void {
  const refuse = (key: string, message: string) => context.addIssue({ code: "custom", path: [key], message });
  if (instance !== undefined && cluster !== undefined)
    refuse("cluster", "does not go with instance: an instance in a cluster belongs to the cluster");
  for (const [key, value] of Object.entries({ staging, members }))
    if (cluster === undefined && value !== undefined)
      refuse(key, "is only for clusters: give cluster instead of instance");
  if ((secretArn === undefined) === (iamUser === undefined))
    refuse("secretArn", "give either this or iamUser: how the migrating role logs in");
  if (iamUser !== undefined && secretKmsKeyArn !== undefined)
    refuse("secretKmsKeyArn", "does not go with iamUser: there is no secret");
}

const network = z
  .strictObject({
    vpcId: id("vpc"),
    availabilityZones: z.array(z.string()).min(1).optional(),
    /** One in each of the zones, in the same order. */
    subnetIds: z.array(id("subnet")).min(1).optional(),
    /** Instead of zones and subnets: CDK looks up the VPC's in that account, and notes them in cdk.context.json. */
    lookUp: z
      .strictObject({
        account: z.string().regex(/^\d{12}$/, "an account of 12 digits"),
        region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "a Region such as eu-central-1"),
        subnets: z.enum(["private", "isolated"]).default("private"),
      })
      .optional(),
    /** The database's security group must let this one in. */
    securityGroupId: id("sg"),
    /** Creates VPC endpoints for those services, for the subnets' route tables. Left out: the services are reached already. */
    endpoints: z.strictObject({ routeTableIds: z.array(id("rtb")).min(1) }).optional(),
  })
  .superRefine(({ lookUp, availabilityZones: zones, subnetIds: subnets }, context) => {
    const refuse = (message: string) => context.addIssue({ code: "custom", path: ["subnetIds"], message });
    const given = [zones, subnets].filter((list) => list !== undefined).length;
    if (given !== (lookUp ? 0 : 2)) refuse("give either availabilityZones and this, or lookUp");
    else if (zones?.length !== subnets?.length)
      refuse("needs one subnet for each of availabilityZones, in the same order");
  });

// Together with the tags that a run adds (lambdas/shared/names.ts) there are never more than RDS allows.
const MOST_TAGS = 50 - 3;
const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const TAG_RULE = "letters, digits, spaces and _ . : / = + - @";

const tags = z
  .record(
    z
      .string()
      .min(1)
      .max(128)
      .regex(TAG_TEXT, `a tag's key may have ${TAG_RULE}`)
      .refine((key) => !/^(aws|rds|sluice):/i.test(key), "begins like tags of AWS or of Sluice itself"),
    z.string().max(256).regex(TAG_TEXT, `a tag's value may have ${TAG_RULE}`),
  )
  .refine((tags) => Object.keys(tags).length <= MOST_TAGS, `at most ${MOST_TAGS}: a run adds its own`)
  .default({});

/** A clone is another kind of snapshot, which only clusters have. */
const BACKUP_GIVEN = [...BACKUP_KINDS, "clone"] as const;
const BACKUP_BY = `one of ${BACKUP_GIVEN.join(", ")}`;

/** How production is backed up within the downtime, and where the final snapshot also goes. */
const backup = z
  .strictObject({
    /** What a restore goes back to. Left out: a moment if the instance's backups allow it, otherwise a snapshot. */
    by: z.enum(BACKUP_GIVEN, { error: BACKUP_BY }).optional(),
    /** Takes a snapshot once the application is in, and keeps it. */
    snapshotAfterOpening: z.boolean().optional(),
    /** A copy in a second Region, with a key of that Region; without a key only an unencrypted snapshot can be copied. */
    copyTo: z
      .strictObject({
        region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "a Region such as eu-west-1"),
        kmsKeyArn: key.optional(),
      })
      .refine(({ region, kmsKeyArn }) => kmsKeyArn === undefined || kmsKeyArn.split(":")[3] === region, {
        path: ["kmsKeyArn"],
        error: "must be of a key in the Region of the copy",
      })
      .optional(),
    /** Its contents as Parquet files in a bucket of the instance's Region, encrypted with that key. */
    exportTo: z
      .strictObject({
        bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "the name of a bucket"),
        kmsKeyArn: key,
      })
      .optional(),
  })
  .superRefine(({ by, copyTo, exportTo }, context) => {
    if (by === "point-in-time" && (copyTo || exportTo))
      context.addIssue({
        code: "custom",
        path: ["by"],
        message: `point-in-time takes no final snapshot, which ${copyTo ? "copyTo" : "exportTo"} needs. Remove one of the two`,
      });
    if (by === "clone" && (copyTo || exportTo))
      context.addIssue({
        code: "custom",
        path: ["by"],
        message: `a clone is no snapshot, which ${copyTo ? "copyTo" : "exportTo"} needs. Write snapshot`,
      });
  });

/** Every setting; docs/deploying.md explains each. */
const fields = z.strictObject({
  /** Folder of the plan, relative to the app's. */
  plan: z.string().min(1).default("sql/knowledge-graph"),
  /** The one database of all runs. */
  database: database.optional(),
  /** Instead: several databases. An execution's input names one of them. */
  databases: z.array(oneOfSeveral, { error: LIST }).min(1, { error: LIST }).optional(),
  /** Name of the CloudFormation stack. Default: made of the first database's instance. */
  stackName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]*$/, "letters, digits and hyphens, a letter first")
    .max(100)
    .optional(),
  /** Network of the functions that use the database: subnets that reach it, and S3, Secrets Manager, SNS and EventBridge. */
  network,
  /** The approvers of each gate: e-mail addresses, or names with e-mail addresses. Each gets its own link. */
  approvers: listOfAsked,
  /** The escalation contacts, for gates that no approver answered in time; with names if the approvers have names. */
  escalation: listOfAsked,
  /** The database's application; with several databases, for those that have none of their own. */
  application: application.prefault({}),
  /** The kind alone, or also where the final snapshot goes, which no run waits for. */
  backup: z.union([z.enum(BACKUP_GIVEN), backup], { error: `${BACKUP_BY}, or keys of its own` }).prefault({}),
  /** Tags that the organization's policies require on everything that a run makes at RDS: staging, snapshots, groups. */
  tags,
  /** Alarms to silence while the application is down; with several databases, for those that have none of their own. */
  alarms: alarms.default([]),
  /** Whether the rehearsal comes before the application is stopped, or inside the downtime. */
  rehearse: z.enum(["before", "inside"]).default("before"),
  /** Whether the application's roles lose CONNECT while the migration runs. */
  fence: z.enum(["connect", "none"]).default("connect"),
  /** Whether a run may replace production by its backup, after a Go. False: nothing may modify production. */
  restore: z.boolean().default(true),
  /** Keeps Lambda workers free for the way back. False if the account's concurrency quota is too small for that. */
  reserveConcurrency: z.boolean().default(true),
  /** Whether the Go for production must come from another person than the one who started the run. */
  separateApprover: z.boolean().default(true),
  /** Runs may start only within it, and its end turns an open gate into a No-Go. Left out: there is none. */
  maintenanceWindow: maintenanceWindow.optional(),
  /** Shown on gate pages and in messages. */
  contacts: z.array(z.strictObject({ role: z.string().min(1), name: z.string().min(1) })).default([]),
  /** Days that evidence, logs and the final snapshot are kept. The snapshot's end is a tag on it; people delete it. */
  retentionDays: z.literal(RETENTION_DAYS, { error: `one of ${RETENTION_DAYS.join(", ")}` }).default(365),
  /**
   * Keeps evidence from being deleted or replaced for so many days, by S3 Object Lock: `governance` stops everyone without
   * the right to bypass it, `compliance` everyone, including the account's root user. Left out: only versions keep it.
   */
  evidenceLock: z
    .strictObject({ mode: z.enum(["governance", "compliance"]), days: z.number().int().min(1).max(3653) })
    .optional(),
  /** Milliseconds that a step waits for a lock, and holds up others, before it gives up and tries again. */
  lockTimeoutMs: z.number().int().min(50).max(60_000).default(2_000),
  /** How often a step is tried again after it gave up. */
  lockTries: z.number().int().min(1).max(1_000).default(30),
  /** Milliseconds that an index build waits for older transactions before its step fails and names them. */
  concurrentWaitMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
});

const checked = fields.superRefine((given, context) => {
  const { approvers, escalation, evidenceLock, retentionDays } = given;
  const refuse = (path: (string | number)[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  if (given.database && given.databases)
    refuse(["databases"], "does not go with database. Move that one into this list");
  if (!given.database && !given.databases) refuse(["database"], "is missing. Give it, or the list databases");
  const all = given.database ? [given.database] : (given.databases ?? []);
  const { by } = backupAs(given.backup);
  if (by === "clone" && all.some(({ cluster }) => cluster === undefined))
    refuse(["backup"], "clone is only for clusters: RDS cannot clone an instance");
  given.databases?.forEach((one, i, all) => {
    // An execution's input is one line of text, and the stack's output lists the names separated by commas.
    if (all.length > 1 && (one.name.includes(",") || !line(100).safeParse(one.name).success))
      refuse(
        ["databases", i, "name"],
        "cannot be given in an execution's input, as it has a comma or an invisible character. Deploy this database on its own",
      );
    const on = identifierOf(one);
    if (all.slice(0, i).some((before) => identifierOf(before) === on && before.name === one.name))
      refuse(["databases", i], `${one.name} on ${on} is there twice`);
    const same = all.slice(0, i).find((before) => identifierOf(before) === on);
    if (
      same &&
      (same.cluster !== one.cluster || same.staging !== one.staging || `${same.members}` !== `${one.members}`)
    )
      refuse(
        ["databases", i],
        `${on} differs from the entry above: cluster, staging and members must be the same`,
      );
  });
  if (typeof approvers[0] !== typeof escalation[0])
    refuse(
      ["escalation"],
      "must have names if the approvers do, and none otherwise: a common link would not identify its user",
    );
  if (evidenceLock && evidenceLock.days > retentionDays)
    refuse(["evidenceLock", "days"], `must be at most retentionDays (${retentionDays})`);
});

type BackupGiven = z.infer<typeof backup>;

function backupAs(given: (typeof BACKUP_GIVEN)[number] | BackupGiven): BackupGiven {
  return typeof given === "string" ? { by: given } : given;
}

/** Settings as read: a list of databases, each with all its settings, even if there is only one. */
export const settings = checked.transform(
  ({ database, databases: several, application, alarms, ...common }) => {
    const given: readonly Given[] = database ? [database] : (several ?? []);
    const [first, ...others] = given;
    // The check has refused it.
    if (!first) return z.NEVER;
    const backup = backupAs(common.backup);
    const whole = ({ cluster, staging = "clone", members, ...one }: Given): Database => ({
      ...one,
      instance: identifierOf({ ...one, cluster }),
      ...(cluster === undefined
        ? {}
        : {
            cluster: {
              staging,
              backup: backup.by === "clone" ? "clone" : "snapshot",
              ...(members && { members }),
            },
          }),
      application: one.application ?? application,
      alarms: one.alarms ?? alarms,
      label: labelOf({ ...one, cluster }, given),
    });
    const databases: [Database, ...Database[]] = [whole(first), ...others.map(whole)];
    return { ...common, backup, databases };
  },
);

function identifierOf({ instance, cluster }: Pick<Given, "instance" | "cluster">): string {
  // The check refuses an entry without either.
  return cluster ?? instance ?? "";
}

/** The identifier, followed by the database's name if the list has several of that instance or cluster. */
function labelOf(one: Pick<Given, "instance" | "cluster" | "name">, all: readonly Given[]): string {
  const id = identifierOf(one);
  return all.filter((other) => identifierOf(other) === id).length > 1 ? `${id}/${one.name}` : id;
}

export type Settings = z.infer<typeof settings>;

/** Settings as people write them. */
export type SettingsGiven = z.input<typeof settings>;

/** Each instance once: it may have several of the databases. */
export function instancesOf(databases: readonly Pick<Database, "instance">[]): string[] {
  return [...new Set(databases.map(({ instance }) => instance))];
}

/** Every mistake in the settings, one per line. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[], where = `key "${SETTINGS_KEY}" of the context in cdk.json`) {
    const count = mistakes.length === 1 ? "One mistake" : `${mistakes.length} mistakes`;
    super(`${count} in the settings (${where}):\n${mistakes.map((line) => `- ${line}`).join("\n")}`);
    this.mistakes = mistakes;
  }
}

/**
 * Reads the settings of a deployment from the CDK context. From `-c` they arrive as text.
 * @param where people find them, if elsewhere
 * @throws SettingsError with every mistake.
 */
export function parseSettings(value: unknown, where?: string): Settings {
  if (value === undefined)
    throw new SettingsError(["there are none. `npx sluice init` writes them, and cdk.json has an example"]);
  const parsed = settings.safeParse(typeof value === "string" ? fromText(value) : value);
  if (parsed.success) return parsed.data;
  throw new SettingsError(toldMistakes(parsed.error), where);
}

/** Every mistake in the settings, a line each, which begins with its place. */
export function mistakesIn(value: unknown): string[] {
  const { error } = settings.safeParse(value);
  return error ? toldMistakes(error) : [];
}

function toldMistakes({ issues }: z.ZodError): string[] {
  return issues
    .flatMap(within)
    .flatMap((issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((name) => `${keyPath([...issue.path, name])}: there is no such setting`)
        : [`${keyPath(issue.path) || "(all of it)"}: ${isMissing(issue) ? "is missing" : issue.message}`],
    );
}

/** For a choice between a word and keys: the mistakes in the given keys. Names and addresses have their own messages. */
function within(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union" || issue.path[0] !== "backup") return [issue];
  const inner = issue.errors.find((all) =>
    all.some(({ path, code }) => path.length > 0 || code === "unrecognized_keys"),
  );
  return inner?.map((one) => ({ ...one, path: [...issue.path, ...one.path] })) ?? [issue];
}

function isMissing(issue: z.core.$ZodIssue): boolean {
  return issue.code === "invalid_type" && issue.message.endsWith("received undefined");
}

/** What the functions get about the deployment, except what is known only once it is deployed. */
export function toDeployed(settings: Settings): Omit<Deployed, "gateUrl"> {
  return {
    databases: settings.databases.map(toRunDatabase),
    fence: settings.fence,
    rehearse: settings.rehearse,
    ...(settings.restore ? {} : { restore: false as const }),
    ...(Object.keys(settings.tags).length === 0 ? {} : { tags: settings.tags }),
    retentionDays: settings.retentionDays,
    ...backupOf(settings),
    separateApprover: settings.separateApprover,
    ...peopleOf(settings),
    ...(settings.maintenanceWindow === undefined ? {} : { maintenanceWindow: settings.maintenanceWindow }),
    contacts: settings.contacts,
    lockTimeoutMs: settings.lockTimeoutMs,
    lockTries: settings.lockTries,
    concurrentWaitMs: settings.concurrentWaitMs,
  };
}

function backupOf({
  backup: { by, snapshotAfterOpening, ...places },
}: Settings): Pick<Deployed, "backup" | "snapshotAfterOpening" | "copyTo" | "exportTo"> {
  return {
    ...(by === undefined ? {} : { backup: by === "clone" ? ("snapshot" as const) : by }),
    ...(snapshotAfterOpening ? { snapshotAfterOpening } : {}),
    ...places,
  };
}

function toRunDatabase({
  label,
  instance,
  cluster,
  name,
  secretArn,
  iamUser,
  application,
  alarms,
}: Database): RunDatabase {
  return {
    label,
    instance,
    ...(cluster === undefined ? {} : { cluster }),
    database: name,
    ...(secretArn === undefined ? {} : { secretArn }),
    ...(iamUser === undefined ? {} : { iamUser }),
    applicationRoles: application.roles,
    ...(application.url === undefined ? {} : { applicationUrl: application.url }),
    alarms,
  };
}

function peopleOf({ approvers, escalation }: Settings): Pick<Deployed, "people"> {
  const named = (list: readonly Asked[]) =>
    list.flatMap((one) => (typeof one === "string" ? [] : [personOf(one)]));
  const people = { approvers: named(approvers), escalation: named(escalation) };
  return people.approvers.length > 0 ? { people } : {};
}

function fromText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SettingsError(["the text given is not JSON"]);
  }
}
