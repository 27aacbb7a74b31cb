import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import type { GateDoc } from "../../lambdas/shared/documents.ts";
import type { GateText } from "../../lambdas/shared/plan.ts";
import type { Segment } from "./segment.ts";
import type { States } from "./states.ts";

export interface GateOptions {
  kind: GateDoc["kind"];
  text: GateText;
  /** The migration that was just applied, for the gates between migrations. */
  version?: string;
  onNoGo: sfn.State;
}

/**
 * A go/no-go gate: asks, escalates once when nobody answers, checks that what the Go was given for is still so, and
 * asks again when it is not. No answer is a No-Go, and so is any failure.
 */
export function gate(states: States, { kind, text, version, onNoGo }: GateOptions): Segment {
  const name = version === undefined ? kind : `after-${version}`;
  const question = text.question.replaceAll("{version}", version ?? "");
  const payload = { gate: name, kind, ...(version === undefined ? {} : { version }) };

  const escalate = states.waitForAnswer(`Escalate: ${question}`, {
    comment: "Nobody answered: asks the escalation contacts, with a new link. The old one is superseded.",
    capability: "gate",
    payload: { ...payload, action: "open", escalation: true },
    resultPath: "$.gate",
    minutes: text.minutes,
    onTimeout: onNoGo,
    onFailure: onNoGo,
  });
  const ask = states.waitForAnswer(`Gate: ${question}`, {
    comment: "Sends the approvers a link and waits for a Go or a No-Go.",
    capability: "gate",
    payload: { ...payload, action: "open", escalation: false },
    resultPath: "$.gate",
    minutes: text.minutes,
    onTimeout: escalate.first,
    timeoutPath: "$.unanswered",
    onFailure: onNoGo,
  });
  const confirm = states.task(`Confirm: ${question}`, {
    comment: "Before a Go takes effect: is what it was given for still so?",
    capability: "gate",
    payload: { ...payload, action: "confirm", answer: sfn.JsonPath.objectAt("$.gate") },
    resultPath: "$.gate",
    onFailure: onNoGo,
  });
  const decided = new sfn.Choice(states, `Decided: ${question}`);
  ask.leadTo(confirm.first);
  escalate.leadTo(confirm.first);
  confirm.leadTo(decided);
  decided.when(sfn.Condition.stringEquals("$.gate.decision", "Ask"), ask.first);
  decided.otherwise(onNoGo);
  return {
    first: ask.first,
    leadTo: (next) => void decided.when(sfn.Condition.stringEquals("$.gate.decision", "Go"), next),
  };
}
