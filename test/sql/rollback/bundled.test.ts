import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { main } from "../../../bin/commands/main.ts";
import { loadPlan } from "../../../lib/plan/compile.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";
import { FakeTerminal } from "../../unit/terminal/fake-terminal.ts";

const BUNDLED = new URL("../../../sql/knowledge-graph", import.meta.url).pathname;

// If a rollback fails, its first line names the object that is not back, as with rollbacks written by hand.
test("the rollbacks that are made for the bundled migrations pass every try", {
  timeout: 600_000,
}, async () => {
  const plan = await temporaryFolder();
  await cp(BUNDLED, plan, { recursive: true });
  const { migrations } = (await loadPlan(plan)).plan;
  for (const { folder } of migrations) await rm(join(plan, folder, "rollback.sql"));

  const terminal = new FakeTerminal();
  const code = await main(["rollback", plan], terminal);

  expect(code, terminal.out + terminal.err).toBe(0);
  expect(terminal.out).not.toContain("NOT bring");
  for (const { folder } of migrations) expect(terminal.out).toContain(`${folder}/rollback.sql: written,`);
  // It reports that their DO blocks may change rows.
  expect(terminal.out).toContain("007_multi_tenant_isolation/migrate.sql runs code");
  expect((await loadPlan(plan)).plan.migrations.map(({ rollback }) => rollback)).toMatchObject(
    migrations.map(() => ({ steps: [{ kind: "transaction" }] })),
  );
});
