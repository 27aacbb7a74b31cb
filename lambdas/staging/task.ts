import * as z from "zod";
import { Doc, type ProductionDoc, type StagingDoc, type StagingStorageDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { type SnapshotPurpose, snapshotName, stagingName } from "../shared/names.ts";
import { stagingNow } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import { deleteQuiet, quietSettings } from "../shared/quiet.ts";
import { ensureRestored } from "../shared/restored-instance.ts";
import { runTags } from "../shared/run-tags.ts";
import { type Answer, DONE, RUNNING, runFields, type Task } from "../shared/task.ts";

const event = z.discriminatedUnion("action", [
  z.strictObject({
    ...runFields,
    action: z.enum(["restore", "restoreAgain"]),
    snapshot: z.enum(["rehearsal", "final"]),
  }),
  z.strictObject({ ...runFields, action: z.enum(["letGo", "delete"]) }),
]);

/** The copy that everything is rehearsed on: restored, and in every case deleted again, with what it was made from. */
export const stagingTask: Task<z.infer<typeof event>> = {
  name: "staging",
  event,
  async run(request, ports, evidence) {
    if (request.action === "restore") return await restore(request, FIRST, ports, evidence);
    if (request.action === "restoreAgain") return await restoreAgain(request, ports, evidence);
    await noteStorage(ports, evidence);
    const gone = await deleteStaging(ports, evidence);
    if (request.action === "letGo") return DONE;
    return gone && (await deleteSnapshot(ports, evidence)) && (await deleteQuiet(ports, evidence))
      ? DONE
      : RUNNING;
  },
};

/** The copy that the rehearsal begins with, and the one that takes its place when the restore itself is rehearsed. */
interface Copy {
  again: boolean;
  doc: string;
  began: string;
  without: string;
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

interface FromSnapshot {
  snapshot: SnapshotPurpose;
  limitMinutes?: number | undefined;
}

/** The restore, rehearsed as production's way back. */
async function restoreAgain(from: FromSnapshot, ports: Ports, evidence: RunEvidence): Promise<Answer> {
  // What was rehearsed on the first copy is known. It need not be gone: the second has a name of its own.
  if (!(await evidence.read(Doc.stagingAgainBegan))) await ports.fleet.startDelete(stagingName(evidence.run));
  return await restore(from, SECOND, ports, evidence);
}

async function restore(
  { snapshot, limitMinutes }: FromSnapshot,
  copy: Copy,
  ports: Ports,
  evidence: RunEvidence,
): Promise<Answer> {
  const production = await evidence.need<ProductionDoc>(Doc.production);
  const id = stagingName(evidence.run, copy.again);
  const began = await evidence.once(copy.began, async () => ({ at: ports.clock.now().toISOString() }));
  const tags = runTags(ports.settings, evidence.run, "staging");
  const quiet = await quietSettings(ports, evidence, production.settings, tags);
  if (!quiet) return RUNNING;
  const restored = await ensureRestored(
    ports,
    {
      snapshot: snapshotName(evidence.run, snapshot),
      instance: id,
      like: quiet,
      purpose: "staging",
      tags,
      since: began.at,
      limitMinutes,
    },
    async (without) => void (await evidence.keep(copy.without, { without })),
  );
  if (!restored) return RUNNING;
  const { endpoint, storage } = restored;
  const { without } = (await evidence.read<{ without: string[] }>(copy.without)) ?? { without: [] };
  const refused = [...without, ...restored.refused];
  const now = ports.clock.now();
  await evidence.keep<StagingDoc>(copy.doc, {
    at: now.toISOString(),
    seconds: (now.getTime() - Date.parse(began.at)) / 1000,
    id,
    endpoint,
    ...(storage ? { storage } : {}),
    ...(refused.length > 0 ? { refused } : {}),
  });
  return DONE;
}

/** How far its volume is filled when all is measured: what was read from it before may have been slow. */
async function noteStorage({ fleet, clock }: Ports, evidence: RunEvidence): Promise<void> {
  const staging = await stagingNow(evidence);
  if (!staging?.storage) return;
  await evidence.once<StagingStorageDoc>(Doc.stagingStorage, async () => ({
    at: clock.now().toISOString(),
    storage: (await fleet.describe(staging.id))?.storage ?? null,
  }));
}

/** True when there is no staging of this run (any more). */
async function deleteStaging(ports: Ports, evidence: RunEvidence): Promise<boolean> {
  const { fleet, clock } = ports;
  const ids = [stagingName(evidence.run), stagingName(evidence.run, true)];
  let gone = true;
  for (const id of ids) {
    if (!(await fleet.describe(id))) continue;
    await fleet.startDelete(id);
    if (await fleet.describe(id)) gone = false;
  }
  if (!gone) return false;
  const staging = await stagingNow(evidence);
  if (staging) await evidence.keep(Doc.stagingDeleted, { at: clock.now().toISOString(), id: staging.id });
  return true;
}

/**
 * True when there is no snapshot for the rehearsal (any more). Of a rehearsal inside the window there was none: it used
 * the final one, which is the way back and is never deleted here.
 */
async function deleteSnapshot({ fleet }: Ports, { run }: RunEvidence): Promise<boolean> {
  const id = snapshotName(run, "rehearsal");
  if (!(await fleet.describeSnapshot(id))) return true;
  await fleet.deleteSnapshot(id);
  return !(await fleet.describeSnapshot(id));
}
