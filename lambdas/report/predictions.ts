import type { Facts } from "./facts.ts";
import { partsOf } from "./parts.ts";
import { toMilliseconds } from "./words.ts";

export interface Prediction {
  seconds: number;
  by: "plan" | "rehearsal";
}

/** What each phase of production is expected to last: by the plan, or by the rehearsal as soon as it measured it. */
export function predictionsOf(facts: Facts): Map<string, Prediction> {
  const { expectedMinutes, migrations } = facts.plan;
  const by = new Map<string, Prediction>();
  const plan = (id: string, minutes: number | undefined) => {
    if (minutes !== undefined) by.set(id, { seconds: minutes * 60, by: "plan" });
  };
  plan("admit", expectedMinutes?.admit);
  for (const { version, expectedMinutes } of migrations) plan(`migrate-${version}`, expectedMinutes);
  plan("prove", expectedMinutes?.prove);
  plan("open", expectedMinutes?.open);
  for (const [id, parts] of partsOf(facts)) {
    const seconds = parts.map(({ predictedSeconds }) => predictedSeconds).filter((part) => part !== null);
    // A phase is predicted by all of its parts, or not by them.
    if (parts.length > 0 && seconds.length === parts.length)
      by.set(id, { seconds: toMilliseconds(seconds.reduce((sum, part) => sum + part, 0)), by: "rehearsal" });
  }
  return by;
}
