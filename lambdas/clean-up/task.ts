import * as z from "zod";
import { DONE, RELIEVE_ME, runFields, type Task } from "../shared/task.ts";
import { begin } from "./begin.ts";
import { howFar } from "./how-far.ts";

const event = z.discriminatedUnion("action", [
  z.strictObject({
    ...runFields,
    cleanUp: z.string().min(1),
    action: z.literal("begin"),
    status: z.string().min(1),
  }),
  z.strictObject({ ...runFields, action: z.literal("look") }),
]);

/** What a run left standing that was ended from outside, so that no Catch of its own could lead it back. */
export const cleanUpTask: Task<z.infer<typeof event>> = {
  name: "clean-up",
  event,
  stoppedToo: true,
  async run(request, ports, evidence) {
    if (request.action === "begin") return await begin(request, ports, evidence);
    const came = await howFar(ports, evidence);
    return came === undefined ? RELIEVE_ME : { ...DONE, came };
  },
};
