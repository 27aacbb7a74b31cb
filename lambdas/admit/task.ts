import * as z from "zod";
import { DONE, runFields, type Task } from "../shared/task.ts";
import { admit } from "./admit.ts";
import { releaseLease } from "./lease.ts";

const event = z.discriminatedUnion("action", [
  z.strictObject({ ...runFields, action: z.literal("admit"), input: z.unknown() }),
  z.strictObject({ ...runFields, action: z.literal("release") }),
]);

export const admitTask: Task<z.infer<typeof event>> = {
  name: "admit",
  event,
  // The lock must be given back whatever is deployed by then.
  anyPlan: true,
  async run(request, ports, evidence) {
    if (request.action === "release") await releaseLease(ports, request.run);
    else {
      await admit(request.input, request, ports, evidence);
    }
    return DONE;
  },
};
