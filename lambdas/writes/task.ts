import * as z from "zod";
import { firstMigration } from "../shared/next-migration.ts";
import { DONE, RUNNING, runFields, type Task } from "../shared/task.ts";
import { countLoss } from "./count.ts";
import { refuseWrites } from "./look.ts";

const event = z.strictObject({ ...runFields, action: z.enum(["look", "count"]) });

/** Tells what was written to production since it was recorded. */
export const writesTask: Task<z.infer<typeof event>> = {
  name: "writes",
  event,
  async run({ action }, ports, evidence) {
    if (action === "count") return (await countLoss(ports, evidence)) ? DONE : RUNNING;
    await refuseWrites(ports, evidence);
    return { ...DONE, ...firstMigration(ports.plan) };
  },
};
