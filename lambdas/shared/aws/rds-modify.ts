import {
  ModifyDBInstanceCommand,
  type RDSClient,
  RebootDBClusterCommand,
  RebootDBInstanceCommand,
} from "@aws-sdk/client-rds";
import { messageOf, SluiceError } from "../errors.ts";
import type { RestoreBegun, RestorePurpose } from "../ports.ts";
import { awsErrorName } from "./error-name.ts";
import { attempt, isBusy, refusal } from "./rds-calls.ts";
import type { Changes } from "./rds-restore.ts";

/** Settings that are given together. */
export interface Part<C> {
  what: string;
  keys: readonly (keyof C)[];
}

/** How changes of something are asked for. */
export interface Modifying<C> {
  /** Likeliest to be refused first. */
  parts: readonly Part<C>[];
  /** Without these staging is not what it must be: a run does not go on with it. */
  stagingNeeds: readonly (keyof C)[];
  send(changes: Partial<C>): Promise<unknown>;
}

export const INSTANCE_PARTS: readonly Part<Changes>[] = [
  { what: "storage autoscaling", keys: ["MaxAllocatedStorage"] },
  {
    what: "Performance Insights",
    keys: [
      "EnablePerformanceInsights",
      "PerformanceInsightsRetentionPeriod",
      "PerformanceInsightsKMSKeyId",
      "DatabaseInsightsMode",
    ],
  },
  { what: "monitoring", keys: ["MonitoringInterval", "MonitoringRoleArn"] },
  { what: "the managed master password", keys: ["ManageMasterUserPassword", "MasterUserSecretKmsKeyId"] },
  { what: "the kind of storage", keys: ["StorageType", "Iops", "StorageThroughput", "DedicatedLogVolume"] },
  { what: "the option group", keys: ["OptionGroupName"] },
  { what: "the certificate authority", keys: ["CACertificateIdentifier"] },
  { what: "the network type", keys: ["NetworkType"] },
  { what: "log exports", keys: ["CloudwatchLogsExportConfiguration"] },
  { what: "the maintenance window", keys: ["PreferredMaintenanceWindow", "AutoMinorVersionUpgrade"] },
  {
    what: "automated backups",
    keys: ["BackupRetentionPeriod", "PreferredBackupWindow", "CopyTagsToSnapshot"],
  },
  { what: "the parameter group", keys: ["DBParameterGroupName"] },
  { what: "Extended Support", keys: ["EngineLifecycleSupport"] },
  { what: "deletion protection", keys: ["DeletionProtection", "PubliclyAccessible"] },
];

/** Of an instance, also of one that is in a cluster. */
export function modifyingInstance(client: RDSClient, instance: string): Modifying<Changes> {
  return {
    parts: INSTANCE_PARTS,
    stagingNeeds: ["DBParameterGroupName", "PubliclyAccessible", "DeletionProtection"],
    send: (changes) =>
      client.send(
        new ModifyDBInstanceCommand({ DBInstanceIdentifier: instance, ApplyImmediately: true, ...changes }),
      ),
  };
}

/** Asks for all that is missing, and where that is refused for all but one part, then for each alone. True: something was taken. */
export async function modified<C extends object>(
  name: string,
  changes: C,
  { parts, stagingNeeds, send }: Modifying<C>,
  purpose: RestorePurpose,
  refused: string[],
): Promise<boolean> {
  const missing = parts.filter(({ keys }) => keys.some((key) => changes[key] !== undefined));
  if (missing.length === 0) return false;
  const ask = (some: typeof missing) =>
    asked(some.map(({ what }) => what).join(", "), name, undefined, () =>
      send(
        only(
          changes,
          some.flatMap(({ keys }) => keys),
        ),
      ),
    );
  const refuse = ({ what, keys }: (typeof missing)[number], error: SluiceError) => {
    if (purpose === "staging" && keys.some((key) => stagingNeeds.includes(key) && changes[key] !== undefined))
      throw error;
    refused.push(`${what}: ${error.message}`);
  };
  const all = await ask(missing);
  if (!(all instanceof SluiceError)) return true;
  if (missing.length > 1)
    for (const one of missing)
      if (!((await ask(missing.filter((part) => part !== one))) instanceof SluiceError)) {
        refuse(one, all);
        return true;
      }
  let taken = false;
  for (const one of missing) {
    const answer = missing.length === 1 ? all : await ask([one]);
    if (answer instanceof SluiceError) refuse(one, answer);
    else taken = true;
  }
  return taken;
}

/** Whether RDS took the call or is too busy for it now; or what it refuses for good, as it says so. */
export async function asked(
  what: string,
  instance: string,
  done: string | undefined,
  call: () => Promise<unknown>,
): Promise<"taken" | "busy" | SluiceError> {
  try {
    await call();
  } catch (error) {
    if (isBusy(error)) return "busy";
    if (done !== undefined && awsErrorName(error) === done) return "taken";
    const refusing = refusal(error, `give ${instance} ${what}`);
    if (refusing instanceof SluiceError) return refusing;
    throw refusing;
  }
  return "taken";
}

function only<C extends object>(changes: C, keys: readonly (keyof C)[]): Partial<C> {
  return Object.fromEntries(
    Object.entries(changes).filter(([key]) => (keys as readonly string[]).includes(key)),
  ) as Partial<C>;
}

/** Settings of a request that can be given afterwards: by what RDS calls its refusal, where that says which it is. */
export interface OptionalPart<R> {
  what: string;
  keys: readonly (keyof R)[];
  named: RegExp;
}

interface Sending<R> {
  send(request: R): Promise<unknown>;
  parts: readonly OptionalPart<R>[];
  /** What RDS says where it is there already. */
  done: string;
  /** AWS has no room for it now. */
  waits: RegExp;
  /** What was tried, for people. */
  tried: string;
}

/** AWS has no room for a cluster, its storage or its instance right now. */
export const NO_ROOM = /^Insufficient(DBInstance|DBCluster|StorageCluster)Capacity$/;

/** RDS takes a moment only when its archive has come to it; it says so in words alone. */
const TOO_LATE = /cannot be restored to a time later than|latest restorable time/i;

/** A wish of the request is wrong, and RDS does not say by a name which. */
const UNNAMED = /^(InvalidParameter(Value|Combination)?|ValidationError)$/;

/**
 * Sends the request. What is refused and can be given afterwards is left out, and the rest asked for again.
 * @throws SluiceError FleetFailed for what is refused for good
 */
export async function sendWithLess<R extends object>(
  request: R,
  { send, parts, done, waits, tried }: Sending<R>,
): Promise<RestoreBegun | undefined> {
  const without: string[] = [];
  for (let asked = request; ; ) {
    const begun = without.length > 0 ? { without } : undefined;
    try {
      await send(asked);
      return begun;
    } catch (error) {
      const name = awsErrorName(error);
      if (name === done || isBusy(error)) return begun;
      const why = `${name}: ${messageOf(error)}`;
      if (waits.test(name) || (UNNAMED.test(name) && TOO_LATE.test(why))) return { waits: { why }, without };
      const given = parts.filter(({ keys }) => keys.some((key) => asked[key] !== undefined));
      const named = given.filter((part) => part.named.test(name));
      const less = named.length > 0 ? named : UNNAMED.test(name) ? given : [];
      if (less.length === 0) throw refusal(error, tried);
      without.push(`${less.map(({ what }) => what).join(", ")}: ${why}`);
      const keys = less.flatMap((part) => part.keys);
      asked = { ...asked, ...Object.fromEntries(keys.map((key) => [key, undefined])) };
    }
  }
}

/** Asks for it; where RDS is busy with the instance, whoever waits asks again. */
export async function reboot(client: RDSClient, instance: string): Promise<void> {
  await attempt(`reboot ${instance}`, [], () =>
    client.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: instance })),
  );
}

/** The same for all instances of a Multi-AZ DB cluster: RDS has this call for no other cluster. */
export async function rebootCluster(client: RDSClient, cluster: string): Promise<void> {
  await attempt(`reboot ${cluster}`, [], () =>
    client.send(new RebootDBClusterCommand({ DBClusterIdentifier: cluster })),
  );
}
