import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { compilePlan } from "../../../lib/plan/compile.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const readme = await readFile(join(ROOT, "README.md"), "utf8");

test("the migration in the README is a plan without mistakes, with a step of each kind", async () => {
  const folder = await temporaryFolder();
  const files = [...readme.matchAll(/```sql\n-- (?<path>\S+\.sql)\n(?<sql>[\s\S]*?)```/g)];
  expect(files).toHaveLength(3);
  for (const { groups = {} } of files) {
    const path = join(folder, groups.path ?? "");
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, groups.sql ?? "");
  }
  const { migrations } = await compilePlan(join(folder, "orders"));
  expect(migrations).toHaveLength(1);
  expect(migrations[0]?.migrate.steps.map(({ kind }) => kind)).toEqual(["transaction", "batches", "outside"]);
});

test("the construct in the README is the one that the package's test synthesizes", async () => {
  const tested = await readFile(join(ROOT, "test/package/package.test.ts"), "utf8");
  const [, shown = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(shown).toContain("new Sluice(");
  for (const line of shown.trim().split("\n"))
    expect(tested).toContain(line.replace("new App()", 'new App({ outdir: "cdk.out" })'));
});
