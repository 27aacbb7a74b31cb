import * as z from "zod";
import { Doc, type RequestDoc } from "../shared/documents.ts";
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
  async run(request, ports, evidence) {
    if (request.action === "release") {
      const admitted = await evidence.read<RequestDoc>(Doc.request);
      if (admitted) await releaseLease(ports, admitted.instance, request.run);
      return DONE;
    }
    await admit(request.input, request, ports, evidence);
    // The machine tells it to every task that follows.
    return { ...DONE, checksum: (await evidence.need<RequestDoc>(Doc.request)).plan.checksum };
  },
};
