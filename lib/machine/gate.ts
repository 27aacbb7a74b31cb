import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import type { GateDoc } from "../../lambdas/shared/documents.ts";
import { APPLIED, about, NEXT, thereIsNone } from "./migration-sequence.ts";
import { inOrder, type Segment } from "./segment.ts";
import { GOES_ON, type States } from "./states.ts";
import type { Way } from "./way.ts";

// Where the machine's state holds a gate's time, and then its answer. Step Functions looks up a timeout in a state's
// input, other interpreters in what the state sends: in both it is at this path.
const ANSWER = "$.Payload";

/** Where a restore may go back to a moment, and people are to know whether it could by now. */
export type LooksAtBackup = true;

const IS_GO = sfn.Condition.stringEquals(`${ANSWER}.decision`, "Go");

/** A gate that a run comes to once. Its text and its time are the plan's. */
export function gate(kind: Exclude<GateDoc["kind"], "after">, looks?: LooksAtBackup) {
  return (states: States, { go, noGo }: Readonly<Record<"go" | "noGo", Way>>): sfn.State => {
    const { first, decided } = asked(states, kind, {}, noGo, looks);
    go.from((to) => void decided.when(IS_GO, to));
    return first;
  };
}

/** The gate after a migration: a Go leads to the next one, if there is one. */
export function gateAfter(looks?: LooksAtBackup) {
  return (
    states: States,
    { next, done, noGo }: Readonly<Record<"next" | "done" | "noGo", Way>>,
  ): sfn.State => {
    const { first, decided } = asked(states, "after", about(APPLIED), noGo, looks);
    next.from((to) => void decided.when(sfn.Condition.and(IS_GO, sfn.Condition.not(thereIsNone(NEXT))), to));
    done.from((to) => void decided.when(sfn.Condition.and(IS_GO, thereIsNone(NEXT)), to));
    return first;
  };
}

/**
 * A go/no-go gate: sets its time, asks, escalates once when nobody answers, checks that what the Go was given for is
 * still so, and asks again when it is not. No answer is a No-Go, and so is any failure.
 */
function asked(
  states: States,
  kind: GateDoc["kind"],
  about: Record<string, unknown>,
  noGo: Way,
  looks: LooksAtBackup | undefined,
): { first: sfn.State; decided: sfn.Choice } {
  const common = { capability: "gate", resultPath: ANSWER, onFailure: noGo } as const;
  const payload = { kind, ...about };
  const time = states.task(`Time: ${kind}`, {
    ...common,
    comment: "How long this gate may be open: its own minutes, but no longer than the maintenance window.",
    payload: { ...payload, action: "time" },
  });
  const confirm = states.task(`Confirm: ${kind}`, {
    ...common,
    comment:
      "Before a Go takes effect: is what it was given for still so? Without an answer: escalate, or No-Go.",
    payload: { ...payload, action: "confirm", answer: sfn.JsonPath.objectAt(ANSWER) },
  });
  const waiting = { ...common, secondsPath: `${ANSWER}.seconds`, onTimeout: confirm.first };
  const open = {
    ...payload,
    action: "open",
    until: sfn.JsonPath.stringAt(`${ANSWER}.until`),
    seconds: sfn.JsonPath.numberAt(`${ANSWER}.seconds`),
  };
  const ask = states.waitForAnswer(`Gate: ${kind}`, {
    ...waiting,
    comment: "Sends the approvers a link and waits for a Go or a No-Go.",
    payload: { ...open, escalation: false },
    timeoutPath: `${ANSWER}.unanswered`,
  });
  const escalate = states.waitForAnswer(`Escalate: ${kind}`, {
    ...waiting,
    comment: "Nobody answered: asks the escalation contacts, with a new link. The old one is superseded.",
    payload: { ...open, escalation: true },
    timeoutPath: `${ANSWER}.unansweredAgain`,
  });
  const decided = new sfn.Choice(states, `Decided: ${kind}`);
  time.leadTo(ask.first);
  ask.leadTo(confirm.first);
  escalate.leadTo(confirm.first);
  confirm.leadTo(decided);
  decided.when(sfn.Condition.stringEquals(`${ANSWER}.decision`, "Escalate"), escalate.first);
  decided.when(sfn.Condition.stringEquals(`${ANSWER}.decision`, "Ask"), time.first);
  noGo.from((to) => void decided.otherwise(to));
  return { first: looks ? looksFirst(states, kind, about, time).first : time.first, decided };
}

/** Whoever is in the database's network cannot ask the fleet, so this is a state of its own. No gate fails for it. */
function looksFirst(
  states: States,
  kind: GateDoc["kind"],
  about: Record<string, unknown>,
  time: Segment,
): Segment {
  const look = states.task(`Look at the backup: ${kind}`, {
    comment: "Whether production can be restored to the moment by now: people are shown that.",
    capability: "snapshot",
    payload: { ...about, action: "lookAtMoment" },
    retries: 1,
    onFailure: GOES_ON,
    failurePath: "$.unseen",
  });
  return inOrder(look, time);
}
