import * as z from "zod";
import { Doc } from "../shared/documents.ts";
import { messageOf } from "../shared/errors.ts";
import { DONE, runFields, type Task } from "../shared/task.ts";
import { fence, leave, lift } from "./fence.ts";
import { setGoing } from "./stilled.ts";

const event = z.discriminatedUnion("action", [
  z.strictObject({ ...runFields, action: z.literal("fence"), again: z.boolean() }),
  z.strictObject({ ...runFields, action: z.literal("lift") }),
  z.strictObject({ ...runFields, action: z.literal("leave") }),
]);

export const fenceTask: Task<z.infer<typeof event>> = {
  name: "fence",
  event,
  async run(request, ports, evidence) {
    if (request.action === "fence") {
      await fence(ports, evidence, request.execution, request.again);
      return DONE;
    }
    if (request.action === "lift") {
      await evidence.keep(Doc.fenceLifting, { at: ports.clock.now().toISOString() });
      await lift(ports, evidence);
      // No reason to go back: the end of the run tries again, and reports what is still not given back.
      await setGoing(ports, evidence).catch((error: unknown) => ports.progress(messageOf(error)));
      return DONE;
    }
    // Each is given back also where another cannot be.
    const failed: unknown[] = [];
    for (const give of [lift, setGoing, leave])
      await give(ports, evidence).catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw failed[0];
    return DONE;
  },
};
