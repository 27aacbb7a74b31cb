import type { End, OutcomeDoc } from "../shared/documents.ts";
import type { Caught } from "./caught.ts";
import { causeOf } from "./cause.ts";
import type { Facts } from "./facts.ts";
import { leftBehindOf } from "./left-behind.ts";
import { shorten } from "./words.ts";

/** What a Fail state shows of a cause; operators read it at night, on a small screen. */
export const LONGEST_CAUSE = 2_000;

/** The end in words: why, what was done about it, and what was left behind. Decides nothing about the end itself. */
export function outcomeOf(
  facts: Facts,
  end: End,
  at: string,
  failure: Caught | undefined,
  unfinished: Readonly<Record<string, Caught>>,
): OutcomeDoc {
  const { why, done } = causeOf(facts, end, failure);
  const leftBehind = leftBehindOf(facts, unfinished);
  const left = leftBehind.length === 0 ? "Nothing was left behind." : `LEFT BEHIND: ${leftBehind.join(" ")}`;
  return { at, end, cause: shorten(`${end}: ${why} ${done} ${left}`, LONGEST_CAUSE), leftBehind };
}
