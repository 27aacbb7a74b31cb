import type { Target } from "../shared/documents.ts";
import type { Facts } from "./facts.ts";
import type { MigrationReport } from "./schema.ts";

/** What was done to each target with each migration of the plan, in the plan's order. */
export function migrationsOf(facts: Facts): MigrationReport[] {
  return facts.plan.migrations.map(({ version, title, expectedMinutes }) => ({
    version,
    title,
    expectedSeconds: expectedMinutes * 60,
    staging: sideOf(facts, "staging", version),
    production: sideOf(facts, "production", version),
  }));
}

function sideOf({ steps, checks }: Facts, target: Target, version: string): MigrationReport["staging"] {
  const mine = (doc: { target: Target; version: string }) => doc.target === target && doc.version === version;
  return {
    passes: steps.filter(mine).map((doc) => ({
      direction: doc.direction,
      round: doc.round,
      startedAt: doc.startedAt,
      endedAt: doc.endedAt,
      seconds: doc.seconds,
      steps: doc.steps.map(({ name, at, startedAt, seconds, gaveWay }) => ({
        name,
        at,
        startedAt,
        seconds,
        gaveWay,
      })),
      evidence: [doc.evidence],
    })),
    checks: checks.filter(mine).map((doc) => ({
      at: doc.at,
      round: doc.round,
      seconds: doc.seconds,
      results: doc.results.map(({ name, at, as, passed, expected, seen }) => ({
        name,
        at,
        as,
        passed,
        expected,
        seen,
      })),
      evidence: [doc.evidence],
    })),
  };
}
