import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { type GateDoc, gateState } from "../../lambdas/shared/documents.ts";
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

// Where the machine's state holds a gate's time, and then its answer. Step Functions looks up a timeout in a state's
// input, other interpreters in what the state sends: in both it is at this path.
const ANSWER = "$.Payload";

/**
 * A go/no-go gate: sets its time, asks, escalates once when nobody answers, checks that what the Go was given for is
 * still so, and asks again when it is not. No answer is a No-Go, and so is any failure.
 */
export function gate(states: States, { kind, text, version, onNoGo }: GateOptions): Segment {
  const name = version === undefined ? kind : `after-${version}`;
  const question = text.question.replaceAll("{version}", version ?? "");
  const payload = { gate: name, kind, ...(version === undefined ? {} : { version }) };
  const { minutes } = text;

  const time = states.task(gateState("Time", question), {
    comment: "How long this gate may be open: its own minutes, but no longer than the maintenance window.",
    capability: "gate",
    payload: { ...payload, action: "time", minutes },
    resultPath: ANSWER,
    onFailure: onNoGo,
  });
  const confirm = states.task(gateState("Confirm", question), {
    comment:
      "Before a Go takes effect: is what it was given for still so? Without an answer: escalate, or No-Go.",
    capability: "gate",
    payload: { ...payload, action: "confirm", minutes, answer: sfn.JsonPath.objectAt(ANSWER) },
    resultPath: ANSWER,
    onFailure: onNoGo,
  });
  const waiting = { secondsPath: `${ANSWER}.seconds`, resultPath: ANSWER, onTimeout: confirm.first };
  const open = {
    ...payload,
    action: "open",
    until: sfn.JsonPath.stringAt(`${ANSWER}.until`),
    seconds: sfn.JsonPath.numberAt(`${ANSWER}.seconds`),
  };
  const escalate = states.waitForAnswer(`Escalate: ${question}`, {
    ...waiting,
    comment: "Nobody answered: asks the escalation contacts, with a new link. The old one is superseded.",
    capability: "gate",
    payload: { ...open, escalation: true },
    timeoutPath: `${ANSWER}.unansweredAgain`,
    onFailure: onNoGo,
  });
  const ask = states.waitForAnswer(`Gate: ${question}`, {
    ...waiting,
    comment: "Sends the approvers a link and waits for a Go or a No-Go.",
    capability: "gate",
    payload: { ...open, escalation: false },
    timeoutPath: `${ANSWER}.unanswered`,
    onFailure: onNoGo,
  });
  const decided = new sfn.Choice(states, `Decided: ${question}`);
  time.leadTo(ask.first);
  ask.leadTo(confirm.first);
  escalate.leadTo(confirm.first);
  confirm.leadTo(decided);
  decided.when(sfn.Condition.stringEquals(`${ANSWER}.decision`, "Escalate"), escalate.first);
  decided.when(sfn.Condition.stringEquals(`${ANSWER}.decision`, "Ask"), time.first);
  decided.otherwise(onNoGo);
  return {
    first: time.first,
    leadTo: (next) => void decided.when(sfn.Condition.stringEquals(`${ANSWER}.decision`, "Go"), next),
  };
}
