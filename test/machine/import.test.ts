import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { main } from "../../bin/commands/main.ts";
import type { Tool } from "../../lib/import/imported.ts";
import type { Files } from "../support/imported.ts";
import { runPlan, temporaryFolder } from "../support/rehearsal.ts";
import { TOOL_FOLDERS } from "../support/tool-folders.ts";
import { FakeTerminal } from "../unit/terminal/fake-terminal.ts";

/** The plan that an import makes of it. */
async function imported(files: Files, ...args: string[]): Promise<{ plan: string; out: string }> {
  const root = await temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    const to = join(root, "migrations", path);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, text);
  }
  const plan = join(root, "plan");
  const terminal = new FakeTerminal();
  const code = await main(["import", join(root, "migrations"), "--plan", plan, ...args], terminal);
  expect(terminal.err).toBe("");
  expect(code).toBe(0);
  expect(terminal.out).not.toContain("Before this plan can be deployed");
  return { plan, out: terminal.out };
}

const REHEARSED: readonly Tool[] = [
  "alembic",
  "dbmate",
  "flyway",
  "golang-migrate",
  "prisma",
  "sqitch",
  "numbered",
];

describe("two commands lead from a folder to a rehearsed plan:", () => {
  test.each(REHEARSED)("%s", async (tool) => {
    const { files, after, back } = TOOL_FOLDERS[tool];
    const { plan } = await imported(files, "--tool", tool, "--after", after);
    const { end, states } = await runPlan({ plan });
    expect(end.cause).toMatch(/^Succeeded: /);
    expect(states).toContain("Gate: rehearsal");
    expect(end.report.staging.issues).toEqual([]);
    if (back) expect(states.join()).toMatch(/Roll back/);
  });
});
