import type { RequestDoc } from "./documents.ts";
import { ErrorName, SluiceError } from "./errors.ts";
import type { Choice } from "./ports.ts";
import type { Deployed, RunDatabase, RunSettings } from "./settings.ts";

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
  world: W,
  request: Pick<RequestDoc, "instance" | "database" | "settings"> | undefined,
): W {
  if (!request) return world;
  const { choice } = world;
  if (!choice) return world;
  const settings = request.settings ?? settingsByName(choice, request);
  // Not a copy: that would make ports that are not needed.
  return settings ? Object.create(world, Object.getOwnPropertyDescriptors(choice.of(settings))) : world;
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
