import * as z from "zod";
import { Doc } from "../shared/documents.ts";
import { DONE, runFields, type Task } from "../shared/task.ts";

const event = z.strictObject({ ...runFields, action: z.enum(["silence", "on"]) });

interface SilencedDoc {
  at: string;
  /** Alarms whose actions were on: these, and no others, are turned on again. */
  alarms: string[];
}

export const alarmsTask: Task<z.infer<typeof event>> = {
  name: "alarms",
  event,
  anyPlan: true,
  async run({ action }, ports, evidence) {
    const at = ports.clock.now().toISOString();
    if (action === "silence") {
      const names = ports.settings.alarms;
      const { alarms } = await evidence.once<SilencedDoc>(Doc.alarmsSilenced, async () => ({
        at,
        alarms: await ports.alarms.enabled(names),
      }));
      if (alarms.length > 0) await ports.alarms.disable(alarms);
      return DONE;
    }
    const silenced = await evidence.read<SilencedDoc>(Doc.alarmsSilenced);
    if (!silenced || (await evidence.read(Doc.alarmsOn))) return DONE;
    if (silenced.alarms.length > 0) await ports.alarms.enable(silenced.alarms);
    await evidence.keep<SilencedDoc>(Doc.alarmsOn, { at, alarms: silenced.alarms });
    return DONE;
  },
};
