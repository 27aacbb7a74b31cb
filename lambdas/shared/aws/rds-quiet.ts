import {
  CreateDBParameterGroupCommand,
  type DBInstance,
  DeleteDBParameterGroupCommand,
  DescribeDBParameterGroupsCommand,
  ModifyDBInstanceCommand,
  ModifyDBParameterGroupCommand,
  type Parameter,
  paginateDescribeDBParameters,
  type RDSClient,
  RebootDBInstanceCommand,
} from "@aws-sdk/client-rds";
import { ACTING_LIBRARIES } from "../acting-libraries.ts";
import { ErrorName, SluiceError } from "../errors.ts";
import { QUIET_PREFIX } from "../names.ts";
import type { Tags } from "../ports.ts";
import { awsErrorName } from "./error-name.ts";
import { isBusy, refusal } from "./rds-errors.ts";
import { instanceStatus } from "./rds-status.ts";
import { tagList } from "./rds-tags.ts";

// A snapshot is the whole volume, with everything that runs by itself: subscriptions, scheduled jobs, maintenance. What
// keeps these still must be in force from the instance's first start, so it is a parameter group, as production's own
// but for that.

/** RDS's own groups are named by their family; it lists one only where an instance had it. */
const DEFAULT_GROUP = /^default\.(.+)$/;

/** RDS takes no more in one call. */
const AT_ONCE = 20;

/** No subscription is at work without them. Static in every version. */
const WORKERS = "max_logical_replication_workers";

/**
 * Makes sure that the group is there and keeps an instance still. True when RDS shows all of it: only then is it used.
 * @param from production's group
 */
export async function quietGroup(
  client: RDSClient,
  group: string,
  from: string,
  tags: Tags,
): Promise<boolean> {
  if (!(await familyOf(client, group))) {
    const family = (await familyOf(client, from)) ?? DEFAULT_GROUP.exec(from)?.[1];
    if (!family)
      throw new SluiceError(
        ErrorName.FleetFailed,
        `There is no parameter group ${from}, which production uses: create it again, or give production another.`,
      );
    await attempt(`create parameter group ${group}`, ["DBParameterGroupAlreadyExists"], () =>
      client.send(
        new CreateDBParameterGroupCommand({
          DBParameterGroupName: group,
          DBParameterGroupFamily: family,
          Description: `Sluice: as ${from}, with subscriptions and scheduled jobs kept still`.slice(0, 255),
          Tags: tagList(tags),
        }),
      ),
    );
    return false;
  }
  const wanted = quieted(await parametersOf(client, from));
  const there = new Map(
    (await parametersOf(client, group)).map(({ ParameterName, ParameterValue }) => [
      ParameterName,
      ParameterValue,
    ]),
  );
  const missing = wanted.filter(
    ({ ParameterName, ParameterValue }) => there.get(ParameterName) !== ParameterValue,
  );
  for (let first = 0; first < missing.length; first += AT_ONCE)
    await attempt(`set parameters of ${group}`, [], () =>
      client.send(
        new ModifyDBParameterGroupCommand({
          DBParameterGroupName: group,
          Parameters: missing.slice(first, first + AT_ONCE),
        }),
      ),
    );
  return missing.length === 0;
}

/** What the group must hold: production's own values, and those that keep still. */
export function quieted(parameters: readonly Parameter[]): Parameter[] {
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
  wanted.set(WORKERS, "0");
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
  if (own.ParameterApplyStatus === "pending-reboot")
    await attempt(`reboot ${instance}`, [], () =>
      client.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: instance })),
    );
  return own.ParameterApplyStatus === "in-sync" && instanceStatus(db.DBInstanceStatus ?? "") === "available";
}

/** True when there is no such group (any more); false while an instance uses it. */
export async function deleteQuietGroup(client: RDSClient, group: string): Promise<boolean> {
  // No policy lets us delete any other; a mistake of ours should not even ask.
  if (!group.startsWith(QUIET_PREFIX))
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${group} is no parameter group of Sluice's: it is not deleted.`,
    );
  return await attempt(
    `delete parameter group ${group}`,
    ["DBParameterGroupNotFound", "DBParameterGroupNotFoundFault"],
    () => client.send(new DeleteDBParameterGroupCommand({ DBParameterGroupName: group })),
  );
}

async function familyOf(client: RDSClient, group: string): Promise<string | undefined> {
  try {
    const { DBParameterGroups = [] } = await client.send(
      new DescribeDBParameterGroupsCommand({ DBParameterGroupName: group }),
    );
    return DBParameterGroups[0]?.DBParameterGroupFamily;
  } catch (error) {
    if (/^DBParameterGroupNotFound/.test(awsErrorName(error))) return undefined;
    throw refusal(error, `describe parameter group ${group}`);
  }
}

async function parametersOf(client: RDSClient, group: string): Promise<Parameter[]> {
  const found: Parameter[] = [];
  try {
    for await (const { Parameters = [] } of paginateDescribeDBParameters(
      { client },
      { DBParameterGroupName: group },
    ))
      found.push(...Parameters);
  } catch (error) {
    if (/^DBParameterGroupNotFound/.test(awsErrorName(error)) && DEFAULT_GROUP.test(group)) return [];
    throw refusal(error, `describe the parameters of ${group}`);
  }
  return found;
}

/** False where RDS is busy with it. An error named in `done` says that what is asked for is so already. */
async function attempt(
  tried: string,
  done: readonly string[],
  call: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (done.includes(awsErrorName(error))) return true;
    if (isBusy(error) || awsErrorName(error) === "InvalidDBParameterGroupState") return false;
    throw refusal(error, tried);
  }
}
