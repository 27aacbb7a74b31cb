import * as z from "zod";
import { Doc } from "../shared/documents.ts";
import { DONE, runFields, type Task } from "../shared/task.ts";
import { fence, leave, lift } from "./fence.ts";

const event = z.discriminatedUnion("action", [
  z.strictObject({ ...runFields, action: z.literal("fence"), again: z.boolean() }),
  z.strictObject({ ...runFields, action: z.literal("lift") }),
  z.strictObject({ ...runFields, action: z.literal("leave") }),
]);

export const fenceTask: Task<z.infer<typeof event>> = {
  name: "fence",
  event,
  async run(request, ports, evidence) {
    if (request.action === "lift")
      await evidence.keep(Doc.fenceLifting, { at: ports.clock.now().toISOString() });
    if (request.action === "fence") await fence(ports, evidence, request.execution, request.again);
    else await lift(ports, evidence);
    if (request.action === "leave") await leave(ports, evidence);
    return DONE;
  },
};
