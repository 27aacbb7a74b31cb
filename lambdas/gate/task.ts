import * as z from "zod";
import { refuseAnotherPlan, runFields, type Task } from "../shared/task.ts";
import { confirmGate } from "./confirm.ts";
import { GATE_NAME } from "./link.ts";
import { openGate } from "./open.ts";

const gateFields = {
  ...runFields,
  gate: z.string().regex(GATE_NAME),
  kind: z.enum(["readiness", "rehearsal", "after", "open", "keep", "restore"]),
  // CloudFormation drops nulls from the definition.
  version: z.string().nullable().default(null),
};

const event = z.discriminatedUnion("action", [
  z.object({ ...gateFields, action: z.literal("open"), token: z.string().min(1), escalation: z.boolean() }),
  z.object({
    ...gateFields,
    action: z.literal("confirm"),
    // The machine passes on what it was answered. Whoever may answer for the page may answer anything: only a Go is one.
    answer: z.object({ decision: z.enum(["Go", "NoGo"]) }).catch({ decision: "NoGo" }),
  }),
]);

export const gateTask: Task<z.infer<typeof event>> = {
  name: "gate",
  event,
  // Another plan deployed while a run is under way must not keep people from having the snapshot restored.
  anyPlan: true,
  async run(event, ports, evidence) {
    if (event.kind !== "restore") refuseAnotherPlan(event.planChecksum, ports.plan.checksum);
    return event.action === "open"
      ? openGate(event, ports, evidence)
      : confirmGate({ ...event, decision: event.answer.decision }, ports, evidence);
  },
};
