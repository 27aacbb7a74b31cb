import { Doc } from "./documents.ts";
import { ErrorName, messageOf, SluiceError } from "./errors.ts";
import type { RunEvidence } from "./evidence.ts";
import { quietName } from "./names.ts";
import type { InstanceSettings, Ports, Tags } from "./ports.ts";

// A copy of production's volume has its subscriptions, its scheduled jobs and its maintenance. Staging, and the instance
// that a restore moves aside, are kept still from before their first start beside the one that goes on.

/** So long the instance that was moved aside may take to be still; then the restore goes on without. */
const PATIENCE_MINUTES = 15;

/** Production's settings for a copy that stays still; undefined: ask again. */
export async function quietSettings(
  { instances, clock, progress }: Ports,
  evidence: RunEvidence,
  like: InstanceSettings,
  tags: Tags,
): Promise<InstanceSettings | undefined> {
  if (!instances.quiet) return like;
  const group = quietName(evidence.run);
  // Before it is made: whatever comes after must be deleted again.
  await evidence.createOnce(Doc.quiet, { at: clock.now().toISOString(), group });
  const settings = await instances.quiet(group, like, tags);
  if (!settings) progress(`parameter group ${group} is being made`);
  return settings;
}

/**
 * Keeps still the instance that a restore moves aside. False: call again. What cannot be done is noted, and is no reason
 * to leave people without production.
 */
export async function quietenAside(
  ports: Ports,
  evidence: RunEvidence,
  aside: string,
  like: InstanceSettings,
  tags: Tags,
): Promise<boolean> {
  const { instances, clock, progress } = ports;
  if (!instances.quieten || (await evidence.read(Doc.notQuiet))) return true;
  const began = await evidence.createOnce(Doc.quieting, { at: clock.now().toISOString() });
  const giveUp = async (why: string) => {
    progress(`${aside} is not kept still: ${why}`);
    await evidence.createOnce(Doc.notQuiet, { at: clock.now().toISOString(), instance: aside, why });
    return true;
  };
  try {
    const ready = await quietSettings(ports, evidence, like, tags);
    if (ready && (await instances.quieten(aside, quietName(evidence.run)))) return true;
  } catch (error) {
    if (!(error instanceof SluiceError) || error.name !== ErrorName.FleetFailed) throw error;
    return await giveUp(messageOf(error));
  }
  const minutes = (clock.now().getTime() - Date.parse(began.at)) / 60_000;
  if (minutes > PATIENCE_MINUTES) return await giveUp(`it took longer than ${PATIENCE_MINUTES} minutes`);
  progress(`${aside} is being kept still`);
  return false;
}

/** True when the run's parameter group is gone, or stays with the instance that was moved aside. */
export async function deleteQuiet({ instances, progress }: Ports, evidence: RunEvidence): Promise<boolean> {
  if (!instances.deleteQuiet || !(await evidence.read(Doc.quiet))) return true;
  const group = quietName(evidence.run);
  if (await instances.deleteQuiet(group)) return true;
  // As long as that instance is there it is in use, and people decide how long.
  if (await evidence.read(Doc.restore)) return true;
  progress(`parameter group ${group} is in use still`);
  return false;
}

/** Libraries whose background workers change data by themselves, and that no setting stops: a copy does not load them. */
export const ACTING_LIBRARIES: readonly string[] = [
  "pg_partman_bgw",
  "pglogical",
  "spock",
  "pgactive",
  "bdr",
  "pg_squeeze",
];
