import * as z from "zod";
import { differencesOfCopy } from "../prove/compare.ts";
import type { Fingerprint } from "../prove/fingerprint.ts";
import { Doc, type RecordDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { withTarget } from "../shared/places.ts";
import { DONE, RUNNING, runFields, type Task } from "../shared/task.ts";
import { takeMark } from "../writes/mark.ts";
import { takeRecord } from "./take-record.ts";

const event = z.strictObject({ ...runFields, when: z.enum(["before", "reopened"]) });

/** Notes what production holds, under the fence: what every way back is measured by. */
export const recordTask: Task<z.infer<typeof event>> = {
  name: "record",
  event,
  anyPlan: true,
  async run({ when }, ports, evidence) {
    // What counts after the opening is what counted before it: the same tables and columns.
    const tables =
      when === "reopened" ? (await evidence.need<RecordDoc>(Doc.record("before"))).tables : undefined;
    const record = await withTarget(ports, evidence, "production", async (session) => {
      // Before anything is read, so that whatever is written later than it was read counts.
      if (when === "before") await evidence.once(Doc.mark, () => takeMark(session, ports.clock.now()));
      return await takeRecord(ports, evidence, { name: when, target: "production", session, tables });
    });
    if (!record) return RUNNING;
    if (when === "before") await refuseUnrehearsed(evidence);
    return DONE;
  },
};

/** With the rehearsal before the fence, somebody may have changed the schema in between: that was not rehearsed. */
async function refuseUnrehearsed(evidence: RunEvidence): Promise<void> {
  if (!(await evidence.read(Doc.record("staging")))) return;
  const changed = differencesOfCopy(
    await evidence.need<Fingerprint>(Doc.fingerprint("staging")),
    await evidence.need<Fingerprint>(Doc.fingerprint("before")),
  );
  if (changed.length > 0)
    throw new SluiceError(
      ErrorName.BackupMismatch,
      `Production's catalog is not the one that was rehearsed any more: ${changed.slice(0, 10).join("; ")}. Start a new run.`,
    );
}
