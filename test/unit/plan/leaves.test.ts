import { describe, expect, test } from "vitest";
import { leavesOf } from "../../../lib/plan/leaves.ts";

describe("what a rollback may leave is read", () => {
  test.each([
    ["an existing object", "extension hstore", ["extension hstore"]],
    ["the same in a proof's words", "extension hstore added", ["extension hstore"]],
    ["a missing object", "index public.i removed", ["index public.i removed"]],
    ["a line", "enum public.s: label: a", ["enum public.s: label: a"]],
    ["a line in a proof's words", 'enum public.s changed: now "label: a"', ["enum public.s: label: a"]],
    [
      "two lines of one sentence",
      'enum public.s changed: now "label: a" and "label: b"',
      ["enum public.s: label: a", "enum public.s: label: b"],
    ],
    [
      "a line instead of another",
      'column public.t.c changed: was "default: 1", now "default: 2"',
      ["column public.t.c: without default: 1", "column public.t.c: default: 2"],
    ],
    ["a lost line", 'column public.t.c changed: was "not null"', ["column public.t.c: without not null"]],
    ["a name with spaces and quotes", 'enum public."My state"', ['enum public."My state"']],
    ["over several lines", "enum public.s:\n  label: a", ["enum public.s: label: a"]],
  ])("as %s", (_what, text, expected) => {
    expect(leavesOf(text)).toEqual(expected);
  });

  test.each([
    ["a name alone", "archived"],
    ["nothing", " "],
    ["a sentence that was cut", 'enum public.s changed: now "…l: a"'],
    ["an object that a proof does not name either", "enum public.s changed: its lines are in another order"],
    ["a change without its kind", "enum public.s changed"],
  ])("and not as %s", (_what, text) => {
    expect(leavesOf(text)).toBeUndefined();
  });
});
