import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadPlan } from "../../../lib/plan/compile.ts";
import { squawkFindings } from "../../../local/squawk.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";

/** A plan in a subfolder of a team's repository, with that .squawk.toml at the repository's root, if given. */
async function planIn(settings?: string): Promise<{ plan: string; root: string }> {
  const root = await temporaryFolder();
  if (settings !== undefined) await writeFile(join(root, ".squawk.toml"), settings);
  const plan = join(root, "db/plan");
  await mkdir(join(plan, "001_narrow"), { recursive: true });
  await writeFile(join(plan, "plan.yaml"), "title: Narrow\n");
  await writeFile(
    join(plan, "001_narrow/migrate.sql"),
    "CREATE TABLE narrow (id int);\nALTER TABLE orders ALTER COLUMN name TYPE varchar(9);\n",
  );
  await writeFile(
    join(plan, "001_narrow/rollback.sql"),
    "ALTER TABLE orders ALTER COLUMN name TYPE text;\nDROP TABLE IF EXISTS narrow;\n",
  );
  return { plan, root };
}

async function rulesIn(plan: string): Promise<string[]> {
  const found = await squawkFindings(plan, (await loadPlan(plan)).plan);
  return (found ?? []).map(({ file, line, rule }) => `${file}:${line} ${rule}`);
}

test("findings have their place; rules that fit no plan are left out", async () => {
  expect(await rulesIn((await planIn()).plan)).toEqual([
    "001_narrow/migrate.sql:1 prefer-bigint-over-int",
    "001_narrow/migrate.sql:2 changing-column-type",
    "001_narrow/migrate.sql:2 prefer-text-field",
    "001_narrow/rollback.sql:1 changing-column-type",
  ]);
});

test("the team's settings count, also for rollbacks", async () => {
  const { plan } = await planIn('excluded_rules = ["changing-column-type"]\n');
  expect(await rulesIn(plan)).toEqual([
    "001_narrow/migrate.sql:1 prefer-bigint-over-int",
    "001_narrow/migrate.sql:2 prefer-text-field",
  ]);
});

test("paths in the settings are relative to their own folder", async () => {
  const { plan } = await planIn('excluded_paths = ["db/plan/*/migrate.sql"]\n');
  expect(await rulesIn(plan)).toEqual(["001_narrow/rollback.sql:1 changing-column-type"]);
  expect(await rulesIn((await planIn('excluded_paths = ["db/*"]\n')).plan)).toEqual([]);
});

test("settings that squawk refuses are named, with its reason", async () => {
  const { plan, root } = await planIn('excluded_rules = ["no-such-rule"]\n');
  await expect(rulesIn(plan)).rejects.toMatchObject({
    name: "UsageError",
    message: expect.stringMatching(
      new RegExp(`^squawk failed with ${join(root, ".squawk.toml")}: .*no-such-rule`),
    ),
  });
});
