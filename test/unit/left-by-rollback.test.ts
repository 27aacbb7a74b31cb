import { describe, expect, test } from "vitest";
import { fingerprintOf } from "../../lambdas/proof/catalog.ts";
import { describeDifference, differences } from "../../lambdas/proof/difference.ts";
import { notLeft, withoutLeft } from "../../lambdas/proof/leaves.ts";
import type { CatalogObject } from "../../lambdas/shared/documents.ts";
import { leavesOf } from "../../lib/plan/leaves.ts";

const object = (kind: string, name: string, ...lines: string[]): CatalogObject => ({
  kind,
  name,
  definition: lines.join("\n"),
});
const state = (...labels: string[]) =>
  object("enum", "public.state", "owner: o", ...labels.map((label) => `label: ${label}`));
const member = (name: string, hash: string) => `function ${name}, owner o, sha256 ${hash.repeat(16)}`;

/** The remaining differences and the missing objects, one per line. */
function judged(before: CatalogObject[], after: CatalogObject[], leaves: string[]) {
  const named = leaves.flatMap((text) => leavesOf(text) ?? []);
  const [was, is] = [fingerprintOf(before), fingerprintOf(after)];
  const { rest, left } = withoutLeft(differences(was, is), named);
  return { rest: rest.map(describeDifference), left, missing: notLeft(named, is) };
}

describe("a rollback may leave what the plan names", () => {
  test.each([
    ["a label", [state("a")], [state("a", "b")], "enum public.state: label: b"],
    ["a label in between", [state("a", "c")], [state("a", "b", "c")], "enum public.state: label: b"],
    ["an extension", [], [object("extension", "hstore", "owner: o", "version: 1.8")], "extension hstore"],
    [
      "another version of one, with its dependent objects",
      [object("extension", "hstore", "owner: o", "version: 1.7", "schema: public", member("f", "a"))],
      [
        object(
          "extension",
          "hstore",
          "owner: o",
          "version: 1.8",
          "schema: public",
          member("f", "b"),
          member("g", "c"),
        ),
      ],
      "extension hstore: version: 1.8",
    ],
    [
      "a table with everything that belongs to it",
      [],
      [
        object("table", "public.t", "owner: o"),
        object("column", "public.t.a", "type: int"),
        object("constraint", "t_pkey on public.t", "PRIMARY KEY (a)"),
        object("index", "public.t_pkey", "CREATE UNIQUE INDEX t_pkey ON public.t USING btree (a)"),
      ],
      "table public.t",
    ],
    [
      "a lost line",
      [object("column", "public.t.c", "type: int", "not null")],
      [object("column", "public.t.c", "type: int")],
      "column public.t.c: without not null",
    ],
    ["a missing object", [object("index", "public.i", "CREATE")], [], "index public.i removed"],
  ])("as %s", (_what, before, after, entry) => {
    expect(judged(before, after, [entry])).toEqual({ rest: [], left: [entry], missing: [] });
    // Only the entry lets it pass.
    expect(judged(before, after, []).rest).not.toEqual([]);
    // The next run starts with it: what is left need not be new.
    expect(judged(after, after, [entry])).toEqual({ rest: [], left: [], missing: [] });
    // And an object that is not left must not be named.
    expect(judged(before, before, [entry]).missing).toEqual([entry]);
  });
});

describe("and nothing more:", () => {
  test.each([
    ["one label more", [state("a")], [state("a", "b", "c")], /enum public\.state changed: now "label: c"/],
    [
      "labels in another order",
      [state("a", "c")],
      [state("c", "a", "b")],
      /enum public\.state changed: its lines/,
    ],
    ["a label less", [state("a", "c")], [state("c", "b")], /enum public\.state changed: was "label: a"/],
    [
      "another owner",
      [state("a")],
      [object("enum", "public.state", "owner: x", "label: a", "label: b")],
      /enum public\.state changed: was "owner: o", now "owner: x"/,
    ],
    [
      "the label on another enum",
      [state("a")],
      [state("a"), object("enum", "public.other", "label: b")],
      /enum public\.other added/,
    ],
    ["the whole enum", [], [state("a", "b")], /enum public\.state added/],
    ["a missing enum", [state("a")], [], /enum public\.state removed/],
  ])("%s is reported", (_what, before, after, line) => {
    expect(judged(before, after, ["enum public.state: label: b"]).rest).toEqual([
      expect.stringMatching(line),
    ]);
  });

  test("naming a whole table does not permit moving an index to it", () => {
    const table = (name: string) => object("table", `public.${name}`, "owner: o");
    const indexOn = (name: string) =>
      object("index", "public.i", `CREATE INDEX i ON public.${name} USING btree (a)`);
    expect(
      judged([table("t"), indexOn("t")], [table("t"), table("n"), indexOn("n")], ["table public.n"]).rest,
    ).toEqual([expect.stringMatching(/^index public\.i changed/)]);
  });

  test("naming a whole enum permits leaving a new one, and does not permit changing one", () => {
    expect(judged([state("a")], [state("a", "b")], ["enum public.state"]).rest).toHaveLength(1);
  });

  test("an extension's version does not permit another owner, nor another extension", () => {
    const of = (owner: string, version: string, name = "hstore") =>
      object("extension", name, `owner: ${owner}`, `version: ${version}`);
    const leaves = ["extension hstore: version: 1.8"];
    expect(judged([of("o", "1.7")], [of("x", "1.8")], leaves).rest).toHaveLength(1);
    expect(judged([of("o", "1.7")], [of("o", "1.8"), of("o", "1.8", "citext")], leaves).rest).toEqual([
      "extension citext added",
    ]);
    expect(judged([of("o", "1.7")], [of("o", "1.9")], leaves)).toMatchObject({
      rest: [expect.stringContaining("version: 1.9")],
      missing: leaves,
    });
  });

  test("a name with a colon in it is taken literally", () => {
    const odd = (...labels: string[]) =>
      object("enum", 'public."a: b"', ...labels.map((label) => `label: ${label}`));
    expect(judged([odd("x")], [odd("x", "y: z")], ['enum public."a: b": label: y: z'])).toEqual({
      rest: [],
      left: ['enum public."a: b": label: y: z'],
      missing: [],
    });
  });
});
