import { ErrorName, SluiceError } from "./errors.ts";
import type { Endpoint, InstanceSettings, Ports, Tags } from "./ports.ts";

export interface Restoring {
  snapshot: string;
  instance: string;
  like: InstanceSettings;
  purpose: "staging" | "production";
  tags: Tags;
  /** The instance that had this name before: while it is still seen there, nothing is restored yet. */
  former?: string | undefined;
}

/**
 * Restores an instance from a snapshot, or goes on with a restore that was begun. Its endpoint once it can be used;
 * undefined while it cannot.
 * @throws SluiceError FleetFailed when the instance is in a status that it will not leave by itself.
 */
export async function ensureRestored(ports: Ports, restoring: Restoring): Promise<Endpoint | undefined> {
  const { fleet } = ports;
  const { snapshot, instance, like, purpose, tags, former } = restoring;
  let found = await fleet.describe(instance);
  // A fleet that tells no identity cannot be asked.
  if (former && found?.identity === former) {
    ports.progress(`${instance} has not left its name yet`);
    return undefined;
  }
  if (!found) {
    await fleet.startRestore(snapshot, instance, like, purpose, tags);
    found = await fleet.describe(instance);
  }
  if (found?.status === "failed")
    throw new SluiceError(
      ErrorName.FleetFailed,
      `Instance ${instance}, restored from ${snapshot}, is ${found.statusText}.`,
    );
  if (found?.status !== "available" || !found.endpoint) {
    ports.progress(`${instance} is ${found?.statusText ?? "not there yet"}`);
    return undefined;
  }
  return (await fleet.finishRestore(instance, like, purpose)) ? found.endpoint : undefined;
}
