import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { main } from "../../../bin/commands/main.ts";
import { loadPlan } from "../../../lib/plan/compile.ts";
import { changedPlan } from "../../support/rehearsal.ts";
import { FakeTerminal } from "../../unit/terminal/fake-terminal.ts";

async function rollback(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = new FakeTerminal();
  const code = await main(["rollback", ...args], terminal);
  return { code, out: terminal.out, err: terminal.err };
}

test("writes a missing file, rewrites a generated one, and leaves one by hand alone", async () => {
  const plan = await changedPlan({});
  const second = join(plan, "002_notes/rollback.sql");
  const third = join(plan, "003_labels/rollback.sql");
  const byHand = await readFile(third, "utf8");
  await rm(second);

  const first = await rollback(plan);
  expect(first).toMatchObject({
    code: 0,
    err: expect.stringContaining("003_labels/rollback.sql: kept, as a person wrote it"),
  });
  expect(first.out).toContain("002_notes/rollback.sql: written, 3 statements.");
  expect(first.out).toContain("It holds on this copy");
  const written = await readFile(second, "utf8");
  expect((await loadPlan(plan)).plan.migrations[0]?.rollback).toMatchObject({
    steps: [{ kind: "transaction" }],
  });
  expect(await readFile(third, "utf8")).toBe(byHand);

  expect((await rollback(plan, "002")).code).toBe(0);
  expect(await readFile(second, "utf8")).toBe(written);

  await writeFile(second, `${written}-- and more\n`);
  const named = await rollback(plan, "002_notes");
  expect(named.code).toBe(2);
  expect(named.err).toContain("was written by a person, or changed since it was generated");
  expect(await readFile(second, "utf8")).toContain("-- and more");

  expect((await rollback(plan, "002", "--force")).code).toBe(0);
  expect(await readFile(second, "utf8")).toBe(written);
});

test("a rollback that cannot bring rows back ends with 3, and the file states so first", async () => {
  const plan = await changedPlan({});
  await writeFile(join(plan, "002_notes/migrate.sql"), "ALTER TABLE note DROP COLUMN body;");
  const { code, out } = await rollback(plan, "002", "--force");
  expect(code).toBe(3);
  expect(out).toContain("It does NOT bring everything back:");
  expect(out).toContain("drops column public.note.body");
  expect(out).toContain("`rollback: restore`");
  expect(await readFile(join(plan, "002_notes/rollback.sql"), "utf8")).toContain("IT DOES NOT HOLD YET");
});

test("Ctrl-C ends it before the next piece of work, and no file is written", async () => {
  const plan = await changedPlan({});
  await rm(join(plan, "002_notes/rollback.sql"));
  const terminal = new FakeTerminal();
  const code = main(["rollback", plan, "002"], terminal);
  await vi.waitFor(() => expect(terminal.signals.listenerCount("SIGINT")).toBe(1), { timeout: 30_000 });
  terminal.signals.emit("SIGINT");
  expect(await code).toBe(130);
  expect(terminal.err).toContain("Stopped. Rollbacks that were made before are written, the others are not.");
  expect(terminal.signals.listenerCount("SIGINT")).toBe(0);
  await expect(readFile(join(plan, "002_notes/rollback.sql"), "utf8")).rejects.toThrow("ENOENT");
});

test("where only rows change there is nothing to write, and nothing is written", async () => {
  const plan = await changedPlan({});
  await writeFile(join(plan, "002_notes/migrate.sql"), "UPDATE note SET body = 'x';");
  await rm(join(plan, "002_notes/rollback.sql"));
  const { code, out } = await rollback(plan, "002");
  expect(code).toBe(3);
  expect(out).toContain("002_notes/rollback.sql: not written");
  await expect(readFile(join(plan, "002_notes/rollback.sql"), "utf8")).rejects.toThrow("ENOENT");
});

test("a migration that fails, one that is not there, and one whose way back is the restore are named", async () => {
  const plan = await changedPlan({});
  expect((await rollback(plan, "009")).err).toContain(
    "The plan has no migration 009. It has: 002_notes, 003_labels.",
  );

  await writeFile(join(plan, "002_notes/migrate.sql"), "\nALTER TABLE nothing ADD x int;");
  const failed = await rollback(plan, "002", "--force");
  expect(failed.code).toBe(2);
  expect(failed.err).toContain('002_notes/migrate.sql:2 (step "all"): relation "nothing" does not exist');

  const yaml = await readFile(join(plan, "plan.yaml"), "utf8");
  await writeFile(
    join(plan, "plan.yaml"),
    yaml.replace("folder: 002_notes,", "folder: 002_notes, rollback: restore,"),
  );
  await rm(join(plan, "002_notes/rollback.sql"));
  const restored = await rollback(plan, "002");
  expect(restored.code).toBe(2);
  expect(restored.err).toContain("plan.yaml has `rollback: restore` for 002_notes");
});
