import { describe, expect, test } from "vitest";
import { disagreements, type Names } from "../../../lambdas/proof/changes-agreed.ts";
import type { TableChangeDoc } from "../../../lambdas/shared/documents.ts";

const names: Names = {
  tables: [
    { table: "public.account", columns: ["id", "email", "status", "nick", "age"] },
    { table: "public.role_kind", columns: ["id", "name"] },
    { table: "shop.account", columns: ["id"] },
    { table: "public.old", columns: ["id"] },
  ],
  path: ["public"],
};

const change = (table: string, more: Partial<TableChangeDoc>): TableChangeDoc => ({
  table,
  rowsBefore: "3000",
  columns: [],
  began: "1",
  ...more,
});
const rows = { added: "0", removed: "0", changed: "0", keys: null };

const SEEN: TableChangeDoc[] = [
  change("public.role_kind", { rows: { ...rows, added: "1" } }),
  change("public.account", {
    rows: { ...rows, changed: "3000" },
    columns: [
      { column: "email", how: "changed" },
      { column: "status", how: "dropped" },
      { column: "nick", how: "renamed", to: "handle" },
      { column: "age", how: "retyped", from: "integer", to: "bigint" },
    ],
  }),
  change("public.old", { fate: "dropped" }),
];

const ALL = {
  role_kind: ["rows"],
  account: ["email"],
  "account.status": ["dropped"],
  "public.account.nick": ["renamed"],
  "account.age": ["retyped"],
  old: ["dropped"],
};

describe("a migration's changes in plan.yaml", () => {
  test("match if staging showed exactly them", () => {
    expect(disagreements(ALL, SEEN, names)).toEqual([]);
  });

  test.each(Object.keys(ALL))("must name %s if staging showed more", (left) => {
    const fewer = Object.fromEntries(Object.entries(ALL).filter(([name]) => name !== left));
    const found = disagreements(fewer, SEEN, names);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain("which plan.yaml does not declare");
  });

  test.each([
    ["account: changed columns that stayed", { account: ["email", "id"] }, "`account: id`"],
    ["rows of a table that kept its own", { account: ["email", "rows"] }, "`account: rows`"],
    ["a column that stayed as dropped", { "account.id": ["dropped"] }, "`account.id: dropped`"],
  ])("must not name %s", (_what, more, text) => {
    expect(disagreements({ ...ALL, ...more }, SEEN, names)).toEqual([
      `plan.yaml declares ${text}, but staging did not show it`,
    ]);
  });

  test.each([
    ["a missing table", { nobody: ["rows"] }, "`nobody: rows`"],
    ["a missing column", { account: ["email", "emial"] }, "`account: emial`"],
    ["a word that does not apply to a column", { "account.email": ["rows"] }, "`account.email: rows`"],
  ])("are reported with %s", (_what, more, text) => {
    expect(disagreements({ ...ALL, ...more }, SEEN, names)).toContain(
      `plan.yaml names ${text}, but there was no such table or column`,
    );
  });

  test("are of the table that the search path finds, unless they name the schema", () => {
    const seen = [change("shop.account", { rows: { ...rows, removed: "2" } })];
    expect(disagreements({ "shop.account": ["rows"] }, seen, names)).toEqual([]);
    expect(disagreements({ account: ["rows"] }, seen, names)).toHaveLength(2);
  });

  test("need no entry for a table that becomes a partition", () => {
    expect(disagreements({}, [change("public.old", { partitionOf: "public.new" })], names)).toEqual([]);
  });

  test("may name columns beside rows added and removed, which cannot be distinguished", () => {
    const seen = [change("public.account", { rows: { ...rows, added: "3", removed: "2", mixed: true } })];
    expect(disagreements({ account: ["rows", "email"] }, seen, names)).toEqual([]);
    expect(disagreements({ account: ["email"] }, seen, names)).toHaveLength(2);
  });
});
