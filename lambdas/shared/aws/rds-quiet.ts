import {
  CreateDBClusterParameterGroupCommand,
  CreateDBParameterGroupCommand,
  type DBInstance,
  DeleteDBClusterParameterGroupCommand,
  DeleteDBParameterGroupCommand,
  DescribeDBClusterParameterGroupsCommand,
  DescribeDBParameterGroupsCommand,
  ModifyDBClusterParameterGroupCommand,
  ModifyDBInstanceCommand,
  ModifyDBParameterGroupCommand,
  type Parameter,
  paginateDescribeDBClusterParameters,
  paginateDescribeDBParameters,
  type RDSClient,
} from "@aws-sdk/client-rds";
import { awsErrorName, ErrorName, SluiceError } from "../errors.ts";
import { QUIET_PREFIX } from "../names.ts";
import type { Tags } from "../ports.ts";
import { ACTING_LIBRARIES } from "../quiet.ts";
import { attempt, look, refusal, tagList } from "./rds-calls.ts";
import { reboot } from "./rds-modify.ts";
import { instanceStatus } from "./rds-status.ts";

// A snapshot is the whole volume, with subscriptions, scheduled jobs and maintenance. They must be stopped from the
// instance's first start, so Sluice makes a parameter group: production's values, plus those that stop them.

/** RDS names its default groups by their family, and lists one only after an instance used it. */
const DEFAULT_GROUP = /^default\.(.+)$/;

/** RDS's limit for one call. */
const AT_ONCE = 20;

/** Subscriptions work only with these workers. The parameter is static in every version. */
const WORKERS = "max_logical_replication_workers";

/** Parameter groups of instances or of clusters. The two kinds have separate namespaces, so names may coincide. */
export interface GroupKind {
  /** The kind's name for people. */
  what: string;
  /** True where this group must turn subscriptions' workers off; false where another kind does that for the same instance. */
  stopsWorkers: boolean;
  family(client: RDSClient, group: string): Promise<string | undefined>;
  create(client: RDSClient, group: string, family: string, description: string, tags: Tags): Promise<unknown>;
  pages(client: RDSClient, group: string): AsyncIterable<{ Parameters?: Parameter[] | undefined }>;
  modify(client: RDSClient, group: string, parameters: Parameter[]): Promise<unknown>;
  remove(client: RDSClient, group: string): Promise<unknown>;
}

export const INSTANCE_GROUPS: GroupKind = {
  what: "parameter group",
  stopsWorkers: true,
  family: async (client, group) => {
    const found = await client.send(new DescribeDBParameterGroupsCommand({ DBParameterGroupName: group }));
    return found.DBParameterGroups?.[0]?.DBParameterGroupFamily;
  },
  create: (client, group, family, description, tags) =>
    client.send(
      new CreateDBParameterGroupCommand({
        DBParameterGroupName: group,
        DBParameterGroupFamily: family,
        Description: description,
        Tags: tagList(tags),
      }),
    ),
  pages: (client, group) => paginateDescribeDBParameters({ client }, { DBParameterGroupName: group }),
  modify: (client, group, parameters) =>
    client.send(new ModifyDBParameterGroupCommand({ DBParameterGroupName: group, Parameters: parameters })),
  remove: (client, group) => client.send(new DeleteDBParameterGroupCommand({ DBParameterGroupName: group })),
};

export const CLUSTER_GROUPS: GroupKind = {
  what: "cluster parameter group",
  stopsWorkers: true,
  family: async (client, group) => {
    const found = await client.send(
      new DescribeDBClusterParameterGroupsCommand({ DBClusterParameterGroupName: group }),
    );
    return found.DBClusterParameterGroups?.[0]?.DBParameterGroupFamily;
  },
  create: (client, group, family, description, tags) =>
    client.send(
      new CreateDBClusterParameterGroupCommand({
        DBClusterParameterGroupName: group,
        DBParameterGroupFamily: family,
        Description: description,
        Tags: tagList(tags),
      }),
    ),
  pages: (client, group) =>
    paginateDescribeDBClusterParameters({ client }, { DBClusterParameterGroupName: group }),
  modify: (client, group, parameters) =>
    client.send(
      new ModifyDBClusterParameterGroupCommand({
        DBClusterParameterGroupName: group,
        Parameters: parameters,
      }),
    ),
  remove: (client, group) =>
    client.send(new DeleteDBClusterParameterGroupCommand({ DBClusterParameterGroupName: group })),
};

/** Groups of an instance in a cluster. The cluster's group has most of its parameters. */
export const MEMBER_GROUPS: GroupKind = { ...INSTANCE_GROUPS, stopsWorkers: false };

/**
 * Creates the quiet group and sets its parameters. True when RDS shows all of them: only then may an instance use it.
 * @param from production's group
 */
export async function quietGroup(
  client: RDSClient,
  kind: GroupKind,
  group: string,
  from: string,
  tags: Tags,
): Promise<boolean> {
  if (!(await familyOf(client, kind, group))) {
    const family = (await familyOf(client, kind, from)) ?? DEFAULT_GROUP.exec(from)?.[1];
    if (!family)
      throw new SluiceError(
        ErrorName.FleetFailed,
        `The ${kind.what} ${from} that production uses does not exist. Create it again, or give production another.`,
      );
    const description = `Sluice: as ${from}, with subscriptions and scheduled jobs kept still`.slice(0, 255);
    await attempt(`create ${kind.what} ${group}`, ["DBParameterGroupAlreadyExists"], () =>
      kind.create(client, group, family, description, tags),
    );
    return false;
  }
  const wanted = quieted(await parametersOf(client, kind, from), kind.stopsWorkers);
  const there = new Map(
    (await parametersOf(client, kind, group)).map(({ ParameterName, ParameterValue }) => [
      ParameterName,
      ParameterValue,
    ]),
  );
  const missing = wanted.filter(
    ({ ParameterName, ParameterValue }) => there.get(ParameterName) !== ParameterValue,
  );
  for (let first = 0; first < missing.length; first += AT_ONCE)
    await attempt(`set parameters of ${group}`, [], () =>
      kind.modify(client, group, missing.slice(first, first + AT_ONCE)),
    );
  return missing.length === 0;
}

/** Returns the group's values: production's own, and those that stop subscriptions and jobs. */
export function quieted(parameters: readonly Parameter[], stopsWorkers: boolean): Parameter[] {
  const byName = new Map(parameters.map((parameter) => [parameter.ParameterName ?? "", parameter]));
  const wanted = new Map<string, string>();
  for (const { ParameterName: name = "", ParameterValue: value, Source, IsModifiable } of parameters)
    if (Source === "user" && IsModifiable !== false && value !== undefined) wanted.set(name, value);
  const set = (name: string, value: string): boolean => {
    if (byName.get(name)?.IsModifiable === false || !byName.has(name)) return false;
    wanted.set(name, value);
    return true;
  };
  // Where RDS refuses it the run ends, as the copy would take over production's subscriptions.
  if (stopsWorkers) wanted.set(WORKERS, "0");
  else set(WORKERS, "0");
  const launch = "cron.launch_active_jobs";
  const offSwitch = byName.get(launch)?.AllowedValues?.includes("off") === false ? "0" : "off";
  // Families without the switch start pg_cron by its library, so it is not loaded.
  const acting = set(launch, offSwitch) ? ACTING_LIBRARIES : [...ACTING_LIBRARIES, "pg_cron"];
  const preloaded = byName.get("shared_preload_libraries")?.ParameterValue;
  if (preloaded !== undefined) {
    const libraries = preloaded.split(",").map((library) => library.trim());
    const still = libraries.filter((library) => !acting.includes(library));
    if (still.length < libraries.length) set("shared_preload_libraries", still.join(","));
  }
  return [...wanted].map(([ParameterName, ParameterValue]) => ({
    ParameterName,
    ParameterValue,
    ApplyMethod:
      ParameterName === WORKERS || byName.get(ParameterName)?.ApplyType === "static"
        ? "pending-reboot"
        : "immediate",
  }));
}

/** Gives a running instance the group. True when the group is in force; otherwise call again. */
export async function quietenInstance(
  client: RDSClient,
  instance: string,
  group: string,
  db: DBInstance,
): Promise<boolean> {
  const own = db.DBParameterGroups?.[0];
  if (own?.DBParameterGroupName !== group) {
    await attempt(`give ${instance} the parameter group ${group}`, [], () =>
      client.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: instance,
          DBParameterGroupName: group,
          ApplyImmediately: true,
        }),
      ),
    );
    return false;
  }
  if (own.ParameterApplyStatus === "pending-reboot") await reboot(client, instance);
  return own.ParameterApplyStatus === "in-sync" && instanceStatus(db.DBInstanceStatus ?? "") === "available";
}

/** Deletes the group. True when it does not exist (any more); false while an instance uses it. */
export async function deleteQuietGroup(client: RDSClient, kind: GroupKind, group: string): Promise<boolean> {
  // The IAM policy also forbids deleting any other; this check stops a mistake before the call.
  if (!group.startsWith(QUIET_PREFIX))
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${group} is not Sluice's parameter group: Sluice does not delete it.`,
    );
  return await attempt(`delete ${kind.what} ${group}`, ["DBParameterGroupNotFound"], () =>
    kind.remove(client, group),
  );
}

async function familyOf(client: RDSClient, kind: GroupKind, group: string): Promise<string | undefined> {
  return await look(`describe ${kind.what} ${group}`, "DBParameterGroupNotFound", () =>
    kind.family(client, group),
  );
}

async function parametersOf(client: RDSClient, kind: GroupKind, group: string): Promise<Parameter[]> {
  const found: Parameter[] = [];
  try {
    for await (const { Parameters = [] } of kind.pages(client, group)) found.push(...Parameters);
  } catch (error) {
    if (awsErrorName(error) === "DBParameterGroupNotFound" && DEFAULT_GROUP.test(group)) return [];
    throw refusal(error, `describe the parameters of ${group}`);
  }
  return found;
}
