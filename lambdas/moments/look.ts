import { Doc, type MomentDoc, type MomentSeenDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { MomentPurpose } from "../shared/names.ts";
import { runTags } from "../shared/names.ts";
import type { MomentState, Moments, Ports, Tags } from "../shared/ports.ts";
import type { BackupKind } from "../shared/settings.ts";
import { clock, moment as words } from "../shared/text.ts";

/** Of a fleet that can restore to moments. Preflight chose by it, so there is one. */
export function momentsOf({ instances }: Pick<Ports, "instances">): Moments {
  if (instances.moments) return instances.moments;
  throw new SluiceError(
    ErrorName.FleetFailed,
    "Production was to be restored to a moment, and this deployment's fleet knows of none: was another version deployed meanwhile? Restore it by hand (docs/operator-runbook.md).",
  );
}

/**
 * Makes sure that the moment is kept and that the backups will come to hold it: that they are still on, of the instance
 * that was admitted, and encrypted as it is. What the fleet says is evidence. Whether it can be restored already is not
 * waited for. False: ask again.
 * @throws SluiceError FleetFailed where it never will be: nothing is migrated then
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

/** Somebody may have put another instance under production's name since the run was admitted. */
async function refuseOther({ instance, identity }: MomentDoc, { instances }: Ports): Promise<void> {
  const now = await instances.describe(instance);
  if (now?.identity === identity) return;
  throw new SluiceError(
    ErrorName.FleetFailed,
    `${instance} is ${now ? "another instance than it was when the run was admitted" : "not there any more"}: its backups do not hold what was recorded.`,
  );
}

/** @throws SluiceError FleetFailed where it can never be restored */
export function refuseFailed({ moment, instance }: MomentDoc, state: MomentState, what: string): void {
  if (state.status !== "failed") return;
  throw new SluiceError(
    ErrorName.FleetFailed,
    `${instance} cannot be restored to ${words(moment.at)}: ${state.statusText} ${what}`,
  );
}

/** Notes whether production can be restored to the moment by now, for people to see at the gate that follows. */
export async function lookAtMoment(ports: Ports, evidence: RunEvidence): Promise<void> {
  const noted = await evidence.read(Doc.moment("final"));
  if (!noted) return;
  const state = await momentsOf(ports).describe(noted);
  ports.progress(`${words(noted.moment.at)}: ${state.statusText}`);
  await noteSeen(state, ports, evidence);
}

/** How this run backs production up; in evidence of older runs by a snapshot. */
export async function backedUpBy(evidence: RunEvidence): Promise<BackupKind> {
  return (await evidence.read(Doc.backup))?.by ?? "snapshot";
}

/**
 * Whether production can be restored to the moment by now, in a line for people at a gate; undefined where no moment was
 * noted, or where a copy of it is there, so that there is nothing to wait for.
 */
export async function momentLine(evidence: RunEvidence): Promise<string | undefined> {
  const found = await lastSeen(evidence);
  if (!found?.seen) return undefined;
  const { moments } = await evidence.require(Doc.production);
  if (moments?.by === "copy") return undefined;
  const { moment } = found.noted;
  const { at, state } = found.seen;
  const seen = `as seen at ${clock(at)} UTC`;
  switch (state.status) {
    case "available":
      return `Production can be restored to ${words(moment.at)}, ${seen}.`;
    case "pending":
      return `Production cannot be restored to ${words(moment.at)} yet: its backups reach ${state.until === undefined ? "no moment" : words(state.until)}, ${seen}. They trail by some minutes; a restore that is asked for waits for them.`;
    case "failed":
      return `Production can NOT be restored to ${words(moment.at)}, ${seen}: ${state.statusText}`;
  }
}

/** Every look is noted by itself. */
export async function noteSeen(state: MomentState, ports: Ports, evidence: RunEvidence): Promise<void> {
  const doc: MomentSeenDoc = { at: ports.clock.now().toISOString(), state };
  for (let n = (await evidence.list(SEEN)).length + 1; ; n++)
    if ((await evidence.createOnce(Doc.momentSeen(n), doc)).at === doc.at) return;
}

const SEEN = "moments/seen-";

/** What the fleet last said of the moment; undefined: there is none. */
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
