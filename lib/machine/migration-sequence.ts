import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { EVERYTHING, type Target } from "../../lambdas/shared/documents.ts";
import { type Follows, NO_MIGRATION } from "../../lambdas/shared/next-migration.ts";
import type { Loop, Segment } from "./segment.ts";
import type { Only, States } from "./states.ts";
import type { Way } from "./way.ts";

/** Where the machine's state holds the next migration: its version and title, or that there is none. */
export const NEXT = "$.next";

/** Where it holds the current migration, and what follows it. */
export const APPLIED = "$.migration";

/** Hours that one migration may take in all, however many workers it needs. */
const LIMIT_MINUTES = 12 * 60;

/** What a state gets about the migration at that path; the console shows it. */
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

/** How often a migration is applied to one target; the third time is on a second copy. */
type Round = 1 | 2 | 3;

const ROUNDS: Readonly<Record<Round, string>> = { 1: "", 2: " again", 3: " after the restore" };
const ONLY: Readonly<Partial<Record<Round, Only>>> = { 2: "with a rollback", 3: "after the restore" };

/** Applies the next migration; its answer makes that the current one. Again: applies the current one once more. */
export function apply(
  states: States,
  { target, round, onFailure }: { target: Target; round: Round; onFailure: Way },
): Loop {
  return states.loop(`Apply to ${target}${ROUNDS[round]}`, {
    comment: "Runs its migrate.sql, step by step. Returns what follows it.",
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
    /** Where it leads, if that differs between migrations: then each way has its own state. */
    leads?: "ask" | "go on" | "restore" | "end";
    onFailure: Way;
  },
): Segment {
  const called = `Validate on ${target}${ROUNDS[round]}`;
  const moves = leads === "ask" || leads === "go on";
  return states.task(leads === undefined ? called : `${called}, then ${leads}`, {
    called,
    comment: `Runs the checks of its validate.sql; what they write is rolled back.${moves ? " Returns the next migration." : ""}`,
    capability: "validate",
    only: ONLY[round],
    payload: { target, ...about(APPLIED), round: String(round) },
    ...(moves ? { resultPath: NEXT } : {}),
    ...(leads === "ask" ? { asks: "after" } : {}),
    onFailure,
  });
}

/** Applies and validates on production, one migration after another, until a gate follows. */
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

/** All checks of all migrations again, as a later migration may have broken an earlier one's. */
export function validateEverything(states: States, target: Target, onFailure: Way): Segment {
  return states.task(`Validate everything on ${target}`, {
    comment: "Runs all checks of all migrations again, now that all are applied.",
    capability: "validate",
    payload: { target, round: EVERYTHING },
    onFailure,
  });
}
