import { expect, test } from "vitest";
import { runPlan } from "../support/rehearsal.ts";

/** A whole rehearsal, beside another test file, on a slow machine. */
const LONG = { timeout: 600_000 };

test(
  "the bundled plan measures and meets every success criterion on the embedded Postgres",
  LONG,
  async () => {
    const { end } = await runPlan({ plan: "sql/knowledge-graph" });
    expect(end.end).toBe("Succeeded");
    const { criteria, benchmarks, watch, downtime, timeline } = end.report;
    expect(criteria.map(({ title, status }) => `${status}: ${title}`)).toEqual([
      "met: All 3 migrations are executed",
      "met: All checks pass on production",
      "met: No data is lost",
      "met: Isolation holds for the application's roles",
      "met: Vector search: p95 within 100 ms",
      "met: Graph traversal, 2 hops: p95 within 200 ms",
      "met: Similar capabilities by the search function: p95 within 100 ms",
      "met: Hybrid search by meaning, words and graph: p95 within 250 ms",
      "met: Shortest path of up to 5 hops: p95 within 200 ms",
      "met: Row security overhead: p95 within 10 ms",
      "met: The application starts and connects",
      "met: Integration tests pass",
      "met: No rollback was required",
    ]);
    // Measured on rows that production has itself, not on generated ones.
    for (const { production, staging } of benchmarks) {
      expect(production?.runs).toBeGreaterThanOrEqual(5);
      expect(staging?.generated).toBe(false);
    }
    expect(watch?.metrics.filter(({ standing }) => standing === "alert")).toEqual([]);
    // The plan's hours are production's.
    expect(downtime.parts.map(({ by }) => by)).not.toContain("plan");
    expect(timeline.phases.map(({ predictedBy }) => predictedBy)).not.toContain("plan");
  },
);
