import { describe, expect, test } from "vitest";
import {
  limitProblems,
  limitsOf,
  limitsText,
  MOST_DOCUMENT_BYTES,
  MOST_EVENTS,
} from "../../../lib/plan/limits.ts";
import { planOf } from "../../support/plans.ts";

const unasked = (count: number, expectedMinutes = 1) => {
  const plan = planOf(count);
  return {
    ...plan,
    migrations: plan.migrations.map((each) => ({ ...each, unasked: true as const, expectedMinutes })),
  };
};

describe("a plan is refused before it is deployed or published", () => {
  test("if its run's history would not fit, with the number, and accepted if it fits", () => {
    expect(limitProblems(unasked(300))).toEqual([]);
    const [problem] = limitProblems(unasked(400));
    expect(problem).toContain(`400 migrations its history may have ${limitsOf(unasked(400)).events} events`);
    expect(problem).toContain(`after ${MOST_EVENTS}`);
  });

  test("if its migrations take so many workers that their calls alone do not fit", () => {
    expect(limitProblems(unasked(100, 1))).toEqual([]);
    expect(limitProblems(unasked(100, 60))).toEqual([expect.stringContaining("too long for one run")]);
  });

  test("if each of many migrations has a gate: gates take events too", () => {
    expect(limitsOf(planOf(100)).events).toBeGreaterThan(limitsOf(unasked(100)).events);
  });

  test("if a title is so long that a state could not pass it on", () => {
    const titled = (title: string) => {
      const plan = planOf(1);
      return { ...plan, migrations: plan.migrations.map((each) => ({ ...each, title })) };
    };
    expect(limitProblems(titled("x".repeat(10_000)))).toEqual([]);
    const plan = titled("ä".repeat(30_000));
    expect(limitProblems(plan)).toEqual([
      expect.stringContaining(
        `may have ${limitsOf(plan).stateBytes} bytes, and the limit of Step Functions is 262144`,
      ),
    ]);
  });

  test("and an accepted plan shows in the same lines how near the limits it is", () => {
    const [history, sizes] = limitsText(planOf(2), { databases: 3 });
    expect(history).toMatch(/^Up to \d+ of 25000 events in a run's history; \d+ KB compiled, of 16384 KB\.$/);
    expect(sizes).toMatch(
      /^Up to \d+ KB in a state's input, of 256 KB; deployed for 3 databases a template of about \d+ KB, of 977 KB\.$/,
    );
    expect(limitsText(planOf(2), { databases: 1, templateBytes: 1024 })[1]).toContain(
      "deployed for 1 database a template of 1 KB",
    );
  });

  test("if its document is larger than the functions could hold", () => {
    const plan = { ...planOf(1), title: "x".repeat(MOST_DOCUMENT_BYTES) };
    expect(limitProblems(plan)).toEqual([expect.stringMatching(/too large: compiled it has 16\.0 MiB/)]);
  });
});
