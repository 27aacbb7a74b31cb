import { describe, expect, test } from "vitest";
import type { Wait } from "../../lambdas/ledger/ledger.ts";
import { blockersInWords, withoutValues } from "../../lambdas/migrate/observe.ts";

describe("of a shown query", () => {
  test.each([
    ["SELECT * FROM t WHERE name = 'it''s me' AND id = 42", "SELECT * FROM t WHERE name = '?' AND id = ?"],
    ["UPDATE t SET\n  secret = 'cut off in the mid", "UPDATE t SET secret = '?'"],
    ["SELECT $tag$a password$tag$, $$another", "SELECT '?', '?'"],
    ["SELECT a1 FROM t2 LIMIT 1.5", "SELECT a1 FROM t2 LIMIT ?"],
  ])("no value is left: %s", (query, shown) => {
    expect(withoutValues(query)).toBe(shown);
  });

  test("only the beginning is shown", () => {
    expect(withoutValues(`SELECT ${"x, ".repeat(200)}y`)).toMatch(/^SELECT x, .{80,95} \.\.\.$/);
  });
});

describe("a session that holds up a step", () => {
  const wait = (blockers: Wait["blockers"]): Wait => ({
    at: "",
    relation: "t",
    mode: "ShareLock",
    seconds: 1,
    blockers,
  });

  test("is shown with pid, user, state, age and query", () => {
    expect(
      blockersInWords(
        wait([
          {
            pid: 7,
            user: "app",
            application: "web",
            state: "idle in transaction",
            queryStart: "2026-11-03T01:58:25Z",
            query: "SELECT ?",
          },
        ]),
        new Date("2026-11-03T02:00:00Z"),
      ),
    ).toBe("pid 7 of app (idle in transaction, 95 s: SELECT ?)");
  });

  test("is shown as far as it is visible", () => {
    const hidden = { pid: 7, user: null, application: null, state: null, queryStart: null, query: null };
    expect(blockersInWords(wait([hidden]))).toBe("pid 7 of an unknown user (unknown state)");
    expect(blockersInWords(wait([]))).toBe("a session that cannot be seen");
  });
});
