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
import { ErrorName, SluiceError } from "../errors.ts";
import { QUIET_PREFIX } from "../names.ts";
import type { Tags } from "../ports.ts";
import { ACTING_LIBRARIES } from "../quiet.ts";
import { awsErrorName } from "./error-name.ts";
import { attempt, look, refusal, tagList } from "./rds-calls.ts";
import { reboot } from "./rds-modify.ts";
import { instanceStatus } from "./rds-status.ts";

// A snapshot is the whole volume, with everything that runs by itself: subscriptions, scheduled jobs, maintenance. What
// keeps these still must be in force from the instance's first start, so it is a parameter group, as production's own
// but for that.

/** RDS's own groups are named by their family; it lists one only where an instance had it. */
const DEFAULT_GROUP = /^default\.(.+)$/;

/** RDS takes no more in one call. */
const AT_ONCE = 20;

/** No subscription is at work without them. Static in every version. */
const WORKERS = "max_logical_replication_workers";

/** Parameter groups of one kind: of instances, or of clusters. The two have names of their own, and may be called the same. */
export interface GroupKind {
  /** As people read it. */
  what: string;
  /** Whether it must turn off what subscriptions work by, or another kind does that for the same instance. */
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

/** Of an instance in a cluster: the cluster's group has most of its parameters. */
export const MEMBER_GROUPS: GroupKind = { ...INSTANCE_GROUPS, stopsWorkers: false };

/**
 * Makes sure that the group is there and keeps an instance still. True when RDS shows all of it: only then is it used.
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
        `There is no ${kind.what} ${from}, which production uses: create it again, or give production another.`,
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

/** What the group must hold: production's own values, and those that keep still. */
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
  // RDS refuses it where it cannot be set, and that ends the run: a copy would take over production's subscriptions.
  if (stopsWorkers) wanted.set(WORKERS, "0");
  else set(WORKERS, "0");
  const launch = "cron.launch_active_jobs";
  const offSwitch = byName.get(launch)?.AllowedValues?.includes("off") === false ? "0" : "off";
  // Families that do not offer the switch load pg_cron by the library alone.
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

/** Gives a running instance the group. True when it is in force; call again while it is not. */
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

/** True when there is no such group (any more); false while an instance uses it. */
export async function deleteQuietGroup(client: RDSClient, kind: GroupKind, group: string): Promise<boolean> {
  // No policy lets us delete any other; a mistake of ours should not even ask.
  if (!group.startsWith(QUIET_PREFIX))
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${group} is no parameter group of Sluice's: it is not deleted.`,
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
