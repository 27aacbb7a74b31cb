import type { Facts } from "./facts.ts";
import { secondsBetween, toMilliseconds } from "./words.ts";

export interface Prediction {
  seconds: number;
  by: "plan" | "rehearsal";
}

/** What each phase of production is expected to last: by the plan, or by the rehearsal as soon as it measured it. */
export function predictionsOf(facts: Facts): Map<string, Prediction> {
  const { expectedMinutes, migrations } = facts.plan;
  const by = new Map<string, Prediction>();
  const plan = (id: string, minutes: number) => by.set(id, { seconds: minutes * 60, by: "plan" });
  const measured = (id: string, seconds: number | null) => {
    if (seconds !== null) by.set(id, { seconds: toMilliseconds(seconds), by: "rehearsal" });
  };
  plan("admit", expectedMinutes.admit);
  measured("fence", backup(facts));
  for (const { version, expectedMinutes } of migrations) {
    plan(`migrate-${version}`, expectedMinutes);
    measured(`migrate-${version}`, rehearsed(facts, version));
  }
  plan("prove", expectedMinutes.prove);
  measured("prove", proving(facts));
  plan("open", expectedMinutes.open);
  return by;
}

/** Applying and validating on staging the last time, when it was warm, as production is. */
function rehearsed({ steps, checks }: Facts, version: string): number | null {
  const applied = steps.findLast(
    (doc) => doc.target === "staging" && doc.version === version && doc.direction === "migrate",
  );
  return applied ? applied.seconds + lastChecks(checks, version) : null;
}

/** The rehearsal's snapshot and its reading of every table, which are what the fence's phase does again. */
function backup({ snapshots, stagingRecord }: Facts): number | null {
  const snapshot = snapshots.find(({ purpose }) => purpose === "rehearsal");
  if (!snapshot?.createdAt || !stagingRecord) return null;
  return secondsBetween(snapshot.createdAt, snapshot.at) + stagingRecord.seconds;
}

/** Reading every table once more, the benchmarks, and all checks. */
function proving({ plan, stagingRecord, benchmarks, checks }: Facts): number | null {
  if (!stagingRecord || !benchmarks.staging) return null;
  const benchmarked = benchmarks.staging.results.reduce(
    (sum, { p50Ms, runs }) => sum + ((p50Ms ?? 0) * runs) / 1000,
    0,
  );
  const checked = plan.migrations.reduce((sum, { version }) => sum + lastChecks(checks, version), 0);
  return stagingRecord.seconds + benchmarked + checked;
}

function lastChecks(checks: Facts["checks"], version: string): number {
  return checks.findLast((doc) => doc.target === "staging" && doc.version === version)?.seconds ?? 0;
}
