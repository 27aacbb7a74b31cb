import type { Facts } from "./facts.ts";
import type { Report } from "./schema.ts";
import { toMilliseconds } from "./words.ts";

/** What production's steps held that others would have waited for, and what they waited for themselves. */
export function locksOf({ steps }: Facts): Report["locks"] {
  const onProduction = steps
    .filter(({ target }) => target === "production")
    .flatMap(({ version, steps }) => steps.map((step) => ({ version, ...step })));
  if (onProduction.length === 0) return null;
  const held = onProduction
    .flatMap(({ version, name, locks }) => locks.map((lock) => ({ ...lock, version, step: name })))
    .sort((a, b) => b.seconds - a.seconds);
  const sum = (values: readonly number[]) => toMilliseconds(values.reduce((all, value) => all + value, 0));
  return {
    longest: held[0] ?? null,
    // The locks of one step are held at the same time.
    heldSeconds: sum(onProduction.map(({ locks }) => Math.max(0, ...locks.map(({ seconds }) => seconds)))),
    gaveWay: sum(onProduction.map(({ gaveWay }) => gaveWay)),
    waitedSeconds: sum(onProduction.flatMap(({ waits }) => waits.map(({ seconds }) => seconds))),
  };
}
