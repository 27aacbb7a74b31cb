import { describe, expect, test } from "vitest";
import { departures } from "../../../lambdas/proof/changes-held.ts";
import type { TableChangeDoc, TableContentDoc } from "../../../lambdas/shared/documents.ts";

const rows = { added: "0", removed: "0", changed: "0", keys: "17" };
const lowered = (more: Partial<TableChangeDoc> = {}): TableChangeDoc => ({
  table: "public.account",
  rowsBefore: "3000",
  began: "5",
  rows: { ...rows, changed: "3000" },
  columns: [{ column: "email", how: "changed" }],
  ...more,
});
const ALIKE: TableContentDoc = { table: "public.account", columns: [], rows: "3000", checksum: "5" };
const OTHER: TableContentDoc = { ...ALIKE, rows: "3010", checksum: "6" };

describe("production is held to what the rehearsal showed", () => {
  test("and may change another number of rows if its rows were others", () => {
    const more = lowered({ rowsBefore: "3010", rows: { ...rows, changed: "3010", keys: "18" } });
    expect(departures([lowered()], [more], [OTHER])).toEqual([]);
    expect(departures([lowered()], [more], [ALIKE])).toEqual([
      "account (email): 3,010 rows changed, but 3,000 in the rehearsal, although its rows were the same",
    ]);
  });

  test("and must change the same rows if they were the same", () => {
    const others = lowered({ rows: { ...rows, changed: "3000", keys: "18" } });
    expect(departures([lowered()], [others], [ALIKE])).toEqual([
      "account (email): the rows touched differ from those in the rehearsal, although its rows were the same",
    ]);
    expect(departures([lowered()], [others], [OTHER])).toEqual([]);
  });

  test("and need not change the same rows if they are picked by the time", () => {
    const later = lowered({ rows: { ...rows, changed: "2999", keys: "18" } });
    expect(departures([lowered({ byTime: true })], [later], [ALIKE])).toEqual([]);
  });

  test("and a change of a partition also covers one that had no rows at the rehearsal", () => {
    const partition = lowered({ table: "public.account_new" });
    const beside = (table: string) => (table === "public.account_new" ? ["public.account"] : []);
    expect(departures([lowered()], [lowered(), partition], [ALIKE], beside)).toEqual([]);
    const dropped = { ...partition, columns: [{ column: "email", how: "dropped" as const }] };
    expect(departures([lowered()], [lowered(), dropped], [ALIKE], beside)).toEqual([
      "account_new.email dropped, which the rehearsal did not show",
    ]);
  });

  test("a table that it did not show is named, with its column", () => {
    const audit = lowered({ table: "public.audit", columns: [{ column: "what", how: "changed" }] });
    expect(departures([lowered()], [lowered(), audit], [ALIKE])).toEqual([
      "audit.what changed in 3,000 of 3,000 rows, which the rehearsal did not show",
    ]);
  });

  test("a column that it did not show is named", () => {
    const both = lowered({
      columns: [
        { column: "email", how: "changed" },
        { column: "name", how: "changed" },
      ],
    });
    expect(departures([lowered()], [both], [ALIKE])).toEqual([
      "account.name changed in 3,000 of 3,000 rows, which the rehearsal did not show",
    ]);
  });

  test("an expected change that production lacks is named if its rows were the same", () => {
    expect(departures([lowered()], [], [ALIKE])).toEqual([
      "the rehearsal showed account.email changed in 3,000 of 3,000 rows, but production does not",
    ]);
    expect(departures([lowered()], [], [OTHER])).toEqual([]);
  });

  test("a column that was dropped on staging must be dropped here, whatever the rows", () => {
    const dropped = lowered({ rows: undefined, columns: [{ column: "email", how: "dropped" }] });
    expect(departures([dropped], [], [OTHER])).toHaveLength(1);
    expect(departures([], [dropped], [OTHER])).toHaveLength(1);
  });

  test("rows added and removed together on staging may be added, removed and changed here", () => {
    const mixed = lowered({ rows: { ...rows, added: "3", removed: "2", mixed: true }, columns: [] });
    expect(departures([mixed], [lowered({ rows: { ...rows, added: "1" }, columns: [] })], [OTHER])).toEqual(
      [],
    );
    expect(departures([lowered()], [mixed], [OTHER])).toHaveLength(1);
  });
});
