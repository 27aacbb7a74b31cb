import { Doc, type MomentDoc, type MomentSeenDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { MomentPurpose } from "../shared/names.ts";
import { runTags } from "../shared/names.ts";
import type { MomentState, Moments, Ports, Tags } from "../shared/ports.ts";
import type { BackupKind } from "../shared/settings.ts";
import { clock, moment as words } from "../shared/text.ts";

/** Returns the adapter for restores to moments. Preflight chose this way, so the adapter has one. */
export function momentsOf({ instances }: Pick<Ports, "instances">): Moments {
  if (instances.moments) return instances.moments;
  throw new SluiceError(
    ErrorName.FleetFailed,
    "Production must be restored to a moment, but this deployment cannot do that: another version may have been deployed since. Restore it by hand (docs/operator-runbook.md).",
  );
}

/**
 * Checks that the moment is kept and that the backups will contain it: that they are still on, belong to the admitted
 * instance, and are encrypted like it. The reported state is kept as evidence. This does not wait until the moment
 * can be restored. False: call again.
 * @throws SluiceError FleetFailed if it can never be restored: then nothing is migrated
 */
export async function holdMoment(
  purpose: MomentPurpose,
  noted: MomentDoc,
  ports: Ports,
  evidence: RunEvidence,
): Promise<boolean> {
  const moments = momentsOf(ports);
  const { at } = noted.moment;
  if (!(await moments.hold(noted, momentTags(ports, evidence, purpose)))) {
    ports.progress(`${words(at)} is being kept`);
    return false;
  }
  const { state } = await evidence.getOrCreate(Doc.momentHeld(purpose), async () => {
    await refuseOther(noted, ports);
    const state = await moments.describe(noted);
    return { at: ports.clock.now().toISOString(), state };
  });
  refuseFailed(noted, state, "Nothing was migrated. Start a new run.");
  ports.progress(`${words(at)}: ${state.statusText}`);
  return true;
}

/** Another instance may have taken production's name since the run was admitted. */
async function refuseOther({ instance, identity }: MomentDoc, { instances }: Ports): Promise<void> {
  const now = await instances.describe(instance);
  if (now?.identity === identity) return;
  throw new SluiceError(
    ErrorName.FleetFailed,
    `${instance} is ${now ? "another instance than the one that was admitted" : "gone"}: its backups do not contain what was recorded.`,
  );
}

/** @throws SluiceError FleetFailed if it can never be restored */
export function refuseFailed({ moment, instance }: MomentDoc, state: MomentState, what: string): void {
  if (state.status !== "failed") return;
  throw new SluiceError(
    ErrorName.FleetFailed,
    `${instance} cannot be restored to ${words(moment.at)}: ${state.statusText} ${what}`,
  );
}

/** Notes for the following gate whether production can now be restored to the moment. */
export async function lookAtMoment(ports: Ports, evidence: RunEvidence): Promise<void> {
  const noted = await evidence.read(Doc.moment("final"));
  if (!noted) return;
  const state = await momentsOf(ports).describe(noted);
  ports.progress(`${words(noted.moment.at)}: ${state.statusText}`);
  await noteSeen(state, ports, evidence);
}

/** Returns how this run backs production up; evidence of older runs means a snapshot. */
export async function backedUpBy(evidence: RunEvidence): Promise<BackupKind> {
  return (await evidence.read(Doc.backup))?.by ?? "snapshot";
}

const RESTORABLE = "Production can be restored to";
const NOT_YET = "Production cannot be restored to";

/** Whether such a line shows only how far the backups are, which trail by some minutes: nothing is wrong. */
export function showsOnlyHowFar(line: string): boolean {
  return line.startsWith(RESTORABLE) || line.startsWith(NOT_YET);
}

/**
 * Returns a line for the gate that shows whether production can now be restored to the moment. Undefined if no moment
 * was noted, or if a copy of it exists and there is nothing to wait for.
 */
export async function momentLine(evidence: RunEvidence): Promise<string | undefined> {
  const found = await lastSeen(evidence);
  if (!found?.seen) return undefined;
  const { moments } = await evidence.require(Doc.production);
  if (moments?.by === "copy") return undefined;
  const { moment } = found.noted;
  const { at, state } = found.seen;
  const seen = `as of ${clock(at)} UTC`;
  switch (state.status) {
    case "available":
      return `${RESTORABLE} ${words(moment.at)}, ${seen}.`;
    case "pending":
      return `${NOT_YET} ${words(moment.at)} yet: its backups reach ${state.until === undefined ? "no moment" : words(state.until)}, ${seen}. They trail by some minutes; a restore waits for them.`;
    case "failed":
      return `Production can NOT be restored to ${words(moment.at)}, ${seen}: ${state.statusText}`;
  }
}

/** Keeps each observation in a document of its own. */
export async function noteSeen(state: MomentState, ports: Ports, evidence: RunEvidence): Promise<void> {
  const doc: MomentSeenDoc = { at: ports.clock.now().toISOString(), state };
  for (let n = (await evidence.list(SEEN)).length + 1; ; n++)
    if ((await evidence.createOnce(Doc.momentSeen(n), doc)).at === doc.at) return;
}

const SEEN = "moments/seen-";

/** Returns the last reported state of the moment; undefined if there is none. */
export async function lastSeen(
  evidence: RunEvidence,
): Promise<{ noted: MomentDoc; seen: MomentSeenDoc | undefined } | undefined> {
  const noted = await evidence.read(Doc.moment("final"));
  if (!noted) return undefined;
  const last = (await evidence.list(SEEN)).length;
  const seen =
    (last > 0 ? await evidence.read(Doc.momentSeen(last)) : undefined) ??
    (await evidence.read(Doc.momentHeld("final")));
  return { noted, seen };
}

function momentTags({ settings }: Ports, { run }: RunEvidence, purpose: MomentPurpose): Tags {
  return runTags(settings, run, purpose);
}
