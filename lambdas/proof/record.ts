import * as z from "zod";
import { noteMoment } from "../moments/moment.ts";
import { Doc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { withTarget } from "../shared/places.ts";
import { DONE, RUNNING, runFields, type Task } from "../shared/task.ts";
import { differencesOfCopy } from "./difference.ts";
import { keptFingerprint } from "./stored-record.ts";
import { productionWishes, sinceBefore } from "./subjects.ts";
import { takeRecord } from "./take-record.ts";
import { takeMark } from "./writes.ts";

const event = z.strictObject({ ...runFields, when: z.enum(["before", "reopened"]) });

/** Records production's contents behind the fence: every way back is measured against this record. */
export const recordTask: Task<z.infer<typeof event>> = {
  name: "record",
  event,
  async run({ when }, ports, evidence) {
    const record = await withTarget(ports, evidence, "production", async (session) => {
      const recording = { name: when, target: "production" as const, session };
      if (when === "reopened") {
        // After the opening the same tables and columns count as before it.
        const { tables } = await evidence.require(Doc.record("before"));
        return await takeRecord(ports, evidence, {
          ...recording,
          scope: { of: "expected", tables },
          since: sinceBefore(ports),
        });
      }
      // Mark before reading, so that every later write counts.
      await evidence.getOrCreate(Doc.mark, () => takeMark(session, ports.clock.now()));
      const scope = { of: "all" as const, read: await productionWishes(session, ports, evidence) };
      return await takeRecord(ports, evidence, { ...recording, scope, since: undefined });
    });
    if (!record) return RUNNING;
    if (when === "reopened") return DONE;
    await refuseUnrehearsed(evidence);
    const backup = await evidence.read(Doc.backup);
    if (backup?.by === "point-in-time")
      await withTarget(ports, evidence, "production", (session) =>
        noteMoment(session, "final", ports, evidence),
      );
    return DONE;
  },
};

/** If the rehearsal came before the fence, the schema may have changed in between: that change was not rehearsed. */
async function refuseUnrehearsed(evidence: RunEvidence): Promise<void> {
  if (!(await evidence.read(Doc.record("staging")))) return;
  const changed = differencesOfCopy(
    await keptFingerprint(evidence, "staging"),
    await keptFingerprint(evidence, "before"),
  );
  if (changed.length > 0)
    throw new SluiceError(
      ErrorName.BackupMismatch,
      `Production's catalog has changed since the rehearsal: ${changed.slice(0, 10).join("; ")}. Start a new run.`,
    );
}
