import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");
const LAMBDAS = join(ROOT, "lambdas");

/** What docs/architecture.md lists as each folder's allowed imports in lambdas/. */
const allowed = new Map(
  [
    ...readFileSync(join(ROOT, "docs/architecture.md"), "utf8").matchAll(
      /^\| `([a-z/-]+)` \| [^|]+ \|([^|]*)\|$/gm,
    ),
  ].map(([, folder = "", may = ""]) => [folder, [...may.matchAll(/`([a-z/-]+)`/g)].map(([, one]) => one)]),
);

const sourcesIn = (folder: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(ROOT, folder, file));

/** Imports of other files, in the formatter's layout: the target, and whether it is a type. */
function statementsOf(file: string): { path: string; onlyTypes: boolean }[] {
  const text = readFileSync(file, "utf8");
  const statements = text.matchAll(/^(?:import|export)( type)?(?: ([^;"]*?) from)? "(\.[^"]+)";$/gm);
  return [...statements].map(([, type, what = "", path = ""]) => {
    const names = /\{([\s\S]*)\}/.exec(what)?.[1]?.split(",") ?? [];
    const named = names.map((name) => name.trim()).filter(Boolean);
    const onlyTypes = named.length > 0 && named.every((name) => name.startsWith("type "));
    return { path: resolve(dirname(file), path), onlyTypes: type !== undefined || onlyTypes };
  });
}

/** Files of this repository that a file imports. */
const importsOf = (file: string): string[] => statementsOf(file).map(({ path }) => path);

/** Imports that remain at run time: types may refer to each other. */
const valueImportsOf = (file: string): string[] =>
  statementsOf(file).flatMap(({ path, onlyTypes }) => (onlyTypes ? [] : [path]));

/** The folder of lambdas/ that a file is in; `handlers.ts`, which lists all tasks, stands for itself. */
function folderOf(file: string): string {
  const path = relative(LAMBDAS, file);
  return path.startsWith("shared/aws/") ? "shared/aws" : (path.split("/")[0] ?? "");
}

describe("imports point one way", () => {
  test.each([
    ["lambdas", []],
    ["lib", ["lambdas"]],
    ["local", ["lambdas", "lib"]],
    ["bin", ["lambdas", "lib", "local"]],
  ])("files of %s/ import other files of it, and of %j", (folder, others) => {
    const wrong = sourcesIn(folder).flatMap((file) =>
      importsOf(file)
        .map((imported) => relative(ROOT, imported))
        .filter((imported) => ![folder, ...others].includes(imported.split("/")[0] ?? ""))
        .map((imported) => `${relative(ROOT, file)} imports ${imported}`),
    );
    expect(wrong).toEqual([]);
  });

  test("each folder of lambdas/ imports only what docs/architecture.md names", () => {
    const wrong = sourcesIn("lambdas").flatMap((file) => {
      const folder = folderOf(file);
      if (folder === "handlers.ts") return [];
      const may = allowed.get(folder);
      if (!may) return [`docs/architecture.md has no line for ${folder}`];
      return importsOf(file)
        .filter((imported) => ![folder, "shared", ...may].includes(folderOf(imported)))
        .map((imported) => `${relative(LAMBDAS, file)} imports ${relative(LAMBDAS, imported)}`);
    });
    expect([...new Set(wrong)]).toEqual([]);
  });

  test("a folder's line names only folders listed above it, so there is no circle", () => {
    const before = new Set<string | undefined>();
    for (const [folder, may] of allowed) {
      for (const one of may) expect(before, `${folder} may import ${one}`).toContain(one);
      before.add(folder);
    }
  });

  test("no line of the table names a missing folder, or one that is not imported", () => {
    for (const [folder, may] of allowed) {
      const used = new Set(
        sourcesIn(join("lambdas", folder))
          .filter((file) => folderOf(file) === folder)
          .flatMap((file) => importsOf(file).map(folderOf)),
      );
      for (const one of may) expect([...used], `${folder} imports`).toContain(one);
    }
  });

  test("no file imports itself through others", () => {
    const imports = new Map(sourcesIn("lambdas").map((file) => [file, valueImportsOf(file)]));
    expect([...imports.keys()].flatMap((file) => circleFrom(file, imports) ?? [])).toEqual([]);
  });
});

/** A path from the file back to itself. */
function circleFrom(file: string, imports: ReadonlyMap<string, string[]>): string[] | undefined {
  const seen = new Set<string>();
  const ways = [[file]];
  for (let way = ways.pop(); way; way = ways.pop())
    for (const next of imports.get(way.at(-1) ?? "") ?? []) {
      if (next === file) return way.map((one) => relative(LAMBDAS, one));
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  return undefined;
}
