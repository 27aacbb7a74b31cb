import * as z from "zod";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import { runFields, type Task } from "../shared/task.ts";
import type { Heard } from "./close.ts";
import { confirmGate } from "./confirm.ts";
import { GATE_NAME } from "./link.ts";
import { openGate } from "./open.ts";
import { timeLeft } from "./time.ts";

const gateFields = {
  ...runFields,
  gate: z.string().regex(GATE_NAME),
  kind: z.enum(["readiness", "rehearsal", "after", "open", "keep", "restore"]),
  // CloudFormation drops nulls from the definition.
  version: z.string().nullable().default(null),
};

// What the machine passes on: an answer, or what it caught when none came. Whoever may answer for the page may answer
// anything: only a Go is one.
const answer = z
  .looseObject({ decision: z.enum(["Go", "NoGo"]).optional().catch(undefined) })
  .transform((said): Heard => {
    if (said.decision) return said.decision;
    if ("unansweredAgain" in said) return "nothing again";
    return "unanswered" in said ? "nothing" : "NoGo";
  })
  .catch("NoGo");

const event = z.discriminatedUnion("action", [
  z.object({ ...gateFields, action: z.literal("time"), minutes: z.number().positive() }),
  z.object({
    ...gateFields,
    action: z.literal("open"),
    token: z.string().min(1),
    escalation: z.boolean(),
    until: z.iso.datetime(),
  }),
  z.object({ ...gateFields, action: z.literal("confirm"), minutes: z.number().positive(), answer }),
]);

export const gateTask: Task<z.infer<typeof event>> = {
  name: "gate",
  event,
  async run(event, ports, evidence) {
    switch (event.action) {
      case "open":
        return openGate(event, ports, evidence);
      case "confirm":
        return confirmGate({ ...event, heard: event.answer }, ports, evidence);
      case "time": {
        const time = await timeLeft(event, ports, evidence);
        if (time) return time;
        throw new SluiceError(
          ErrorName.WindowClosed,
          `The maintenance window had ended before gate ${event.gate} was asked: that counts as a No-Go.`,
        );
      }
    }
  },
};
