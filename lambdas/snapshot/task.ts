import * as z from "zod";
import { holdMoment, lookAtMoment } from "../moments/look.ts";
import { Doc, type SnapshotDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { KEEP_UNTIL, runTags, type SnapshotPurpose, snapshotName } from "../shared/names.ts";
import { restoreIsWayBack } from "../shared/plan.ts";
import type { Ports, Snapshot, Tags } from "../shared/ports.ts";
import { type Answer, DONE, RUNNING, runFields, type Task } from "../shared/task.ts";

const event = z.discriminatedUnion("action", [
  z.strictObject({ ...runFields, action: z.literal("take"), purpose: z.literal("rehearsal") }),
  z.strictObject({ ...runFields, action: z.enum(["backUp", "lookAtMoment", "keep", "archive"]) }),
]);

export const snapshotTask: Task<z.infer<typeof event>> = {
  name: "snapshot",
  event,
  async run(request, ports, evidence) {
    switch (request.action) {
      case "take":
        return await take(request.purpose, ports, evidence);
      case "backUp":
        return await backUp(ports, evidence);
      case "lookAtMoment":
        await lookAtMoment(ports, evidence);
        return DONE;
      case "keep":
        return await keep(ports, evidence);
      case "archive":
        return await archive(ports, evidence);
    }
  },
};

/** Behind the fence: holds the moment if one was noted, otherwise takes the final snapshot. */
async function backUp(ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const noted = await evidence.read(Doc.moment("final"));
  if (!noted) return await take("final", ports, evidence);
  return (await holdMoment("final", noted, ports, evidence)) ? DONE : RUNNING;
}

/** Requests a snapshot to keep, once the application is in. It does not wait for it. */
async function keep(ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const { instances, settings, clock } = ports;
  const id = snapshotName(evidence.run, "kept");
  const keepUntil = keptUntil(ports);
  const { at: beganAt } = await evidence.getOrCreate(Doc.snapshotBegan("kept"), async () => ({
    at: clock.now().toISOString(),
  }));
  await instances.startSnapshot(id, settings.instance, tags(ports, evidence, "kept", keepUntil));
  const snapshot = await instances.describeSnapshot(id);
  // A busy instance takes no snapshot yet.
  if (!snapshot) return RUNNING;
  if (snapshot.status === "failed")
    throw new SluiceError(
      ErrorName.FleetFailed,
      `Snapshot ${id} is ${snapshot.statusText}. Take one by hand.`,
    );
  ports.progress(`${id} is ${snapshot.statusText}`);
  await evidence.createOnce(
    Doc.snapshot("kept"),
    docOf(snapshot, { at: clock.now().toISOString(), beganAt, instance: settings.instance, keepUntil }),
  );
  return DONE;
}

function docOf(
  { id, createdAt, sizeBytes, engineVersion, encrypted, kmsKey, clone }: Snapshot,
  more: Pick<SnapshotDoc, "at" | "beganAt" | "instance" | "keepUntil">,
): SnapshotDoc {
  return {
    ...more,
    id,
    createdAt: createdAt ?? null,
    sizeBytes: sizeBytes ?? null,
    engineVersion: engineVersion ?? null,
    encrypted: encrypted ?? null,
    kmsKey: kmsKey ?? null,
    ...(clone ? { clone } : {}),
  };
}

/** Takes a snapshot of production under this run's name for it; done once it can be restored. */
async function take(purpose: SnapshotPurpose, ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const { instances, settings, clock } = ports;
  const id = snapshotName(evidence.run, purpose);
  const keepUntil = purpose === "final" ? keptUntil(ports) : null;
  const { at: beganAt } = await evidence.getOrCreate(Doc.snapshotBegan(purpose), async () => ({
    at: clock.now().toISOString(),
  }));
  let snapshot = await instances.describeSnapshot(id);
  if (!snapshot) {
    const often = isRestoredOften(purpose, ports);
    await instances.startSnapshot(id, settings.instance, tags(ports, evidence, purpose, keepUntil), often);
    snapshot = await instances.describeSnapshot(id);
  }
  if (snapshot?.status === "failed")
    throw new SluiceError(
      ErrorName.FleetFailed,
      `Snapshot ${id} is ${snapshot.statusText}: nothing can be restored from it.`,
    );
  if (snapshot?.status !== "available") {
    ports.progress(`${id} is ${snapshot?.statusText ?? "not visible yet"}`);
    return RUNNING;
  }
  await evidence.createOnce(
    Doc.snapshot(purpose),
    docOf(snapshot, { at: clock.now().toISOString(), beganAt, instance: settings.instance, keepUntil }),
  );
  return DONE;
}

/** True for staging and then production, or for staging twice if the restore itself is rehearsed. */
function isRestoredOften(purpose: SnapshotPurpose, { plan, settings }: Ports): boolean {
  if (purpose === "rehearsal") return restoreIsWayBack(plan, settings);
  return purpose === "final" && settings.rehearse === "inside";
}

/**
 * Starts the copies of the final snapshot elsewhere. A copy that cannot start ends the run before anything is
 * migrated.
 */
async function archive(ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const id = snapshotName(evidence.run, "final");
  const copies = await ports.archive.start(id, tags(ports, evidence, "final", keptUntil(ports)));
  for (const { kind, where, statusText } of copies) ports.progress(`${kind} to ${where}: ${statusText}`);
  const failed = copies.filter(({ status }) => status === "failed");
  if (failed.length > 0)
    throw new SluiceError(
      ErrorName.FleetFailed,
      failed
        .map(({ kind, where, statusText }) => `The ${kind} of ${id} to ${where} is ${statusText}.`)
        .join(" "),
    );
  await evidence.createOnce(Doc.archived, { at: ports.clock.now().toISOString(), copies });
  return DONE;
}

function tags(
  { settings }: Ports,
  { run }: RunEvidence,
  purpose: SnapshotPurpose,
  keepUntil: string | null,
): Tags {
  return {
    ...runTags(settings, run, purpose),
    ...(keepUntil === null ? {} : { [KEEP_UNTIL]: keepUntil }),
  };
}

const DAY_MS = 86_400_000;

function keptUntil({ clock, settings }: Ports): string {
  return new Date(clock.now().getTime() + settings.retentionDays * DAY_MS).toISOString().slice(0, 10);
}
