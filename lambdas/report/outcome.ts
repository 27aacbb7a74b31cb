import type { End, OutcomeDoc } from "../shared/documents.ts";
import type { Caught } from "./caught.ts";
import { causeOf } from "./cause.ts";
import type { Facts } from "./facts.ts";
import { leftBehindOf } from "./left-behind.ts";
import { shorten } from "./words.ts";

/** What a Fail state shows of a cause; operators read it at night, on a small screen. */
export const LONGEST_CAUSE = 2_000;

const LEFT_BEHIND = "LEFT BEHIND: ";

/** The cause for where its end is a headline already and what was left behind is listed beside it. */
export function causeAlone(cause: string, end: string): string {
  const alone = cause.startsWith(`${end}: `) ? cause.slice(end.length + 2) : cause;
  const at = alone.lastIndexOf(` ${LEFT_BEHIND}`);
  const text = at === -1 ? alone : alone.slice(0, at);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

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
  const left = leftBehind.length === 0 ? "Nothing was left behind." : `${LEFT_BEHIND}${leftBehind.join(" ")}`;
  // The excerpt of a statement ends in a line with a caret: what follows begins a line of its own.
  const then = why.includes("\n") ? "\n" : " ";
  return { at, end, cause: shorten(`${end}: ${why}${then}${done} ${left}`, LONGEST_CAUSE), leftBehind };
}
