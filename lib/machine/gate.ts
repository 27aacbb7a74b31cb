import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import type { GateDoc } from "../../lambdas/shared/documents.ts";
import { APPLIED, about, NEXT, thereIsNone } from "./migration-sequence.ts";
import { GATE_TIME as ANSWER, GOES_ON, type States } from "./states.ts";
import type { Way } from "./way.ts";

/** Where a restore may go back to a moment, and people are to know whether it could by now. */
export type LooksAtBackup = true;

const IS_GO = sfn.Condition.stringEquals(`${ANSWER}.decision`, "Go");

type Kind = GateDoc["kind"];

/** A gate that a run comes to once. Its text and its time are the plan's; the task before it says its time. */
export function gate(kind: Exclude<Kind, "after">, looks?: LooksAtBackup) {
  return (states: States, { go, noGo }: Readonly<Record<"go" | "noGo", Way>>): sfn.State => {
    const { ask, decided } = asked(states, kind, {}, noGo);
    go.from((to) => void decided.when(IS_GO, to));
    return looks ? lookThen(states, kind, {}, ask) : ask;
  };
}

/** The same where a failure leads to it, which says no time: a task of its own does. */
export function gateAfterFailure(kind: "keep" | "restore", looks?: LooksAtBackup) {
  return (states: States, { go, noGo }: Readonly<Record<"go" | "noGo", Way>>): sfn.State => {
    const time = states.task(`Time: ${kind}`, {
      comment: "How long this gate may be open: its own minutes, but no longer than the maintenance window.",
      capability: "gate",
      payload: { kind, action: "time" },
      resultPath: ANSWER,
      onFailure: noGo,
    });
    time.leadTo(gate(kind)(states, { go, noGo }));
    return looks ? lookThen(states, kind, {}, time.first) : time.first;
  };
}

/** The gate after a migration: a Go leads to the next one, if there is one. */
export function gateAfter(looks?: LooksAtBackup) {
  return (
    states: States,
    { next, done, noGo }: Readonly<Record<"next" | "done" | "noGo", Way>>,
  ): sfn.State => {
    const { ask, decided } = asked(states, "after", about(APPLIED), noGo);
    // The checks before it say what is next and, beside that, how long the gate may be open.
    const time = new sfn.Pass(states, "Time: after", {
      comment: "How long this gate may be open, as the checks before it have said.",
      parameters: {
        until: sfn.JsonPath.stringAt(`${NEXT}.until`),
        seconds: sfn.JsonPath.numberAt(`${NEXT}.seconds`),
      },
      resultPath: ANSWER,
    });
    time.next(ask);
    next.from((to) => void decided.when(sfn.Condition.and(IS_GO, sfn.Condition.not(thereIsNone(NEXT))), to));
    done.from((to) => void decided.when(sfn.Condition.and(IS_GO, thereIsNone(NEXT)), to));
    return looks ? lookThen(states, "after", about(APPLIED), time) : time;
  };
}

/**
 * A go/no-go gate: asks, escalates once when nobody answers, checks that what the Go was given for is
 * still so, and asks again when it is not. No answer is a No-Go, and so is any failure.
 */
function asked(
  states: States,
  kind: Kind,
  about: Record<string, unknown>,
  noGo: Way,
): { ask: sfn.State; decided: sfn.Choice } {
  const common = { capability: "gate", resultPath: ANSWER, onFailure: noGo } as const;
  const payload = { kind, ...about };
  const confirm = states.task(`Confirm: ${kind}`, {
    ...common,
    comment:
      "Before a Go takes effect: is what it was given for still so? Without an answer: escalate, or No-Go.",
    payload: { ...payload, action: "confirm", answer: sfn.JsonPath.objectAt(ANSWER) },
  });
  const waiting = {
    ...common,
    secondsPath: `${ANSWER}.seconds`,
    onTimeout: confirm.first,
    byWavePath: `${ANSWER}.byWave`,
  };
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
  ask.leadTo(confirm.first);
  escalate.leadTo(confirm.first);
  confirm.leadTo(decided);
  decided.when(sfn.Condition.stringEquals(`${ANSWER}.decision`, "Escalate"), escalate.first);
  decided.when(sfn.Condition.stringEquals(`${ANSWER}.decision`, "Ask"), ask.first);
  noGo.from((to) => void decided.otherwise(to));
  return { ask: ask.first, decided };
}

/** Whoever is in the database's network cannot ask the fleet, so this is a state of its own. No gate fails for it. */
function lookThen(states: States, kind: Kind, about: Record<string, unknown>, next: sfn.State): sfn.State {
  const look = states.task(`Look at the backup: ${kind}`, {
    comment: "Whether production can be restored to the moment by now: people are shown that.",
    capability: "snapshot",
    payload: { ...about, action: "lookAtMoment" },
    retries: 1,
    onFailure: GOES_ON,
    failurePath: "$.unseen",
  });
  look.leadTo(next);
  return look.first;
}
