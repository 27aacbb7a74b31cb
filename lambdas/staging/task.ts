import * as z from "zod";
import { holdMoment, momentsOf, refuseFailed } from "../moments/look.ts";
import { ensureRestored } from "../restore/restored-instance.ts";
import { Doc, type DocumentName, type StagingDoc, type TimeDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { runTags, type SnapshotPurpose, snapshotName, stagingName } from "../shared/names.ts";
import { stagingNow } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import { deleteQuiet, quietSettings } from "../shared/quiet.ts";
import { type Answer, DONE, RUNNING, runFields, type Task } from "../shared/task.ts";
import { moment as words } from "../shared/text.ts";

const event = z.discriminatedUnion("action", [
  z.strictObject({
    ...runFields,
    action: z.enum(["restore", "restoreAgain"]),
    snapshot: z.enum(["rehearsal", "final"]),
  }),
  z.strictObject({ ...runFields, action: z.enum(["letGo", "delete"]) }),
]);

/** The copy that everything is rehearsed on. Every path deletes it, with the snapshot it was made from. */
export const stagingTask: Task<z.infer<typeof event>> = {
  name: "staging",
  event,
  async run(request, ports, evidence) {
    if (request.action === "restore") return await restore(request, FIRST, ports, evidence);
    if (request.action === "restoreAgain") return await restoreAgain(request, ports, evidence);
    await noteStorage(ports, evidence);
    const gone = await deleteStaging(ports, evidence);
    if (request.action === "letGo") return DONE;
    await releaseMoment(ports, evidence);
    return gone && (await deleteSnapshot(ports, evidence)) && (await deleteQuiet(ports, evidence))
      ? DONE
      : RUNNING;
  },
};

/** Staging, or the second copy that replaces it when the restore itself is rehearsed. */
interface Copy {
  again: boolean;
  doc: DocumentName<StagingDoc>;
  began: DocumentName<TimeDoc>;
  without: DocumentName<{ without: string[] }>;
}

const FIRST: Copy = {
  again: false,
  doc: Doc.staging,
  began: Doc.stagingBegan,
  without: Doc.stagingWithout,
};
const SECOND: Copy = {
  again: true,
  doc: Doc.stagingAgain,
  began: Doc.stagingAgainBegan,
  without: Doc.stagingAgainWithout,
};

interface Asked {
  snapshot: SnapshotPurpose;
  limitMinutes?: number | undefined;
}

/** Rehearses the restore as production's way back: from the same snapshot, or to the moment that was noted for it. */
async function restoreAgain(from: Asked, ports: Ports, evidence: RunEvidence): Promise<Answer> {
  // Wait before the copy begins: its time is the predicted time of the way back.
  if (!(await canBeRestored(ports, evidence))) return RUNNING;
  // The first copy is no longer needed. It need not be gone yet: the second has a name of its own.
  if (!(await evidence.read(Doc.stagingAgainBegan)))
    await ports.instances.startDelete(stagingName(evidence.run));
  return await restore(from, SECOND, ports, evidence);
}

/** True if the restore is rehearsed from a snapshot, or production can now be restored to the moment. */
async function canBeRestored(ports: Ports, evidence: RunEvidence): Promise<boolean> {
  const noted = await evidence.read(Doc.moment("rehearsal"));
  if (!noted || (await evidence.read(Doc.stagingAgainBegan))) return true;
  if (!(await holdMoment("rehearsal", noted, ports, evidence))) return false;
  const state = await momentsOf(ports).describe(noted);
  refuseFailed(noted, state, "So the restore, which is the way back, cannot be rehearsed.");
  if (state.status === "pending") ports.progress(`${words(noted.moment.at)}: ${state.statusText}`);
  return state.status === "available";
}

async function restore(
  { snapshot, limitMinutes }: Asked,
  copy: Copy,
  ports: Ports,
  evidence: RunEvidence,
): Promise<Answer> {
  const production = await evidence.require(Doc.production);
  const id = stagingName(evidence.run, copy.again);
  const began = await evidence.getOrCreate(copy.began, async () => ({ at: ports.clock.now().toISOString() }));
  const tags = runTags(ports.settings, evidence.run, "staging");
  const quiet = await quietSettings(ports, evidence, production.settings, tags);
  if (!quiet) return RUNNING;
  const restored = await ensureRestored(
    ports,
    {
      from:
        (copy.again ? await evidence.read(Doc.moment("rehearsal")) : undefined) ??
        snapshotName(evidence.run, snapshot),
      instance: id,
      like: quiet,
      purpose: "staging",
      tags,
      since: began.at,
      limitMinutes,
    },
    async (without) => void (await evidence.createOnce(copy.without, { without })),
  );
  if (!restored) return RUNNING;
  const { endpoint, storage } = restored;
  const { without } = (await evidence.read(copy.without)) ?? { without: [] };
  const refused = [...without, ...restored.refused];
  const now = ports.clock.now();
  await evidence.createOnce(copy.doc, {
    at: now.toISOString(),
    seconds: (now.getTime() - Date.parse(began.at)) / 1000,
    id,
    endpoint,
    ...(storage ? { storage } : {}),
    ...(refused.length > 0 ? { refused } : {}),
  });
  return DONE;
}

/** Notes how far the volume is filled once everything is measured: earlier reads may have been slow. */
async function noteStorage({ instances, clock }: Ports, evidence: RunEvidence): Promise<void> {
  const staging = await stagingNow(evidence);
  if (!staging?.storage) return;
  await evidence.getOrCreate(Doc.stagingStorage, async () => ({
    at: clock.now().toISOString(),
    storage: (await instances.describe(staging.id))?.storage ?? null,
  }));
}

/** True if this run has no staging (any more). */
async function deleteStaging(ports: Ports, evidence: RunEvidence): Promise<boolean> {
  const { instances, clock } = ports;
  const ids = [stagingName(evidence.run), stagingName(evidence.run, true)];
  let gone = true;
  for (const id of ids) {
    if (!(await instances.describe(id))) continue;
    await instances.startDelete(id);
    if (await instances.describe(id)) gone = false;
  }
  if (!gone) return false;
  const staging = await stagingNow(evidence);
  if (staging)
    await evidence.createOnce(Doc.stagingDeleted, { at: clock.now().toISOString(), id: staging.id });
  return true;
}

/** Releases what local instances kept of the moment that the restore was rehearsed with. */
async function releaseMoment({ instances }: Ports, evidence: RunEvidence): Promise<void> {
  const noted = await evidence.read(Doc.moment("rehearsal"));
  if (noted) await instances.moments?.release(noted);
}

/**
 * True if the rehearsal has no snapshot (any more). A rehearsal inside the downtime had none: it used the final
 * snapshot, which is the way back and is never deleted here.
 */
async function deleteSnapshot({ instances }: Ports, { run }: RunEvidence): Promise<boolean> {
  const id = snapshotName(run, "rehearsal");
  if (!(await instances.describeSnapshot(id))) return true;
  await instances.deleteSnapshot(id);
  return !(await instances.describeSnapshot(id));
}
