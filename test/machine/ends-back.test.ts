import { describe, expect, test } from "vitest";
import { docName, type HookDoc, type ProofDoc, type RestoreDoc } from "../../lambdas/shared/documents.ts";
import { changedPlan, runPlan } from "../support/rehearsal.ts";

/** A rollback that works wherever the application may connect, and so on staging, but not behind the fence. */
const FAILS_BEHIND_THE_FENCE = (sql: string) =>
  `DO $$ BEGIN
  IF NOT has_database_privilege('notes_app', current_database(), 'CONNECT') THEN RAISE 'this rollback is broken'; END IF;
END $$;\n${sql}`;

describe("a migration that fails on production only", () => {
  const FAILS_ON_PRODUCTION = (sql: string) =>
    FAILS_BEHIND_THE_FENCE(sql).replace("rollback is broken", "migration is broken");

  test.each([
    [
      "half-way is rolled back with those before it, newest first",
      (sql: string) => `-- sluice: step "all"\n${sql}-- sluice: step "fails"\n${FAILS_ON_PRODUCTION("")}`,
      ["Roll back 003", "Roll back 002"],
    ],
    [
      "before it did anything leaves only those before it to roll back",
      FAILS_ON_PRODUCTION,
      ["Roll back 002"],
    ],
  ])("%s, and proven back", async (_what, change, rolledBack) => {
    const plan = await changedPlan({ "003_labels/migrate.sql": change });
    const { end, states } = await runPlan({ plan });
    expect(end.end).toBe("RolledBack");
    expect(end.cause).toContain("migration is broken");
    expect(states.filter((state) => /^Roll back \d+$/.test(state))).toEqual(rolledBack);
  });

  test("and whose rollback fails as well leads to the restore gate; a Go restores and proves it", async () => {
    const plan = await changedPlan({ "003_labels/rollback.sql": FAILS_BEHIND_THE_FENCE });
    const { end, evidence, states } = await runPlan({ plan, noGo: ["after-003"] });
    expect(end.end).toBe("Restored");
    expect(states).toContain("Gate: restore");
    expect(await evidence.require(docName<ProofDoc>("proofs/production-restored"))).toMatchObject({
      equal: true,
    });
    expect(end.cause).toContain((await evidence.require(docName<RestoreDoc>("restore"))).aside);
  });
});

describe("a rollback that succeeds, and leaves production otherwise than it was", () => {
  const BEHIND_THE_FENCE = (statement: string) => (sql: string) =>
    `${sql}\nDO $$ BEGIN
  IF NOT has_database_privilege('notes_app', current_database(), 'CONNECT') THEN ${statement}; END IF;
END $$;\n`;

  test.each([
    [
      "a row's content",
      "UPDATE note SET body = 'not it' WHERE id = 2",
      /note: 1000 rows as before, and 1 row written since/,
    ],
    ["a row", "DELETE FROM note WHERE id = 2", /note: .* rows before, .* now \(-1\)/],
    ["an object", "CREATE TABLE left_over (id int)", /table public\.left_over/],
  ])(
    "by %s, is no way back: the difference is reported, and the gate for the restore opens",
    async (_what, statement, line) => {
      const plan = await changedPlan({ "002_notes/rollback.sql": BEHIND_THE_FENCE(statement) });
      const { end, evidence, states } = await runPlan({ plan, noGo: ["after-002"] });
      expect(end.end).toBe("Restored");
      expect(states).toContain("Gate: restore");
      const proof = await evidence.require(docName<ProofDoc>("proofs/production-rolled-back"));
      expect(proof.equal).toBe(false);
      expect(proof.differences.join("\n")).toMatch(line);
      expect(end.cause).toMatch(line);
      expect(await evidence.require(docName<ProofDoc>("proofs/production-restored"))).toMatchObject({
        equal: true,
      });
    },
  );
});

describe("after the opening", () => {
  const WRITES = (yaml: string) =>
    yaml
      .replace("contains: first", "contains: not there")
      .replace(
        "SELECT body FROM note WHERE id = $1::int",
        "WITH written AS (INSERT INTO note (body) VALUES ('written for ' || $1) RETURNING body) SELECT body FROM written",
      );

  test("a smoke test that fails asks whether to stay; a Go keeps it", async () => {
    const plan = await changedPlan({
      "plan.yaml": (yaml) => yaml.replace("contains: first", "contains: not there"),
    });
    const { end, states } = await runPlan({ plan });
    expect(end.end).toBe("Succeeded");
    expect(states).toContain("Gate: keep");
  });

  test("a No-Go fences and records again, and rolls back without losing anything", async () => {
    const plan = await changedPlan({ "plan.yaml": WRITES });
    const { end, states, evidence } = await runPlan({ plan, noGo: ["keep"] });
    expect(end.end).toBe("RolledBack");
    expect(states).toContain("Fence production again");
    expect(states).toContain("Record production again");
    const { tablesAfter } = await evidence.require(docName<ProofDoc>("proofs/production-rolled-back"));
    expect(tablesAfter?.find(({ table }) => table === "public.note")?.rows).toBe("1001");
  });
});

describe("a sick application", () => {
  test("whose stop hook fails on the way back is fenced nevertheless, and the rollback continues", async () => {
    const plan = await changedPlan({
      "plan.yaml": (yaml) =>
        yaml
          .replace("contains: first", "contains: not there")
          // Stops as agreed, until the migration is applied.
          .replace(
            "path: /stop, does: stop",
            `path: /stop, sql: "SELECT 1 WHERE to_regclass('label') IS NULL"`,
          ),
    });
    const { end, states } = await runPlan({ plan, noGo: ["keep"] });
    expect(end.end).toBe("RolledBack");
    expect(states).toContain("Stop the application again");
    expect(states).toContain("Fence production again");
  });

  test("that stopped and answered otherwise than agreed is started again", async () => {
    const plan = await changedPlan({
      "plan.yaml": (yaml) =>
        yaml.replace("url: /stop, expect: { status: 200 }", "url: /stop, expect: { status: 202 }"),
    });
    const { end, evidence } = await runPlan({ plan });
    expect(end.end).toBe("Refused");
    expect(await evidence.require(docName<HookDoc>("hooks/start-again"))).toMatchObject({
      results: [{ passed: true }],
    });
  });
});

test("a restore after the opening lets the application in again: the snapshot was taken behind the fence", async () => {
  const plan = await changedPlan({
    "plan.yaml": (yaml) => yaml.replace("contains: first", "contains: not there"),
    "003_labels/rollback.sql": FAILS_BEHIND_THE_FENCE,
  });
  const { end, evidence } = await runPlan({ plan, noGo: ["keep"] });
  expect(end.end).toBe("Restored");
  expect(await evidence.read(docName("fence-restored-lifted"))).toBeDefined();
});

describe("without a fence", () => {
  const WRITES_WHILE_TESTED = (yaml: string) =>
    yaml
      // An online migration: nothing stops the application.
      .replace(/^ {2}(stop|start): .*\n/gm, "")
      .replace("  smoke:", "  test: { title: Writes, url: /notes/2, expect: { status: 200 } }\n  smoke:")
      .replace(
        "SELECT body FROM note WHERE id = $1::int",
        "WITH written AS (INSERT INTO note (body) VALUES ('first, for ' || $1) RETURNING body) SELECT body FROM written",
      );

  test("what the application writes meanwhile does not stop the way back, and is reported as not proven", async () => {
    const plan = await changedPlan({ "plan.yaml": WRITES_WHILE_TESTED });
    const { end, evidence } = await runPlan({ plan, fence: "none", noGo: ["open"] });
    expect(end.end).toBe("RolledBack");
    expect(end.cause).toContain("Not proven: 1 table");
    expect(
      (await evidence.require(docName<ProofDoc>("proofs/production-rolled-back"))).unproven,
    ).toHaveLength(1);
  });
});

describe("a run that is stopped from the keyboard", () => {
  test("before production is touched ends Refused", async () => {
    const { end } = await runPlan({
      onEvent: (event, stop) => {
        if (event.type === "entered" && event.state === "Verify staging") stop();
      },
    });
    expect(end.end).toBe("Refused");
    expect(end.cause).toContain("stopped");
  });

  test("between two migrations brings production back", async () => {
    const { end } = await runPlan({
      onEvent: (event, stop) => {
        if (event.type === "entered" && event.state === "Validate 002 on production") stop();
      },
    });
    expect(end.end).toBe("RolledBack");
  });

  test("at an open gate counts as its No-Go", async () => {
    const { end } = await runPlan({
      onEvent: (event, stop) => {
        if (event.type === "gate" && event.gate.doc.gate === "after-002") stop();
      },
    });
    expect(end.end).toBe("RolledBack");
  });
});
