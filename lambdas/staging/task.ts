import * as z from "zod";
import { Doc, type ProductionDoc, type StagingDoc, type StagingStorageDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { type SnapshotPurpose, snapshotName, stagingName } from "../shared/names.ts";
import type { Ports } from "../shared/ports.ts";
import { deleteQuiet, quietSettings } from "../shared/quiet.ts";
import { ensureRestored } from "../shared/restored-instance.ts";
import { runTags } from "../shared/run-tags.ts";
import { type Answer, DONE, RUNNING, runFields, type Task } from "../shared/task.ts";

const event = z.discriminatedUnion("action", [
  z.strictObject({ ...runFields, action: z.literal("restore"), snapshot: z.enum(["rehearsal", "final"]) }),
  z.strictObject({ ...runFields, action: z.enum(["letGo", "delete"]) }),
]);

/** The copy that everything is rehearsed on: restored, and in every case deleted again, with what it was made from. */
export const stagingTask: Task<z.infer<typeof event>> = {
  name: "staging",
  event,
  async run(request, ports, evidence) {
    if (request.action === "restore") return await restore(request, ports, evidence);
    await noteStorage(ports, evidence);
    const gone = await deleteStaging(ports, evidence);
    if (request.action === "letGo") return DONE;
    return gone && (await deleteSnapshot(ports, evidence)) && (await deleteQuiet(ports, evidence))
      ? DONE
      : RUNNING;
  },
};

async function restore(
  { snapshot, limitMinutes }: { snapshot: SnapshotPurpose; limitMinutes?: number | undefined },
  ports: Ports,
  evidence: RunEvidence,
): Promise<Answer> {
  const production = await evidence.need<ProductionDoc>(Doc.production);
  const id = stagingName(evidence.run);
  const began = await evidence.once(Doc.stagingBegan, async () => ({ at: ports.clock.now().toISOString() }));
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
    async (without) => void (await evidence.keep(Doc.stagingWithout, { without })),
  );
  if (!restored) return RUNNING;
  const { endpoint, storage } = restored;
  const { without } = (await evidence.read<{ without: string[] }>(Doc.stagingWithout)) ?? { without: [] };
  const refused = [...without, ...restored.refused];
  const now = ports.clock.now();
  await evidence.keep<StagingDoc>(Doc.staging, {
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
  if (!(await evidence.read<StagingDoc>(Doc.staging))?.storage) return;
  await evidence.once<StagingStorageDoc>(Doc.stagingStorage, async () => ({
    at: clock.now().toISOString(),
    storage: (await fleet.describe(stagingName(evidence.run)))?.storage ?? null,
  }));
}

/** True when there is no staging of this run (any more). */
async function deleteStaging(ports: Ports, evidence: RunEvidence): Promise<boolean> {
  const id = stagingName(evidence.run);
  const instance = await ports.fleet.describe(id);
  if (instance) {
    await ports.fleet.startDelete(id);
    if (await ports.fleet.describe(id)) return false;
  }
  if (await evidence.read(Doc.staging))
    await evidence.keep(Doc.stagingDeleted, { at: ports.clock.now().toISOString(), id });
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
