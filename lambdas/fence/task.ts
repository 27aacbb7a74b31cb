import * as z from "zod";
import { DONE, runFields, type Task } from "../shared/task.ts";
import { fence, lift } from "./fence.ts";

const event = z.discriminatedUnion("action", [
  z.strictObject({ ...runFields, action: z.literal("fence"), again: z.boolean() }),
  z.strictObject({ ...runFields, action: z.literal("lift") }),
]);

export const fenceTask: Task<z.infer<typeof event>> = {
  name: "fence",
  event,
  anyPlan: true,
  async run(request, ports, evidence) {
    if (request.action === "fence") await fence(ports, evidence, request.again);
    else await lift(ports, evidence);
    return DONE;
  },
};
