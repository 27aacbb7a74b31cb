import * as z from "zod";
import { Doc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { Alarms } from "../shared/ports.ts";
import { DONE, runFields, type Task } from "../shared/task.ts";

const event = z.strictObject({ ...runFields, action: z.enum(["silence", "on"]) });

export const alarmsTask: Task<z.infer<typeof event>> = {
  name: "alarms",
  event,
  async run({ action }, ports, evidence) {
    const at = ports.clock.now().toISOString();
    if (action === "silence") {
      const names = ports.settings.alarms;
      const { alarms } = await evidence.getOrCreate(Doc.alarmsSilenced, async () => ({
        at,
        alarms: await enabledOf(names, ports.alarms),
      }));
      if (alarms.length > 0) await ports.alarms.disable(alarms);
      return DONE;
    }
    const silenced = await evidence.read(Doc.alarmsSilenced);
    if (!silenced || (await evidence.read(Doc.alarmsOn))) return DONE;
    if (silenced.alarms.length > 0) await ports.alarms.enable(silenced.alarms);
    await evidence.createOnce(Doc.alarmsOn, { at, alarms: silenced.alarms });
    return DONE;
  },
};

/** @throws SluiceError RequestInvalid if a name has no alarm: an alarm with a mistyped name would not be silenced. */
async function enabledOf(names: readonly string[], alarms: Alarms): Promise<string[]> {
  const known = new Set(await alarms.known(names));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new SluiceError(
      ErrorName.RequestInvalid,
      `There is no alarm named ${unknown.join(", ")}; no alarm was silenced. Correct the setting \`alarms\`, then deploy.`,
    );
  return await alarms.enabled(names);
}
