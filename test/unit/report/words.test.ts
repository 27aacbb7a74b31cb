import { expect, test } from "vitest";
import { sentence } from "../../../lambdas/shared/text.ts";

test.each([
  ["the fence holds", "the fence holds."],
  [" It does. ", "It does."],
  ['They said "go"', 'They said "go".'],
  ['They said "go!"', 'They said "go!"'],
  ["GRANT SELECT ON t TO mig;", "GRANT SELECT ON t TO mig;"],
  ["Two\nlines", "Two\nlines"],
])("%j ends in one mark, and pasted SQL keeps its own", (text, expected) => {
  expect(sentence(text)).toBe(expected);
});
