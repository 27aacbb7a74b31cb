import { expect, test } from "vitest";
import { lossLines } from "../../../lambdas/report/way-back.ts";
import type { LossDoc } from "../../../lambdas/shared/documents.ts";

const nothing: LossDoc = {
  at: "2026-11-03T02:14:05.000Z",
  since: "2026-11-03T01:00:00.000Z",
  applicationWasIn: true,
  tables: [],
  asRecorded: 3,
  byCounters: 1,
};
const COUNTED = /^Counted at 2026-11-03 02:14:05 UTC\. Writes of the last minute before/;

test("if the application could write, people see the time of the count, even if it found nothing", () => {
  expect(lossLines({ loss: nothing })).toEqual([
    "Nothing: 3 tables equal the record (1 by the server's counters and 2 by reading every row)",
    expect.stringMatching(COUNTED),
  ]);
  const orders = {
    table: "app.orders",
    rowsBefore: "10",
    rowsNow: "11",
    inserted: 1,
    updated: 0,
    deleted: 0,
  };
  const objects = { ...orders, table: "pg_catalog.pg_largeobject", rowsBefore: null, rowsNow: null };
  expect(lossLines({ loss: { ...nothing, tables: [orders, objects] } })).toEqual([
    "app.orders: 10 rows recorded, 11 now (counters: 1 inserted)",
    "pg_catalog.pg_largeobject: large objects (counters: 1 inserted)",
    expect.stringMatching(/^3 tables equal the record/),
    expect.stringMatching(COUNTED),
  ]);
});

test("behind the fence the count is not mentioned", () => {
  expect(lossLines({ loss: { ...nothing, applicationWasIn: false } })).toHaveLength(1);
});
