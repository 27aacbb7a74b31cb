import { describe, expect, test } from "vitest";
import { fingerprintOf } from "../../lambdas/proof/catalog.ts";
import { describeDifference, differences } from "../../lambdas/proof/difference.ts";
import type { CatalogObject } from "../../lambdas/shared/documents.ts";

const object = (name: string, definition = "", kind = "table"): CatalogObject => ({ kind, name, definition });
const between = (before: CatalogObject[], after: CatalogObject[]) =>
  differences(fingerprintOf(before), fingerprintOf(after));
const described = (before: string, after: string) =>
  between([object("t", before)], [object("t", after)]).map(describeDifference);

describe("differences", () => {
  test("equal catalogs have none, in whatever order their objects came", () => {
    const [a, b] = [object("a", "x"), object("b", "y")];
    expect(fingerprintOf([a, b]).hash).toBe(fingerprintOf([b, a]).hash);
    expect(between([a, b], [b, a])).toEqual([]);
  });

  test("show what was added, removed and changed, by kind and name", () => {
    const found = between(
      [object("gone", "g"), object("same", "s"), object("other", "1")],
      [object("same", "s"), object("other", "2"), object("new", "n"), object("gone", "g", "view")],
    );
    expect(found).toEqual([
      { kind: "table", name: "gone", change: "removed", before: "g" },
      { kind: "table", name: "new", change: "added", after: "n" },
      { kind: "table", name: "other", change: "changed", before: "1", after: "2" },
      { kind: "view", name: "gone", change: "added", after: "g" },
    ]);
  });

  test("text cannot be moved from a name to a definition unnoticed", () => {
    expect(fingerprintOf([object("a", "b\nc")]).hash).not.toBe(fingerprintOf([object("a\nb", "c")]).hash);
  });
});

describe("a described difference", () => {
  test("names what came and what went", () => {
    expect(between([object("a")], [object("b")]).map(describeDifference)).toEqual([
      "table a removed",
      "table b added",
    ]);
  });

  test("shows the line that differs, and no other", () => {
    expect(described("owner: me\ntype: int\nnot null", "owner: me\ntype: bigint\nnot null")).toEqual([
      'table t changed: was "type: int", now "type: bigint"',
    ]);
  });

  test("shows a line that only one side has", () => {
    expect(described("owner: me", "owner: me\nunlogged")).toEqual(['table t changed: now "unlogged"']);
    expect(described("owner: me\nunlogged", "owner: me")).toEqual(['table t changed: was "unlogged"']);
  });

  test("counts the lines it has no room for", () => {
    expect(described("", "a\nb\nc\nd")).toEqual(['table t changed: now "a" and "b" and 2 more lines']);
  });

  test("notices a line that stands there once more", () => {
    expect(described("END\nx", "END\nEND\nx")).toEqual(['table t changed: now "END"']);
  });

  test("shows that only the order differs, or only white space", () => {
    expect(described("a\nb", "b\na")).toEqual(["table t changed: its lines are in another order"]);
    expect(described("a\n  b", "a\nb")).toEqual(["table t changed: only white space differs"]);
  });

  test("cuts long lines down to where they differ", () => {
    const long = "x".repeat(5000);
    const [line = ""] = described(`${long}one${long}`, `${long}two${long}`);
    expect(line).toContain("xone");
    expect(line).toContain("xtwo");
    expect(line.length).toBeLessThan(400);
  });

  test("stays one short line, whatever names and definitions hold", () => {
    const name = `a\nb\r\u2028${"n".repeat(10_000)}`;
    const before = object(
      name,
      Array.from({ length: 9000 }, (_, i) => `old ${i}\u0007${"y".repeat(500)}`).join("\n"),
    );
    const after = object(name, Array.from({ length: 9000 }, (_, i) => `new ${i}`).join("\n"));
    const [line = ""] = between([before], [after]).map(describeDifference);
    expect(line).toMatch(/^table a b n+… changed: was "old 0 y/);
    expect(line).not.toMatch(/[\p{Cc}\u2028]/u);
    expect(line.length).toBeLessThan(800);
  });

  test("never cuts a character in two", () => {
    const [line = ""] = described("", "😀".repeat(300));
    expect(() => encodeURIComponent(line)).not.toThrow();
    const [other = ""] = described(`a${"😀".repeat(300)}1`, `a${"😀".repeat(300)}2`);
    expect(() => encodeURIComponent(other)).not.toThrow();
  });
});
