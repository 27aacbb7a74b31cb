import { describe, expect, test } from "vitest";
import { Doc, type ReadingDoc, type ReadingValue } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import {
  countsFrom,
  keepReading,
  lastReading,
  PUBLISHED_BEYOND_ALERT,
  samplesOf,
} from "../../../lambdas/watch/readings.ts";
import { readingLines, readingTable } from "../../../lambdas/watch/thresholds.ts";
import { MemoryEvidence } from "../../support/ports.ts";

const counters = { committed: 1, rolledBack: 0, queries: {} };

function value(
  name: string,
  value: number | null,
  standing: ReadingValue["standing"],
  alert = ">150 ms",
): ReadingValue {
  const note = value === null ? "no data yet" : null;
  return {
    name,
    title: `The ${name}`,
    unit: "ms",
    value,
    note,
    target: "<100 ms",
    alert,
    standing,
    runbook: "docs/watch.md",
  };
}

const reading = (minute: number, ...values: ReadingValue[]): Omit<ReadingDoc, "soFar"> => ({
  at: `2026-11-03T02:${String(minute).padStart(2, "0")}:00.000Z`,
  seconds: 1,
  values,
  connections: { used: 3, most: 97, minimum: 50 },
  counters,
});

async function series(...readings: Omit<ReadingDoc, "soFar">[]) {
  const evidence = evidenceOf(new MemoryEvidence(), "run");
  for (const one of readings) await keepReading(evidence, one, await lastReading(evidence));
  return { evidence, last: await lastReading(evidence) };
}

describe("the newest reading", () => {
  test("summarizes all before it: their number, each metric's worst value and number of alerts", async () => {
    const { last } = await series(
      reading(0, value("latency", 90, "target")),
      reading(5, value("latency", 170, "alert")),
      reading(10, value("latency", 160, "alert")),
      reading(15, value("latency", null, "unknown")),
    );
    expect(last?.soFar).toEqual({
      readings: 4,
      worst: [{ name: "latency", value: 170, standing: "alert", at: "2026-11-03T02:05:00.000Z", alerts: 2 }],
    });
  });

  test("ranks less as worse if less is what alerts", async () => {
    const { last } = await series(
      reading(0, value("disk", 30, "target", "<10 GiB")),
      reading(5, value("disk", 12, "target", "<10 GiB")),
      reading(10, value("disk", 25, "target", "<10 GiB")),
    );
    expect(last?.soFar.worst[0]).toMatchObject({ value: 12, alerts: 0 });
  });

  test("is the start of the next one's counts, unless checks ran since: their writes do not count", async () => {
    const { evidence, last } = await series(reading(0, value("latency", 90, "target")));
    expect(await countsFrom(evidence, last)).toMatchObject({ at: "2026-11-03T02:00:00.000Z" });
    const after = { committed: 9, rolledBack: 9, queries: {} };
    await evidence.createOnce(Doc.verifiedAgain, {
      at: "2026-11-03T02:01:00.000Z",
      endedAt: "2026-11-03T02:02:00.000Z",
      migrations: ["007"],
      results: [],
      counters: after,
    });
    expect(await countsFrom(evidence, last)).toEqual({ at: "2026-11-03T02:02:00.000Z", counters: after });
    const later = { ...reading(5, value("latency", 90, "target")), soFar: { readings: 2, worst: [] } };
    expect(await countsFrom(evidence, later)).toMatchObject({ at: "2026-11-03T02:05:00.000Z" });
  });
});

describe("what is published", () => {
  test("has no sample of an unmeasured metric, and also the room for connections", () => {
    const { values, connections } = reading(
      0,
      value("latency", 90, "target"),
      value("search", null, "unknown"),
    );
    expect(samplesOf({ values, connections }, "deployed")).toEqual([
      { name: "latency", unit: "ms", value: 90 },
      { name: "connection-capacity", unit: "", value: 97 },
      { name: PUBLISHED_BEYOND_ALERT, unit: "", value: 0 },
    ]);
  });

  /** How many numbers of a published plan are reported beyond their alert; undefined: no report. */
  const beyond = (plan: "deployed" | "published", most: number, ...values: ReadingValue[]) =>
    samplesOf({ values, connections: { used: 3, most, minimum: 50 } }, plan).find(
      ({ name }) => name === PUBLISHED_BEYOND_ALERT,
    )?.value;
  const fine = value("latency", 90, "target");
  const slow = value("search", 170, "alert");
  const unread = value("rows", null, "unknown");

  test("counts a published plan's numbers beyond their alert, which no alarm of its own looks at", () => {
    expect(beyond("published", 97, fine, slow)).toBe(1);
    expect(beyond("published", 49, fine, slow)).toBe(2);
    expect(beyond("published", 97, fine)).toBe(0);
  });

  test("counts none of the deployed plan's, which have alarms of their own", () => {
    expect(beyond("deployed", 49, fine, slow)).toBe(0);
  });

  test("never shows that none is beyond its alert if one could not be read", () => {
    expect(beyond("published", 97, fine, unread)).toBeUndefined();
    expect(beyond("published", 97, slow, unread)).toBe(1);
  });
});

describe("a reading in words", () => {
  const values = [value("latency", 170, "alert"), value("search", null, "unknown")];

  test("shows an alert's number, threshold and runbook", () => {
    expect(readingLines(values)[0]).toBe(
      "The latency: 170 ms, ALERT at >150 ms, target <100 ms: see docs/watch.md",
    );
  });

  test("never calls an unmeasured metric good, and gives the reason", () => {
    const texts = [readingLines(values)[1] ?? "", readingTable(values)[2] ?? ""];
    for (const text of texts) {
      expect(text).toContain("not measured");
      expect(text).toContain("no data yet");
      expect(text).not.toMatch(/within|✓/);
    }
  });
});
