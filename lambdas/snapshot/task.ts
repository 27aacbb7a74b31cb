import * as z from "zod";
import { Doc, type SnapshotDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import { snapshotName } from "../shared/names.ts";
import { DONE, RUNNING, runFields, type Task } from "../shared/task.ts";

const event = z.strictObject({ ...runFields, purpose: z.enum(["rehearsal", "final"]) });

/** Takes a snapshot of production under the name that this run gives it, and answers done when it can be restored. */
export const snapshotTask: Task<z.infer<typeof event>> = {
  name: "snapshot",
  event,
  anyPlan: true,
  async run({ run, purpose }, ports, evidence) {
    const { fleet, settings, clock } = ports;
    const id = snapshotName(run, purpose);
    const { at: beganAt } = await evidence.once(Doc.snapshotBegan(purpose), async () => ({
      at: clock.now().toISOString(),
    }));
    let snapshot = await fleet.describeSnapshot(id);
    if (!snapshot) {
      await fleet.startSnapshot(id, settings.instance, { "sluice:run": run, "sluice:purpose": purpose });
      snapshot = await fleet.describeSnapshot(id);
    }
    if (snapshot?.status === "failed")
      throw new SluiceError(
        ErrorName.FleetFailed,
        `Snapshot ${id} is ${snapshot.statusText}: it cannot be restored from.`,
      );
    if (snapshot?.status !== "available") {
      ports.progress(`${id} is ${snapshot?.statusText ?? "not there yet"}`);
      return RUNNING;
    }
    await evidence.keep<SnapshotDoc>(Doc.snapshot(purpose), {
      at: clock.now().toISOString(),
      beganAt,
      id,
      instance: settings.instance,
      createdAt: snapshot.createdAt ?? null,
      sizeBytes: snapshot.sizeBytes ?? null,
      engineVersion: snapshot.engineVersion ?? null,
      encrypted: snapshot.encrypted ?? null,
      kmsKey: snapshot.kmsKey ?? null,
    });
    return DONE;
  },
};
