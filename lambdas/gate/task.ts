import * as z from "zod";
import { runFields, type Task } from "../shared/task.ts";
import type { Heard } from "./close.ts";
import { confirmGate } from "./confirm.ts";
import { GATE_KINDS, gateName } from "./kinds.ts";
import { openGate } from "./open.ts";
import { needTime } from "./time.ts";

const gateFields = {
  ...runFields,
  kind: z.enum(GATE_KINDS),
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
  z.object({ ...gateFields, action: z.literal("time") }),
  z.object({
    ...gateFields,
    action: z.literal("open"),
    token: z.string().min(1),
    escalation: z.boolean(),
    until: z.iso.datetime(),
  }),
  z.object({ ...gateFields, action: z.literal("confirm"), answer }),
]);

export const gateTask: Task<z.infer<typeof event>> = {
  name: "gate",
  event,
  async run(event, ports, evidence) {
    const { kind, version } = event;
    const gate = gateName(kind, version);
    const { minutes } = ports.plan.gates[kind];
    switch (event.action) {
      case "open":
        return openGate({ ...event, gate, version: version ?? null }, ports, evidence);
      case "confirm":
        return confirmGate({ gate, kind, minutes, heard: event.answer }, ports, evidence);
      case "time":
        return needTime({ gate, kind, minutes }, ports, evidence);
    }
  },
};
