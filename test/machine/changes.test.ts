import { describe, expect, test } from "vitest";
import { changesText } from "../../lambdas/proof/changes-in-words.ts";
import { buildReport } from "../../lambdas/report/build.ts";
import { Doc, docName, type ProofDoc } from "../../lambdas/shared/documents.ts";
import { CHANGES_PLAN, CHANGES_WORDS } from "../support/changes-plan.ts";
import { changedPlan, runPlan } from "../support/rehearsal.ts";

test("migrations that change data succeed, each with what it does in words at the gate", async () => {
  let shown: string[] = [];
  const { end, evidence } = await runPlan({
    plan: CHANGES_PLAN,
    onEvent: (event) => {
      if (event.type === "gate" && event.gate.doc.kind === "rehearsal")
        shown = event.gate.summary.flatMap(({ lines }) => lines);
    },
  });
  expect(end.cause).toContain("3 tables changed as the rehearsal showed, all others are unchanged");
  expect(end.end).toBe("Succeeded");
  for (const [version, words] of Object.entries(CHANGES_WORDS))
    expect(shown).toContain(`${version} ${words}`);
  const proof = await evidence.require(docName<ProofDoc>("proofs/production-data"));
  expect(proof.agreed.map(({ table }) => table)).toEqual([
    "public.account",
    "public.role_kind",
    "public.visit",
  ]);
  // Nobody wrote to it, and nobody read it on production.
  expect(proof.tablesAfter?.find(({ table }) => table === "public.audit")).toMatchObject({
    rows: "500",
    checksum: null,
  });
  expect(changesText(await evidence.require(Doc.changes("production")))).toBe(
    changesText(await evidence.require(Doc.changes("staging"))),
  );
  const report = await buildReport(evidence);
  expect(report.migrations.map(({ changes }) => changes?.text)).toEqual(Object.values(CHANGES_WORDS));
});

/** Behind the fence, and so on production only. */
const ON_PRODUCTION = "NOT has_database_privilege('notes_app', current_database(), 'CONNECT')";

/** Changes notes, and gives them back. */
const CHANGES_NOTES = {
  "003_labels/migrate.sql": (sql: string) =>
    `CREATE TABLE note_kept AS SELECT id, body FROM note;
    UPDATE note SET body = upper(body)
     WHERE id BETWEEN 1 + CASE WHEN ${ON_PRODUCTION} THEN 100 ELSE 0 END AND 10 + CASE WHEN ${ON_PRODUCTION} THEN 100 ELSE 0 END;\n${sql}`,
  "003_labels/rollback.sql": (sql: string) =>
    `${sql}\nDO $$ BEGIN IF to_regclass('note_kept') IS NOT NULL THEN
      UPDATE note SET body = kept.body FROM note_kept kept WHERE kept.id = note.id; DROP TABLE note_kept; END IF; END $$;`,
};

describe("what production does otherwise than staging did is found", () => {
  test("another table that a trigger changes, and a WHERE that hits other rows", async () => {
    const plan = await changedPlan({
      ...CHANGES_NOTES,
      "baseline/schema.sql": (sql) => `${sql}
        CREATE TABLE tally (id int PRIMARY KEY, changed int NOT NULL);
        INSERT INTO tally VALUES (1, 0), (2, 0);
        CREATE FUNCTION tallied() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF ${ON_PRODUCTION} THEN UPDATE tally SET changed = changed + 1 WHERE id = 1; END IF; RETURN NULL; END $$;
        CREATE TRIGGER tallied AFTER UPDATE ON note EXECUTE FUNCTION tallied();`,
    });
    const { end, evidence } = await runPlan({ plan });
    const { differences } = await evidence.require(docName<ProofDoc>("proofs/production-data"));
    expect(differences).toEqual([
      "note (body): the rows touched differ from those in the rehearsal, although its rows were the same",
      "1 of 2 rows of tally changed or replaced, which the rehearsal did not show",
    ]);
    // Without a record it cannot be proven back: the snapshot is the way back.
    const back = await evidence.require(docName<ProofDoc>("proofs/production-rolled-back"));
    expect(back.differences.join()).toContain("public.tally: 2 rows as before, and 1 row written since");
    expect(end.end).toBe("Restored");
    expect(await evidence.require(docName<ProofDoc>("proofs/production-restored"))).toMatchObject({
      equal: true,
    });
  });

  test("a column that the rollback makes again without what was in it", async () => {
    const emptied = (made: string) => ({
      "baseline/schema.sql": (sql: string) =>
        sql.replace("body text NOT NULL)", "body text NOT NULL, tag text)"),
      "003_labels/migrate.sql": (sql: string) =>
        `CREATE TABLE tag_kept AS SELECT id, 'tag ' || id AS tag FROM note;\nALTER TABLE note DROP COLUMN tag;\n${sql}`,
      "003_labels/rollback.sql": (sql: string) =>
        `${sql}\nDO $$ BEGIN IF to_regclass('tag_kept') IS NOT NULL THEN
          ALTER TABLE note ADD COLUMN tag text; ${made} DROP TABLE tag_kept; END IF; END $$;`,
    });
    const filled = {
      "baseline/schema.sql": (sql: string) =>
        `${emptied("")["baseline/schema.sql"](sql)}\nUPDATE note SET tag = 'tag ' || id;`,
    };
    const plan = await changedPlan({
      ...emptied(
        `IF NOT ${ON_PRODUCTION.replace("NOT ", "(NOT ")}) THEN UPDATE note SET tag = kept.tag FROM tag_kept kept WHERE kept.id = note.id; END IF;`,
      ),
      ...filled,
    });
    const { end, evidence } = await runPlan({ plan, noGo: ["after-003", "restore"] });
    expect(end.end).toBe("NeedsOperator");
    const back = await evidence.require(docName<ProofDoc>("proofs/production-rolled-back"));
    expect(back.differences.join()).toContain(
      'public.note: 1000 rows as before, but with other values in "tag"',
    );
  });
});

test("staging must show exactly the changes that plan.yaml declares, or the run ends there", async () => {
  const plan = await changedPlan({
    ...CHANGES_NOTES,
    "plan.yaml": (yaml) =>
      yaml.replace("expectedMinutes: 1, checklist", "expectedMinutes: 1, changes: { note: rows }, checklist"),
  });
  const { end } = await runPlan({ plan });
  expect(end.end).toBe("Refused");
  expect(end.cause).toContain(
    "note.body changed in 10 of 1,000 rows, which plan.yaml does not declare; plan.yaml declares `note: rows`, but staging did not show it",
  );
});
