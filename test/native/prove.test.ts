import { afterEach, beforeEach, expect, test } from "vitest";
import { main } from "../../bin/commands/main.ts";
import { Doc } from "../../lambdas/shared/documents.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import { databases, type NativeDatabase, onServer, tinyDatabase } from "../support/native.ts";
import { runPlan } from "../support/rehearsal.ts";
import { FakeTerminal } from "../unit/terminal/fake-terminal.ts";

let database: NativeDatabase;
beforeEach(async () => {
  database = await tinyDatabase();
});
afterEach(async () => {
  const ours = (await databases()).filter(
    (name) => name.startsWith(database.name) || name.startsWith("sluice-"),
  );
  for (const name of ours) await onServer((s) => s.exec(`DROP DATABASE "${name}" WITH (FORCE)`));
});

async function prove(evidence: string) {
  const terminal = new FakeTerminal();
  const code = await main(["prove", evidence, "--database-url", database.url], terminal);
  return { code, out: terminal.out };
}

/** Ends as NeedsOperator, with 002 on production. */
const stuck = () =>
  runPlan({
    databaseUrl: database.url,
    apply: true,
    fail: ["Apply 003 to production", "Roll back 002"],
    noGo: ["restore"],
  });

test("after a run that needs an operator, production is said not to be back, object by object", async () => {
  const { end } = await stuck();
  expect(end.end).toBe("NeedsOperator");
  const { code, out } = await prove(end.evidence);
  expect(code).toBe(3);
  expect(out).toMatch(
    /^NOT back: the database differs from the record of 20.*column public\.note\.author added/s,
  );
});

test("once the copy of the moment is in its place, as in the runbook, it is proven back", async () => {
  const { end, evidence } = await stuck();
  const { name: id } = await evidence.require(Doc.moment("final"));
  const { name } = database;
  await onServer(async (s) => {
    await s.exec(`ALTER DATABASE "${name}" RENAME TO "${name}-by-hand"`);
    await s.exec(`CREATE DATABASE "${name}" TEMPLATE "${id}" OWNER notes_owner`);
  });
  const { code, out } = await prove(end.evidence);
  expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^Back: catalog and \d+ tables are/) });
});

test("rows that are not there, and sequences that would give values again, are no proof", async () => {
  const { end } = await runPlan({ databaseUrl: database.url, apply: true, noGo: ["after-002"] });
  expect(end.end).toBe("RolledBack");
  expect((await prove(end.evidence)).code).toBe(0);
  await withPgSession({ connectionString: database.url }, (s) =>
    s.exec("DELETE FROM note WHERE id = 1; ALTER TABLE note ALTER id RESTART"),
  );
  const { code, out } = await prove(end.evidence);
  expect(code).toBe(3);
  expect(out).toContain("public.note: 1000 rows before, 999 rows now");
  expect(out).toContain("public.note_id_seq: had reached 1000, now starts over");
});

test("a run without a record of production has nothing to be compared with", async () => {
  const { end } = await runPlan({ databaseUrl: database.url, noGo: ["readiness"] });
  const terminal = new FakeTerminal();
  expect(await main(["prove", end.evidence, "--database-url", database.url], terminal)).toBe(2);
  expect(terminal.err).toContain("has no record of production");
});
