import { Doc } from "./documents.ts";
import { ErrorName, messageOf, SluiceError } from "./errors.ts";
import type { RunEvidence } from "./evidence.ts";
import { quietName } from "./names.ts";
import type { InstanceSettings, Ports, Tags } from "./ports.ts";

// A copy of production's volume also has production's subscriptions, scheduled jobs and maintenance. Sluice keeps staging
// and the instance that a restore moves aside quiet from their first start beside production.

/** The most time to quieten the instance that was moved aside. After it the restore continues without. */
const PATIENCE_MINUTES = 15;

/** Returns production's settings for a quiet copy; undefined while they are being created: call again. */
export async function quietSettings(
  { instances, clock, progress }: Ports,
  evidence: RunEvidence,
  like: InstanceSettings,
  tags: Tags,
): Promise<InstanceSettings | undefined> {
  if (!instances.quiet) return like;
  const group = quietName(evidence.run);
  // Noted before it is created, so that the clean-up deletes it in any case.
  await evidence.createOnce(Doc.quiet, { at: clock.now().toISOString(), group });
  const settings = await instances.quiet(group, like, tags);
  if (!settings) progress(`parameter group ${group} is being created`);
  return settings;
}

/**
 * Quietens the instance that a restore moves aside. False: call again. A refusal is noted and does not stop the restore:
 * production comes first.
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
    progress(`${aside} is not quiet: ${why}`);
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
  progress(`quietening ${aside}: its jobs and subscriptions are being stopped`);
  return false;
}

/** Deletes the run's parameter group. True when it is gone, or when the instance that was moved aside keeps it. */
export async function deleteQuiet({ instances, progress }: Ports, evidence: RunEvidence): Promise<boolean> {
  if (!instances.deleteQuiet || !(await evidence.read(Doc.quiet))) return true;
  const group = quietName(evidence.run);
  if (await instances.deleteQuiet(group)) return true;
  // The instance that was moved aside uses the group, and people decide when that instance is deleted.
  if (await evidence.read(Doc.restore)) return true;
  progress(`parameter group ${group} is still in use`);
  return false;
}

/** Libraries whose background workers change data by themselves. No setting stops them, so a copy does not load them. */
export const ACTING_LIBRARIES: readonly string[] = [
  "pg_partman_bgw",
  "pglogical",
  "spock",
  "pgactive",
  "bdr",
  "pg_squeeze",
];
