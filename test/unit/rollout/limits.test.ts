import { describe, expect, test } from "vitest";
import { type LimitsInput, rolloutLimits, USD_PER_TRANSITION } from "../../../lambdas/rollout/limits.ts";

const INPUT: LimitsInput = {
  databases: 40,
  instances: 40,
  waves: [1, 4, 35],
  atATime: 5,
  migrations: 3,
  secondsPerRun: 3600,
};

describe("what a rollout needs, before it starts", () => {
  test("its hours are those of its waves, each in rounds of as many runs as may run at a time", () => {
    expect(rolloutLimits(INPUT).hours).toBe(1 + 1 + 7);
    expect(rolloutLimits({ ...INPUT, atATime: 35 }).hours).toBe(3);
  });

  test("stagings count as instances beside the databases' own", () => {
    expect(rolloutLimits(INPUT)).toMatchObject({ instancesAtOnce: 5 });
    expect(rolloutLimits(INPUT).notes.join()).toMatch(/45 instances.*default quota is 40.*DB instances/);
    expect(rolloutLimits({ ...INPUT, instances: 10 }).notes).toEqual([]);
  });

  test("kept snapshots pile up, and those of rehearsals do not", () => {
    const with_ = (more: Partial<LimitsInput>) => rolloutLimits({ ...INPUT, ...more });
    expect(with_({}).snapshotsAtOnce).toBe(5);
    expect(with_({ backup: "snapshot" }).snapshotsAtOnce).toBe(45);
    expect(with_({ backup: "snapshot", keepsSnapshot: true }).snapshotsAtOnce).toBe(85);
    expect(with_({ staging: "clone" }).snapshotsAtOnce).toBe(0);
    const many = { databases: 100, waves: [100], backup: "snapshot" } as const;
    expect(with_(many).notes.join()).toMatch(/105 manual snapshots.*default quota is 100/);
  });

  test("workers that are reserved for each instance count against the account's", () => {
    const { lambdasAtOnce, notes } = rolloutLimits({ ...INPUT, instances: 60, reservedPerInstance: 17 });
    expect(lambdasAtOnce).toBe(60 * 17 + 5 * 13);
    expect(notes.join()).toMatch(/Lambda workers/);
  });

  test("at most as many runs count as under way as the largest wave has databases", () => {
    const { instancesAtOnce } = rolloutLimits({ ...INPUT, databases: 2, waves: [2], atATime: 50 });
    expect(instancesAtOnce).toBe(2);
  });

  test("money is AWS's list price for state transitions, and is labelled so", () => {
    const { usd, stateTransitions, lines } = rolloutLimits({ ...INPUT, databases: 10_000, waves: [10_000] });
    expect(usd).toBeCloseTo(stateTransitions * USD_PER_TRANSITION, 2);
    expect(lines.join("\n")).toMatch(/AWS's list price for us-east-1 \(\$0\.025 for 1,000\)/);
  });

  test("only a need beyond any account's limits refuses a rollout", () => {
    expect(rolloutLimits({ ...INPUT, databases: 10_000, waves: [1, 999, 9_000] }).problems).toEqual([]);
    const { problems } = rolloutLimits({
      ...INPUT,
      databases: 100_000,
      waves: Array.from({ length: 1_000 }, () => 100),
      atATime: 20_000,
      secondsPerRun: 86_400,
    });
    expect(problems).toEqual([
      expect.stringMatching(/1,000 waves.*25,000.*Make fewer waves, or/),
      expect.stringMatching(/20,000 at a time.*10,000/),
      expect.stringMatching(/after a year/),
    ]);
  });
});
