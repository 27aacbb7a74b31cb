import { expect, test } from "vitest";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { listTables } from "../../lambdas/proof/checksums.ts";
import { takeMark } from "../../lambdas/proof/writes.ts";
import { requireRow, type Session } from "../../lambdas/shared/session.ts";

/** The embedded Postgres answers like this after some failures: no rows, and no error. */
const broken: Session = { query: async () => [], exec: async () => undefined, together: async () => [] };

test.each([
  ["tables", () => listTables(broken)],
  ["the catalog", () => takeFingerprint(broken, [])],
  ["the counters", () => takeMark(broken, new Date())],
  ["one row", () => requireRow(broken, "SELECT count(*) FROM  t")],
])(
  "an empty answer of the server is an error where %s is requested, never an empty result",
  async (_, ask) => {
    await expect(ask()).rejects.toMatchObject({ name: "RowExpected", rows: 0 });
  },
);

test("the error names what was requested", async () => {
  await expect(requireRow(broken, "SELECT count(*)\n  FROM t")).rejects.toThrow(
    "The database returned no row where it must return one, without an error: its answers cannot be trusted. The query was: SELECT count(*) FROM t",
  );
});
