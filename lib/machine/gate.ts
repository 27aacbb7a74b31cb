import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import type { GateDoc } from "../../lambdas/shared/documents.ts";
import { APPLIED, about, NEXT, thereIsNone } from "./migration-sequence.ts";
import { GATE_TIME as ANSWER, GOES_ON, type States } from "./states.ts";
import type { Way } from "./way.ts";

/** Set if a restore may go back to a moment, so that the gate shows whether that is possible yet. */
export type LooksAtBackup = true;

const IS_GO = sfn.Condition.stringEquals(`${ANSWER}.decision`, "Go");

type Kind = GateDoc["kind"];

/** A gate that opens once in a run. The plan has its text and its time; the answer of the task before it has the time. */
export function gate(kind: Exclude<Kind, "after">, looks?: LooksAtBackup) {
  return (states: States, { go, noGo }: Readonly<Record<"go" | "noGo", Way>>): sfn.State => {
    const { ask, decided } = asked(states, kind, {}, noGo);
    go.from((to) => void decided.when(IS_GO, to));
    return looks ? lookThen(states, kind, {}, ask) : ask;
  };
}

/** The same gate after a failure, which brings no time: a task of its own does. */
export function gateAfterFailure(kind: "keep" | "restore", looks?: LooksAtBackup) {
  return (states: States, { go, noGo }: Readonly<Record<"go" | "noGo", Way>>): sfn.State => {
    const time = states.task(`Time: ${kind}`, {
      comment: "Seconds that this gate may be open: its own minutes, but not beyond the maintenance window.",
      capability: "gate",
      payload: { kind, action: "time" },
      resultPath: ANSWER,
      onFailure: noGo,
    });
    time.leadTo(gate(kind)(states, { go, noGo }));
    return looks ? lookThen(states, kind, {}, time.first) : time.first;
  };
}

/** The gate after a migration: a Go leads to the next one, if any. */
export function gateAfter(looks?: LooksAtBackup) {
  return (
    states: States,
    { next, done, noGo }: Readonly<Record<"next" | "done" | "noGo", Way>>,
  ): sfn.State => {
    const { ask, decided } = asked(states, "after", about(APPLIED), noGo);
    // The answer of the checks before it has the next migration, and beside it the gate's time.
    const time = new sfn.Pass(states, "Time: after", {
      comment: "Seconds that this gate may be open, from the answer of the checks before it.",
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
 * A go/no-go gate: opens, escalates once if nobody answers, checks that what the Go was given for still holds, and opens
 * again if it does not. No answer is a No-Go, and so is any failure.
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
      "Before a Go takes effect, checks that what it was given for still holds. Without an answer: escalates, or decides No-Go.",
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
    comment: "Nobody answered: sends the escalation contacts a new link, which replaces the old one.",
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

/** A function in the database's network cannot call the RDS API, so this is its own state. Its failure fails no gate. */
function lookThen(states: States, kind: Kind, about: Record<string, unknown>, next: sfn.State): sfn.State {
  const look = states.task(`Look at the backup: ${kind}`, {
    comment: "Whether production can be restored to the moment yet; the gate shows it.",
    capability: "snapshot",
    payload: { ...about, action: "lookAtMoment" },
    retries: 1,
    onFailure: GOES_ON,
    failurePath: "$.unseen",
  });
  look.leadTo(next);
  return look.first;
}
