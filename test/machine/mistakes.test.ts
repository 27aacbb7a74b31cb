import { describe, expect, test } from "vitest";
import { docName, type GateDoc, type LeftDoc, type ProofDoc } from "../../lambdas/shared/documents.ts";
import { changedPlan, runPlan } from "../support/rehearsal.ts";

const plus = (statement: string) => (sql: string) => `${sql}\n${statement}\n`;
const REWRITES = "DO $$ BEGIN EXECUTE 'ALTER TABLE note ALTER body TYPE varchar(99)'; END $$;";

describe("the mistakes of a rehearsal", () => {
  test("are reported together by one run, which ends before production is touched", async () => {
    const plan = await changedPlan({
      "002_notes/rollback.sql": plus("CREATE TABLE IF NOT EXISTS left_over ();"),
      "002_notes/validate.sql": plus(
        `-- sluice: check "notes are long"\nSELECT false AS passed, 'long' AS expected, 'short' AS seen;`,
      ),
      "003_labels/migrate.sql": plus("ALTER TABLE label ADD CONSTRAINT short CHECK (label <> '') NOT VALID;"),
      "003_labels/rollback.sql": plus(`UPDATE note SET body = 'other' WHERE id = 2; ${REWRITES}`),
    });
    const { end, states } = await runPlan({ plan });
    expect(end.end).toBe("Refused");
    expect(states).not.toContain("Gate: rehearsal");
    expect(states).toContain("Validate 003 on staging again");
    const issues = end.report.staging.issues.join("\n");
    for (const found of [
      /rolling back 002 does not bring staging back: table public\.left_over added/,
      /rolling back 003 does not bring staging back: .*note: 1000 rows as before, but with other values in "body"; by "id": changed 2/,
      /check 'notes are long' of 002 failed on staging/,
      /003_labels\/rollback\.sql:1: step "all" rewrites the whole of public\.note/,
    ]) {
      expect(issues).toMatch(found);
      expect(end.report.failures.map(({ message }) => message).join("\n")).toMatch(found);
    }
    expect(end.cause).toContain("The rehearsal found 4 mistakes");
  });

  test("found so far are reported with the one that stops the rehearsal", async () => {
    const plan = await changedPlan({
      "002_notes/rollback.sql": plus("CREATE TABLE IF NOT EXISTS left_over ();"),
      "003_labels/migrate.sql": plus("SELECT 1 / 0;"),
    });
    const { end } = await runPlan({ plan });
    expect(end.end).toBe("Refused");
    expect(end.cause).toMatch(
      /division by zero[\s\S]*Before that, the rehearsal had found: rolling back 002 .*left_over/,
    );
  });
});

describe("a rollback is tried again on staging, and the run is refused where it", () => {
  const refused = async (rollback: (sql: string) => string) => {
    const plan = await changedPlan({ "002_notes/rollback.sql": rollback });
    const { end, states, evidence } = await runPlan({ plan });
    expect(end.end).toBe("Refused");
    expect(states).not.toContain("Gate: rehearsal");
    // The first rollback is proven as usual.
    expect(await evidence.require(docName<ProofDoc>("proofs/staging-002"))).toMatchObject({ equal: true });
    return end.cause;
  };

  test("cannot be run twice", async () => {
    expect(await refused((sql) => sql.replace(" IF EXISTS", ""))).toMatch(
      /the rollback of 002 does not work a second time: run a second time, after it had completed, it fails: .*rollback\.sql:2/,
    );
  });

  test("fails on what the first step alone leaves", async () => {
    expect(
      await refused((sql) =>
        sql.replace(
          "ALTER",
          () =>
            "DO $$ BEGIN IF to_regclass('note_author_idx') IS NULL AND EXISTS (SELECT FROM pg_attribute WHERE attname = 'author') THEN RAISE 'no index'; END IF; END $$;\nALTER",
        ),
      ),
    ).toMatch(
      /The rollback of 002 fails from the state after the first step \("give notes an author"\).*no index/,
    );
  });

  test("changes contents when it is run once more", async () => {
    const deletes = `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_attribute WHERE attname = 'author' AND attnum > 0) THEN
      UPDATE note SET body = 'lost' WHERE id = 7; END IF; END $$;\n`;
    expect(await refused((sql) => sql.replace("ALTER", () => `${deletes}ALTER`))).toMatch(
      /does not work a second time: public\.note: 1000 rows as before, but with other values in "body"; by "id": changed 7/,
    );
  });
});

test("a gate shows first what a Go leads to: a missed benchmark, tables rewritten, constraints not valid", async () => {
  const plan = await changedPlan({
    "plan.yaml": (yaml) => yaml.replace("sloMs: 1000", "sloMs: 0.000001"),
    "002_notes/migrate.sql": (sql) =>
      sql.replace(
        'an author"\n',
        "an author\" rewrites\nALTER TABLE note ADD CONSTRAINT said CHECK (body <> '') NOT VALID;\nALTER TABLE note ALTER id TYPE bigint;\n",
      ),
    "002_notes/rollback.sql": (sql) =>
      sql.replace(
        'away"\n',
        'away" rewrites\nALTER TABLE note DROP CONSTRAINT IF EXISTS said;\nALTER TABLE note ALTER id TYPE int;\n',
      ),
  });
  const { end, evidence } = await runPlan({ plan, noGo: ["rehearsal"] });
  expect(end.end).toBe("Refused");
  const { warnings } = await evidence.require(docName<GateDoc>("gates/rehearsal-1/request"));
  expect(warnings).toEqual([
    expect.stringMatching(
      /^A Go ends in a rollback unless production is faster than staging, where a benchmark exceeds its limit \(Notes by author .* ms, limit .*\)\.$/,
    ),
    expect.stringMatching(
      /^002, step 1 \("give notes an author"\), rewrites public\.note: locked for about /,
    ),
    expect.stringMatching(/^The rollback of 002, step 1 .* rewrites public\.note: locked for about /),
    expect.stringMatching(/^Constraint said on public\.note stays NOT VALID/),
  ]);
});

test("what a migration grants on the database stays, and what the fence took is given back", async () => {
  const plan = await changedPlan({
    "003_labels/migrate.sql": plus(
      "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO notes_app', current_database()); END $$;",
    ),
    "003_labels/rollback.sql": plus(
      "DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM notes_app', current_database()); END $$;",
    ),
    "plan.yaml": (yaml) =>
      yaml.replace(
        "afterOpening:\n",
        `afterOpening:
  - title: Rights
    sql: "SELECT 1 / (has_database_privilege('notes_app', current_database(), 'CREATE') AND has_database_privilege('notes_app', current_database(), 'CONNECT'))::int"\n`,
      ),
  });
  const { end, evidence } = await runPlan({ plan });
  expect(end.end).toBe("Succeeded");
  expect(end.report.afterOpening).toMatchObject([{ title: "Rights", passed: true }, { passed: true }]);
  expect(await evidence.require(docName<LeftDoc>("left/production"))).toMatchObject({
    invalidIndexes: [],
    notValid: [],
  });
});
