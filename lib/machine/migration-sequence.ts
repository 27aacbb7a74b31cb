import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { EVERYTHING, type Target } from "../../lambdas/shared/documents.ts";
import { type Follows, NO_MIGRATION } from "../../lambdas/shared/next-migration.ts";
import type { Loop, Segment } from "./segment.ts";
import type { Only, States } from "./states.ts";
import type { Way } from "./way.ts";

/** Where the machine's state holds the migration that comes next: its version and title, or that there is none. */
export const NEXT = "$.next";

/** Where it holds the one that is being worked on, and what follows it. */
export const APPLIED = "$.migration";

/** Hours that one migration may take in all, over as many workers as it needs. */
const LIMIT_MINUTES = 12 * 60;

/** What a state is told of the migration at that path; the console shows it. */
export function about(path: string): Record<"version" | "title", string> {
  return {
    version: sfn.JsonPath.stringAt(`${path}.version`),
    title: sfn.JsonPath.stringAt(`${path}.title`),
  };
}

export function thereIsNone(path: string): sfn.Condition {
  return sfn.Condition.stringEquals(`${path}.version`, NO_MIGRATION.version);
}

export function follows(what: Follows): sfn.Condition {
  return sfn.Condition.stringEquals(`${APPLIED}.follows`, what);
}

/** How often a migration is applied to one target; the third time to a copy that was restored anew. */
type Round = 1 | 2 | 3;

const ROUNDS: Readonly<Record<Round, string>> = { 1: "", 2: " again", 3: " after the restore" };
const ONLY: Readonly<Partial<Record<Round, Only>>> = { 2: "with a rollback", 3: "after the restore" };

/** Applies the next migration; its answer makes it the one that is worked on. Again: that one, once more. */
export function apply(
  states: States,
  { target, round, onFailure }: { target: Target; round: Round; onFailure: Way },
): Loop {
  return states.loop(`Apply to ${target}${ROUNDS[round]}`, {
    comment: "Runs its migrate.sql, step by step. Says what follows it.",
    capability: "migrate",
    only: ONLY[round],
    payload: { target, ...about(round === 2 ? APPLIED : NEXT), round },
    limitMinutes: LIMIT_MINUTES,
    resultPath: APPLIED,
    onFailure,
  });
}

export function validate(
  states: States,
  {
    target,
    round,
    leads,
    onFailure,
  }: {
    target: Target;
    round: Round;
    /** What is done then, where it is not the same for every migration: a state for each. */
    leads?: "ask" | "go on" | "restore" | "end";
    onFailure: Way;
  },
): Segment {
  const called = `Validate on ${target}${ROUNDS[round]}`;
  const moves = leads === "ask" || leads === "go on";
  return states.task(leads === undefined ? called : `${called}, then ${leads}`, {
    called,
    comment: `Runs the checks of its validate.sql; what they write is rolled back.${moves ? " Says which migration is next." : ""}`,
    capability: "validate",
    only: ONLY[round],
    payload: { target, ...about(APPLIED), round: String(round) },
    ...(moves ? { resultPath: NEXT } : {}),
    ...(leads === "ask" ? { asks: "after" } : {}),
    onFailure,
  });
}

/** Applies and validates on production, one migration after the other, until people are to be asked. */
export function migrate(
  states: States,
  { asked, done, failed }: Readonly<Record<"asked" | "done" | "failed", Way>>,
): sfn.State {
  const common = { target: "production", round: 1, onFailure: failed } as const;
  const applied = apply(states, common);
  const asks = validate(states, { ...common, leads: "ask" });
  const goesOn = validate(states, { ...common, leads: "go on" });
  const ends = validate(states, { ...common, leads: "end" });
  applied.when(follows("gate"), asks.first);
  applied.when(follows("next"), goesOn.first);
  applied.leadTo(ends.first);
  goesOn.leadTo(applied.first);
  asked.from((to) => asks.leadTo(to));
  done.from((to) => ends.leadTo(to));
  return applied.first;
}

/** All checks of all migrations once more: also those that a later migration could have broken. */
export function validateEverything(states: States, target: Target, onFailure: Way): Segment {
  return states.task(`Validate everything on ${target}`, {
    comment: "All checks of all migrations once more, now that all of them stand.",
    capability: "validate",
    payload: { target, round: EVERYTHING },
    onFailure,
  });
}
