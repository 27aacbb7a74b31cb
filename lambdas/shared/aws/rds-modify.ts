import {
  ModifyDBInstanceCommand,
  type RDSClient,
  RebootDBClusterCommand,
  RebootDBInstanceCommand,
} from "@aws-sdk/client-rds";
import { awsErrorName, messageOf, SluiceError } from "../errors.ts";
import type { RestoreBegun, RestorePurpose } from "../ports.ts";
import { attempt, isBusy, refusal } from "./rds-calls.ts";
import type { Changes } from "./rds-restore.ts";

/** Settings that one request changes together. */
export interface Part<C> {
  what: string;
  keys: readonly (keyof C)[];
}

/** How to request changes of an instance or a cluster. */
export interface Modifying<C> {
  /** Sorted: the part that RDS most likely refuses comes first. */
  parts: readonly Part<C>[];
  /** Settings that staging must have: a refusal ends the run. */
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

/** Returns how to modify an instance, in a cluster or not. */
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

/**
 * Requests all missing settings. After a refusal it requests all parts except one, then each part alone.
 * @param refused receives each refused part with RDS's reason
 * @returns true where RDS accepted a change
 */
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

/** Sends a request. Returns whether RDS took it or is busy now; a final refusal is returned as a SluiceError. */
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

/** Settings of a restore request that can be given later, and the error names by which RDS refuses them. */
export interface OptionalPart<R> {
  what: string;
  keys: readonly (keyof R)[];
  named: RegExp;
}

interface Sending<R> {
  send(request: R): Promise<unknown>;
  parts: readonly OptionalPart<R>[];
  /** Name of RDS's error where the resource already exists. */
  done: string;
  /** Names of errors after which the request may succeed later, such as NO_ROOM. */
  waits: RegExp;
  /** The attempt in words, for people. */
  tried: string;
}

/** Names of errors where AWS has no capacity for a cluster, its storage or its instance right now. */
export const NO_ROOM = /^Insufficient(DBInstance|DBCluster|StorageCluster)Capacity$/;

/** RDS refuses a moment that its archive has not reached yet; only the message's words show that. */
const TOO_LATE = /cannot be restored to a time later than|latest restorable time/i;

/** A field of the request is wrong, and the error's name does not show which one. */
const UNNAMED = /^(InvalidParameter(Value|Combination)?|ValidationError)$/;

/**
 * Sends the request. It leaves out refused settings that can be given later, and sends the rest again.
 * @throws SluiceError FleetFailed for a final refusal
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

/** Requests a reboot of an instance. Does nothing where RDS is busy with it: the caller calls again. */
export async function reboot(client: RDSClient, instance: string): Promise<void> {
  await attempt(`reboot ${instance}`, [], () =>
    client.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: instance })),
  );
}

/** Requests a reboot of all instances of a Multi-AZ DB cluster, the only kind of cluster that RDS has this call for. */
export async function rebootCluster(client: RDSClient, cluster: string): Promise<void> {
  await attempt(`reboot ${cluster}`, [], () =>
    client.send(new RebootDBClusterCommand({ DBClusterIdentifier: cluster })),
  );
}
