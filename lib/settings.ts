import { createHash } from "node:crypto";
import * as z from "zod";
import { line } from "../lambdas/gate/said.ts";
import { nameProblem, samePerson } from "../lambdas/gate/names.ts";
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

// CloudWatch keeps logs for one of these numbers of days only; evidence is kept for as long, so that they match.
const RETENTION_DAYS = [
  30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

const arn = (service: string, example: string) =>
  z.string().regex(new RegExp(`^arn:aws[\\w-]*:${service}:`), `an ARN such as ${example}`);
const id = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}-[0-9a-f]+$`), `an id such as ${prefix}-0123456789abcdef0`);
const key = arn("kms", "arn:aws:kms:eu-central-1:123456789012:key/...");

/** An address that gets the link which all get; or a person, who gets one of their own and is known by it. */
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
      refuse("give a name to each, or to none: by a link that all get nobody is known");
    people.forEach(({ name, email }, i) => {
      const problem = nameProblem(name);
      if (problem !== undefined) refuse(`${JSON.stringify(name)}: ${problem}`);
      const before = people.slice(0, i);
      const alike = before.find((other) => samePerson(other.name, name));
      if (alike) refuse(`${name} and ${alike.name} cannot be told apart by their names`);
      if (before.some((other) => other.email.toLowerCase() === email.toLowerCase()))
        refuse(`${email} is there twice: each must get a mail of their own`);
    });
  });

/** By what a person is known to the functions: nothing of the address is in it. */
export function personOf({ name, email }: Person): { id: string; name: string } {
  return { id: createHash("sha256").update(email.toLowerCase()).digest("hex").slice(0, 16), name };
}

const login = {
  /** Secret (JSON) with username and password of the migrating role; one that RDS manages will do. */
  secretArn: arn("secretsmanager", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:...").optional(),
  /** In place of a secret: the migrating role, which was granted rds_iam and logs in with a token of IAM's. */
  iamUser: z.string().min(1).max(63).optional(),
  /** Key of that secret, where it is not the account's default one. */
  secretKmsKeyArn: key.optional(),
};

const STAGING_FROM = ["clone", "snapshot"] as const;

const databaseFields = {
  /** Identifier of the production instance. */
  instance: identifier("instance").optional(),
  /** In its place: identifier of the cluster, of Aurora PostgreSQL or Multi-AZ. */
  cluster: identifier("cluster").optional(),
  /** Of a cluster: what staging is made from. A clone of the volume takes minutes at any size; a snapshot is a backup, and tested. */
  staging: z.enum(STAGING_FROM).optional(),
  /** Of a cluster: identifiers of all its instances, where they do not begin with the cluster's own and a hyphen. */
  members: z.array(identifier("instance")).min(1).optional(),
  /** Database in that instance. */
  name: z
    .string()
    .min(1)
    .refine(
      (name) => name !== "postgres_limitless",
      "is the database of an Aurora PostgreSQL Limitless Database, which Sluice does not migrate",
    ),
  ...login,
  /** Key that the instance is encrypted with, where it is not the account's default one. */
  storageKmsKeyArn: key.optional(),
  /** PEM file of further certificate authorities that may vouch for the database; see docs/deploying.md. */
  caBundle: z.string().min(1).optional(),
};

const application = z.strictObject({
  /** Base address for the plan's hooks and smoke tests. */
  url: z.url({ protocol: /^https?$/ }).optional(),
  /** Database roles of the application, in addition to the plan's. */
  roles: z.array(line(63)).default([]),
});

/** Names of CloudWatch alarms that are silent while the application is down. */
const alarms = z.array(z.string().min(1));

/** Said beside all other mistakes: Zod leaves out a check where anything else is wrong. */
const NAMED = {
  path: ["instance"],
  message: "is missing",
  when: () => true,
};

function isNamed({ instance, cluster }: { instance?: unknown; cluster?: unknown }): boolean {
  return instance !== undefined || cluster !== undefined;
}

const database = z.strictObject(databaseFields).refine(isNamed, NAMED).superRefine(refuseDatabase);

/** One of several: what is not the same for all of them may stand in it, and is then its own alone. */
const oneOfSeveral = z
  .strictObject({ ...databaseFields, application: application.optional(), alarms: alarms.optional() })
  .refine(isNamed, NAMED)
  .superRefine(refuseDatabase);

type Given = z.infer<typeof oneOfSeveral>;

const LIST = "a list of at least one database";

/** A database that runs may be of, with all that is its own. */
export type Database = Omit<
  Given,
  "application" | "alarms" | "instance" | "cluster" | "staging" | "members"
> & {
  /** Identifier of the production instance, or of the cluster. */
  instance: string;
  /** Present where it is a cluster. */
  cluster?: RunCluster | undefined;
  /** What an execution's input names it by, and CloudWatch its metrics; no other of the deployment has it. */
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
    refuse("cluster", "does not go with instance: an instance that is in a cluster is the cluster's");
  for (const [key, value] of Object.entries({ staging, members }))
    if (cluster === undefined && value !== undefined)
      refuse(key, "is of clusters: give cluster in place of instance");
  if ((secretArn === undefined) === (iamUser === undefined))
    refuse("secretArn", "give either this or iamUser: how the migrating role logs in");
  if (iamUser !== undefined && secretKmsKeyArn !== undefined)
    refuse("secretKmsKeyArn", "does not go with iamUser: there is no secret");
}

const network = z
  .strictObject({
    vpcId: id("vpc"),
    availabilityZones: z.array(z.string()).min(1).optional(),
    /** One in each of the zones, in their order. */
    subnetIds: z.array(id("subnet")).min(1).optional(),
    /** In place of zones and subnets: CDK asks that account for the VPC's, and notes them in cdk.context.json. */
    lookUp: z
      .strictObject({
        account: z.string().regex(/^\d{12}$/, "an account of 12 digits"),
        region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "a Region such as eu-central-1"),
        subnets: z.enum(["private", "isolated"]).default("private"),
      })
      .optional(),
    /** The database's security group must let this one in. */
    securityGroupId: id("sg"),
    /** Creates VPC endpoints for those services; the route tables are the subnets'. Left out: they are reached already. */
    endpoints: z.strictObject({ routeTableIds: z.array(id("rtb")).min(1) }).optional(),
  })
  .superRefine(({ lookUp, availabilityZones: zones, subnetIds: subnets }, context) => {
    const refuse = (message: string) => context.addIssue({ code: "custom", path: ["subnetIds"], message });
    const given = [zones, subnets].filter((list) => list !== undefined).length;
    if (given !== (lookUp ? 0 : 2)) refuse("give either availabilityZones and this, or lookUp");
    else if (zones?.length !== subnets?.length)
      refuse("must be as many as availabilityZones, in their order");
  });

// With those that a run adds itself (lambdas/shared/names.ts) there are never more than RDS takes.
const MOST_TAGS = 50 - 3;
const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const TAG_RULE = "letters, digits, spaces and _ . : / = + - @";

const tags = z
  .record(
    z
      .string()
      .min(1)
      .max(128)
      .regex(TAG_TEXT, `a tag's key may hold ${TAG_RULE}`)
      .refine((key) => !/^(aws|rds|sluice):/i.test(key), "begins as tags of AWS or of Sluice itself do"),
    z.string().max(256).regex(TAG_TEXT, `a tag's value may hold ${TAG_RULE}`),
  )
  .refine((tags) => Object.keys(tags).length <= MOST_TAGS, `at most ${MOST_TAGS}: a run adds its own`)
  .default({});

/** A clone is a snapshot of another kind, which clusters alone have. */
const BACKUP_GIVEN = [...BACKUP_KINDS, "clone"] as const;
const BACKUP_BY = `one of ${BACKUP_GIVEN.join(", ")}`;

/** How production is backed up within the downtime, and where the final snapshot goes besides. */
const backup = z
  .strictObject({
    /** What a restore goes back to. Left out: a moment, where the instance's backups allow that, else a snapshot. */
    by: z.enum(BACKUP_GIVEN, { error: BACKUP_BY }).optional(),
    /** Takes a snapshot once the application is in, to be kept. */
    snapshotAfterOpening: z.boolean().optional(),
    /** A copy in a second Region, with a key of that Region; without one only what is not encrypted can be copied. */
    copyTo: z
      .strictObject({
        region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "a Region such as eu-west-1"),
        kmsKeyArn: key.optional(),
      })
      .refine(({ region, kmsKeyArn }) => kmsKeyArn === undefined || kmsKeyArn.split(":")[3] === region, {
        path: ["kmsKeyArn"],
        error: "must be of a key in the Region that is copied to",
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
        message: `point-in-time takes no final snapshot, and ${copyTo ? "copyTo" : "exportTo"} sends that away: take one of the two out`,
      });
    if (by === "clone" && (copyTo || exportTo))
      context.addIssue({
        code: "custom",
        path: ["by"],
        message: `a clone is no snapshot that ${copyTo ? "copyTo" : "exportTo"} could send away: say snapshot`,
      });
  });

/** Every setting there is; docs/deploying.md tells what each is for. */
const fields = z.strictObject({
  /** Folder of the plan, relative to the app's. */
  plan: z.string().min(1).default("sql/knowledge-graph"),
  /** The one database that runs are of. */
  database: database.optional(),
  /** In its place: those of which an execution's input names one. */
  databases: z.array(oneOfSeveral, { error: LIST }).min(1, { error: LIST }).optional(),
  /** Of the CloudFormation stack; after the first database's instance unless told. */
  stackName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]*$/, "letters, digits and hyphens, a letter first")
    .max(100)
    .optional(),
  /** Where functions that talk to the database run: subnets that reach it, and S3, Secrets Manager, SNS and EventBridge. */
  network,
  /** Who is asked at each gate: e-mail addresses, or names with e-mail addresses, each of which gets its own link. */
  approvers: listOfAsked,
  /** Who is asked when no approver answered in time; with names where the approvers have names. */
  escalation: listOfAsked,
  /** Of the database's application; with several databases of those that have none of their own. */
  application: application.prefault({}),
  /** The kind alone, or with where the final snapshot goes besides: no run waits for that. */
  backup: z.union([z.enum(BACKUP_GIVEN), backup], { error: `${BACKUP_BY}, or keys of its own` }).prefault({}),
  /** What the organization's policies demand of all that a run makes at RDS: staging, snapshots, groups. */
  tags,
  /** Silent while the application is down; with several databases those of each that has none of its own. */
  alarms: alarms.default([]),
  /** Whether the rehearsal comes before the application is stopped, or inside the downtime. */
  rehearse: z.enum(["before", "inside"]).default("before"),
  /** Whether the application's roles lose CONNECT while the migration runs. */
  fence: z.enum(["connect", "none"]).default("connect"),
  /** Whether a run may put the snapshot in production's place, where people say Go. False: nothing may modify production. */
  restore: z.boolean().default(true),
  /** Keeps Lambda workers free for the way back. False where the account's quota of them is too small for that. */
  reserveConcurrency: z.boolean().default(true),
  /** The one who started a run may not give the Go for production. */
  separateApprover: z.boolean().default(true),
  /** Runs may not be started outside it, and its end closes an open gate as No-Go. Left out: there is none. */
  maintenanceWindow: maintenanceWindow.optional(),
  /** Shown on gate pages and in messages. */
  contacts: z.array(z.strictObject({ role: z.string().min(1), name: z.string().min(1) })).default([]),
  /** Days that evidence, logs and the final snapshot are kept; the snapshot's end is a tag of it, and people delete it. */
  retentionDays: z.literal(RETENTION_DAYS, { error: `one of ${RETENTION_DAYS.join(", ")}` }).default(365),
  /**
   * Keeps evidence from being deleted or replaced for so many days, by S3 Object Lock: `governance` by all but those who
   * may bypass it, `compliance` by anybody, the account's root user among them. Left out: versions alone keep it.
   */
  evidenceLock: z
    .strictObject({ mode: z.enum(["governance", "compliance"]), days: z.number().int().min(1).max(3653) })
    .optional(),
  /** Milliseconds a step waits for a lock, and holds others up, before it gives way and tries again. */
  lockTimeoutMs: z.number().int().min(50).max(60_000).default(2_000),
  /** How often a step is tried again after it gave way. */
  lockTries: z.number().int().min(1).max(1_000).default(30),
  /** Milliseconds an index build waits for older transactions before its step fails and names them. */
  concurrentWaitMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
});

const checked = fields.superRefine((given, context) => {
  const { approvers, escalation, evidenceLock, retentionDays } = given;
  const refuse = (path: (string | number)[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  if (given.database && given.databases)
    refuse(["databases"], "does not go with database: move that one into this list");
  if (!given.database && !given.databases) refuse(["database"], "is missing: give it, or the list databases");
  const all = given.database ? [given.database] : (given.databases ?? []);
  const { by } = backupAs(given.backup);
  if (by === "clone" && all.some(({ cluster }) => cluster === undefined))
    refuse(["backup"], "clone is of clusters alone: RDS clones no instance");
  given.databases?.forEach((one, i, all) => {
    // An execution's input is a line of text, and the stack's output lists the names with commas between.
    if (all.length > 1 && (one.name.includes(",") || !line(100).safeParse(one.name).success))
      refuse(
        ["databases", i, "name"],
        "cannot be given in an execution's input: it has a comma or a character that cannot be seen. Deploy this database by itself",
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
        `${on} is described in another way than above: cluster, staging and members must be the same`,
      );
  });
  if (typeof approvers[0] !== typeof escalation[0])
    refuse(
      ["escalation"],
      "must have names as the approvers do, or none: otherwise a link of this list could be anybody's",
    );
  if (evidenceLock && evidenceLock.days > retentionDays)
    refuse(["evidenceLock", "days"], `must not be more than retentionDays (${retentionDays})`);
});

type BackupGiven = z.infer<typeof backup>;

function backupAs(given: (typeof BACKUP_GIVEN)[number] | BackupGiven): BackupGiven {
  return typeof given === "string" ? { by: given } : given;
}

/** Settings as they are read: a list of databases, each with all that is its own, also where there is one. */
export const settings = checked.transform(
  ({ database, databases: several, application, alarms, ...common }) => {
    const given: readonly Given[] = database ? [database] : (several ?? []);
    const [first, ...others] = given;
    // Refused by the check.
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
  // One of the two is there, or the check refuses them.
  return cluster ?? instance ?? "";
}

/** The identifier, or with the database's name where more than one of the instance or cluster is in the list. */
function labelOf(one: Pick<Given, "instance" | "cluster" | "name">, all: readonly Given[]): string {
  const id = identifierOf(one);
  return all.filter((other) => identifierOf(other) === id).length > 1 ? `${id}/${one.name}` : id;
}

export type Settings = z.infer<typeof settings>;

/** Settings as people write them. */
export type SettingsGiven = z.input<typeof settings>;

/** Each once: an instance may have several of the databases. */
export function instancesOf(databases: readonly Pick<Database, "instance">[]): string[] {
  return [...new Set(databases.map(({ instance }) => instance))];
}

/** Every mistake in the settings, one a line. */
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
 * The settings of a deployment, from the CDK context. Given with `-c` they arrive as text.
 * @param where people find them, if not there
 * @throws SettingsError with every mistake.
 */
export function parseSettings(value: unknown, where?: string): Settings {
  if (value === undefined)
    throw new SettingsError([
      "there are none: `npx sluice init` writes them, and cdk.json comes with an example",
    ]);
  const parsed = settings.safeParse(typeof value === "string" ? fromText(value) : value);
  if (parsed.success) return parsed.data;
  throw new SettingsError(toldMistakes(parsed.error), where);
}

/** Every mistake in what is to be the settings, a line each, which begins with its place. */
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

/** Of a choice between a word and keys, what is wrong with the keys that were given. Names and addresses have words of their own. */
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

/** What the functions are told of the deployment, but for what is known only once it is deployed. */
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
