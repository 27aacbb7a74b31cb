import { expect, test } from "vitest";
import { formulaOf } from "../../../lambdas/report/downtime.ts";
import type { Facts } from "../../../lambdas/report/facts.ts";
import { readingTimeOf, secondsOf } from "../../../lambdas/report/machine-time.ts";

const table = (name: string, rows: number) => ({ table: name, rows: String(rows) });

/** @param readings of staging: seconds in all, rows compared and in what time, rows read and in what time */
const facts = (readings: [number, number, number, number, number][]) =>
  ({
    changes: [{ evidence: "changes/staging", touched: ["public.touched"] }],
    stagingRecord: { tables: [table("public.touched", 1_000_000), table("public.large", 9_000_000)] },
    stagingReadings: readings.map(([seconds, compared, comparing, read, reading]) => ({
      seconds,
      spent: {
        compared: { rows: compared, seconds: comparing },
        read: { rows: read, seconds: reading },
      },
    })),
  }) as unknown as Facts;

test("rows cost what the rehearsal's readings show, and the rest is the same for any number of them", () => {
  const time = readingTimeOf(
    facts([
      [3.2, 10_000_000, 2, 0, 0],
      [6.2, 10_000_000, 2, 1_000_000, 3],
      [3.4, 10_000_000, 2, 0, 0],
    ]),
  );
  expect(time).toEqual({
    fixedSeconds: expect.closeTo(1.2, 6),
    perTouchedRow: expect.closeTo(3.2e-6, 9),
    perUntouchedRow: expect.closeTo(0.2e-6, 9),
    touchedRows: 1_000_000,
    untouchedRows: 9_000_000,
  });
  if (time) expect(secondsOf(time)).toBeCloseTo(1.2 + 3.2 + 1.8, 6);
});

test("a rehearsal that touched no row needs no factor for it", () => {
  const time = readingTimeOf(facts([[3, 10_000_000, 2, 0, 0]]));
  expect(time).toMatchObject({ perTouchedRow: expect.closeTo(0.2e-6, 9) });
});

test("nothing is predicted before the rehearsal has shown it, and for runs that did not measure it", () => {
  expect(readingTimeOf(facts([]))).toBeNull();
  expect(readingTimeOf({ ...facts([[3, 1, 1, 1, 1]]), changes: [] })).toBeNull();
});

test("the formula is shown with its factors", () => {
  const reading = readingTimeOf(facts([[6.2, 10_000_000, 2, 1_000_000, 3]]));
  expect(formulaOf({ reading } as Parameters<typeof formulaOf>[0])).toContain(
    "a = 1.2 s, b = 3.2 s per million rows, c = 0.2 s per million rows; rows: 1,000,000 in touched tables, 9,000,000 in others.",
  );
  expect(formulaOf({ reading: null } as Parameters<typeof formulaOf>[0])).toBeUndefined();
});
