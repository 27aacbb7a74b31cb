import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { listTables, takeTableContent } from "../../lambdas/proof/checksums.ts";
import { Doc } from "../../lambdas/shared/documents.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import { proveByHand } from "../../local/prove.ts";
import { databases, type NativeDatabase, onServer, tinyDatabase } from "../support/native.ts";
import { runPlan } from "../support/rehearsal.ts";
import { ADDS_A_LABEL, NARROWS, waysBackPlan } from "../support/ways-back.ts";

let database: NativeDatabase;
beforeEach(async () => {
  database = await tinyDatabase();
  await query("CREATE TYPE state AS ENUM ('open', 'closed')");
});
afterEach(async () => {
  const ours = (await databases()).filter(
    (name) => name.startsWith(database.name) || name.startsWith("sluice-"),
  );
  for (const name of ours) await onServer((s) => s.exec(`DROP DATABASE "${name}" WITH (FORCE)`));
});

const query = (sql: string) =>
  withPgSession({ connectionString: database.url }, (session) => session.query(sql));

/** Catalog and contents. */
const everything = () =>
  withPgSession({ connectionString: database.url }, async (session) => {
    const tables = [];
    for (const { table, columns } of await listTables(session))
      tables.push(await takeTableContent(session, table, columns, "full"));
    return { catalog: (await takeFingerprint(session)).objects, tables };
  });

const apply = (plan: string, wishes: Partial<Parameters<typeof runPlan>[0]> = {}) =>
  runPlan({ plan, databaseUrl: database.url, apply: true, ...wishes });

describe("with --apply, a plan that narrows a column", () => {
  test("succeeds, once the restore was rehearsed", async () => {
    const { end, evidence } = await apply(await waysBackPlan({ added: [NARROWS] }));
    expect(end).toMatchObject({
      end: "Succeeded",
      leftBehind: [expect.stringContaining("before the migration")],
    });
    expect(await query("SELECT max(length(body)) AS longest FROM note")).toEqual([{ longest: 5 }]);
    expect(await evidence.require(Doc.stagingAgain)).toMatchObject({
      id: expect.stringMatching(/^sluice-staging-.*-2$/),
    });
    expect((await databases()).filter((name) => name.startsWith("sluice-staging-"))).toEqual([]);
  });

  test("and fails afterwards is restored, and proven to be what it was", async () => {
    const before = await everything();
    const plan = await waysBackPlan({ added: [NARROWS] });
    const { end, states, evidence } = await apply(plan, { fail: ["Validate 004 on production"] });
    expect(end.end).toBe("Restored");
    expect(await everything()).toEqual(before);
    expect(await evidence.require(Doc.proof("production-restored"))).toMatchObject({ equal: true });
    expect(states.filter((state) => /^Roll back \d+$/.test(state))).toEqual([]);
  });

  test("and fails before it changed anything is rolled back without a restore", async () => {
    const before = await everything();
    const fails = { ...NARROWS, migrate: FAILS_BEHIND_THE_FENCE + NARROWS.migrate };
    const { end, states } = await apply(await waysBackPlan({ added: [fails] }));
    expect(end.end).toBe("RolledBack");
    expect(end.cause).toContain("this migration is broken");
    expect(states).not.toContain("Gate: restore");
    expect(await everything()).toEqual(before);
  });
});

const FAILS_BEHIND_THE_FENCE = `-- sluice: step "fails"
DO $$ BEGIN
  IF NOT has_database_privilege('notes_app', current_database(), 'CONNECT') THEN RAISE 'this migration is broken'; END IF;
END $$;
`;

describe("with --apply, a plan that adds a label to an enum", () => {
  test("succeeds", async () => {
    const { end } = await apply(await waysBackPlan({ added: [ADDS_A_LABEL] }));
    expect(end.end).toBe("Succeeded");
    expect(await query("SELECT count(*)::int AS archived FROM note WHERE state = 'archived'")).toEqual([
      { archived: 9 },
    ]);
  });

  test("and fails afterwards is rolled back but for the label, proven, and the next run starts from there", async () => {
    const before = await everything();
    const plan = await waysBackPlan({ added: [ADDS_A_LABEL] });
    const first = await apply(plan, { fail: ["Benchmark production"] });
    expect(first.end.end).toBe("RolledBack");
    expect(first.end.cause).toContain("proven back, except enum public.state: label: archived.");
    const byHand = await withPgSession({ connectionString: database.url }, (session) =>
      proveByHand(first.evidence, session),
    );
    expect(byHand).toMatchObject({ differences: [], left: ["enum public.state: label: archived"] });
    const after = await everything();
    expect(after.tables).toEqual(before.tables);
    expect(after.catalog.filter((object) => !before.catalog.some(same(object)))).toEqual([
      expect.objectContaining({
        kind: "enum",
        definition: expect.stringContaining("label: open\nlabel: archived\nlabel: closed"),
      }),
    ]);
    const second = await apply(plan);
    expect(second.end).toMatchObject({ end: "Succeeded" });
    const proof = await second.evidence.require(Doc.proof("staging-004"));
    expect(proof.equal).toBe(true);
    // It was there already: nothing was left that had not been there.
    expect(proof.left).toBeUndefined();
  });
});

const same = (one: { kind: string; name: string; definition: string }) => (other: typeof one) =>
  one.kind === other.kind && one.name === other.name && one.definition === other.definition;
