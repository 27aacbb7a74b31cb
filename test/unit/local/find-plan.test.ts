import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { findPlan } from "../../../local/find-plan.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";

async function repository(...plans: string[]): Promise<string> {
  const folder = await temporaryFolder();
  for (const plan of plans) {
    const file = join(folder, plan, "plan.yaml");
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, "");
  }
  return folder;
}

test("the one plan of a repository is found, and no plan of its dependencies", async () => {
  const folder = await repository("db/orders", "node_modules/sluice/sql/demo", "dist/db/orders", ".cache/x");
  expect(await findPlan(folder)).toBe(join(folder, "db/orders"));
});

test("with several plans or none, the error asks for a name", async () => {
  const folder = await repository("db/orders", "db/stock");
  await expect(findPlan(folder)).rejects.toThrow(/orders, .*stock\. Name the right one/);
  await expect(findPlan(await repository())).rejects.toThrow("No folder here has a plan.yaml");
});
