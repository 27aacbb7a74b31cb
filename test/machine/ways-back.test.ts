import { describe, expect, test } from "vitest";
import { Doc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { RESTORE } from "../../lambdas/shared/plan.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { synthesize } from "../../local/synthesize.ts";
import { BEFORE_KEEPING, keptPattern } from "../support/kept-pattern.ts";
import { StandInEnvironment } from "../support/matrix/stand-in-environment.ts";
import { type Ground, walk } from "../support/matrix/walk.ts";
import { runPlan, TINY_PLAN } from "../support/rehearsal.ts";
import { ADDS_A_LABEL, NARROWS, WITH_ENUM, waysBackPlan } from "../support/ways-back.ts";

const rolledBack = (states: readonly string[]) => states.filter((state) => /^Roll back \d+$/.test(state));
const loses =
  /From 004 on the way back is the restore, about .*\. It loses what is written after the opening\./;

describe("a plan that narrows a column, with the restore as its way back,", () => {
  test("succeeds: the restore was rehearsed, and everything migrated again after it", async () => {
    const plan = await waysBackPlan({ added: [NARROWS] });
    const { end, states, evidence } = await runPlan({ plan });
    expect(end.end).toBe("Succeeded");
    expect(states).not.toContain("Roll back 004 on staging");
    expect(
      states.slice(states.indexOf("Restore staging again"), states.indexOf("Validate everything on staging")),
    ).toEqual(
      expect.arrayContaining([
        "Restore staging again",
        "Verify staging again",
        "Apply 002 to staging after the restore",
        "Validate 004 on staging after the restore",
      ]),
    );
    expect(await evidence.require(Doc.proof("restore-rehearsed"))).toMatchObject({ equal: true });
    const wayBack = await evidence.require(Doc.wayBack);
    expect(wayBack.restoreFrom).toBe("004");
    expect(wayBack.rollback.parts.map(({ what }) => what)).toEqual([
      "Roll back 003",
      "Roll back 002",
      "Prove it",
    ]);
    const gate = await evidence.require(Doc.gate("rehearsal", 1));
    expect(gate.warnings?.[0]).toMatch(loses);
    expect((await evidence.require(Doc.gate("readiness", 1))).warnings?.[0]).toMatch(
      /^From 004 on the way back is the restore, and the rehearsal will time it/,
    );
  });

  test("is brought back by the restore at once after a No-Go, and no rollback is tried", async () => {
    const plan = await waysBackPlan({ added: [NARROWS] });
    const { end, states, evidence } = await runPlan({ plan, noGo: ["after-004"] });
    expect(end.end).toBe("Restored");
    expect(rolledBack(states)).toEqual([]);
    expect(states).toContain("Count what a restore would lose");
    expect(await evidence.require(Doc.proof("production-restored"))).toMatchObject({ equal: true });
    expect(end.cause).toContain("004 had begun and has no rollback, so only the restore leads back.");
  });

  test("is rolled back as usual while it has not begun", async () => {
    const plan = await waysBackPlan({ added: [NARROWS] });
    const { end, states } = await runPlan({ plan, noGo: ["after-003"] });
    expect(end.end).toBe("RolledBack");
    expect(rolledBack(states)).toEqual(["Roll back 003", "Roll back 002"]);
  });
});

describe("a plan that adds a label to an enum, which its rollback leaves,", () => {
  test("succeeds", async () => {
    const plan = await waysBackPlan({ added: [ADDS_A_LABEL], changes: WITH_ENUM });
    const { end, evidence } = await runPlan({ plan });
    expect(end.end).toBe("Succeeded");
    expect(await evidence.require(Doc.proof("staging-004"))).toMatchObject({
      equal: true,
      left: ["enum public.state: label: archived"],
    });
    const gate = await evidence.require(Doc.gate("rehearsal", 1));
    expect(gate.warnings?.[0]).toBe("The rollback of 004 leaves enum public.state: label: archived.");
  });

  test("is rolled back except for the label, and reports it", async () => {
    const plan = await waysBackPlan({ added: [ADDS_A_LABEL], changes: WITH_ENUM });
    const { end, evidence } = await runPlan({ plan, noGo: ["open"] });
    expect(end.end).toBe("RolledBack");
    expect(end.cause).toContain("proven back, except enum public.state: label: archived.");
    expect(await evidence.require(Doc.proof("production-rolled-back"))).toMatchObject({
      equal: true,
      left: ["enum public.state: label: archived"],
    });
  });
});

describe("a rollback is refused on staging", () => {
  test.each([
    [
      "that leaves one thing more than is named",
      { ...ADDS_A_LABEL, rollback: `${ADDS_A_LABEL.rollback}CREATE TABLE IF NOT EXISTS kept ();\n` },
      /rolling back 004 does not bring staging back: table public\.kept added\. .*`leaves`.*`rollback: restore`/,
    ],
    [
      "that leaves a label more than is named",
      {
        ...ADDS_A_LABEL,
        migrate: `ALTER TYPE state ADD VALUE IF NOT EXISTS 'lost';\n${"ALTER TYPE state ADD VALUE IF NOT EXISTS 'archived';"}`,
        rollback: "SELECT 1;",
      },
      /rolling back 004 does not bring staging back: enum public\.state changed: now "label: lost"/,
    ],
    [
      "that does not leave what is named",
      { ...ADDS_A_LABEL, leaves: [...(ADDS_A_LABEL.leaves ?? []), "extension hstore"] },
      /rolling back 004 does not bring staging back: extension hstore: plan\.yaml names it under `leaves`, but the rollback does not leave it/,
    ],
    [
      "that leaves something else under a name that may be left",
      {
        ...ADDS_A_LABEL,
        migrate: `${ADDS_A_LABEL.migrate}CREATE TABLE IF NOT EXISTS kept (id int);\n`,
        rollback: `${ADDS_A_LABEL.rollback}DROP TABLE IF EXISTS kept; CREATE TABLE kept (secret text);\n`,
        leaves: [...(ADDS_A_LABEL.leaves ?? []), "table public.kept"],
      },
      /Applied again after its rollback, 004\S* gives another result than the first time: column public\.kept\.id removed; column public\.kept\.secret added\. /,
    ],
    [
      "that leaves rows otherwise than they were, though a label may stay",
      { ...ADDS_A_LABEL, rollback: `${ADDS_A_LABEL.rollback}DELETE FROM note WHERE id = 9;\n` },
      /rolling back 004 does not bring staging back: public\.note: 1000 rows before, 999 rows now/,
    ],
  ])("%s", async (_what, added, cause) => {
    const plan = await waysBackPlan({ added: [added], changes: WITH_ENUM });
    const { end, states } = await runPlan({ plan });
    expect(end.end).toBe("Refused");
    expect(end.cause).toMatch(cause);
    expect(states).not.toContain("Gate: rehearsal");
  });
});

test("a restore that would take longer than the plan allows is refused where it is the way back", async () => {
  const slo = (text: string) => text.replace("rollbackSloMinutes: 5", "rollbackSloMinutes: 0.000001");
  const plan = await waysBackPlan({ restoreOnly: ["002", "003"], changes: { "plan.yaml": slo } });
  const { end, states } = await runPlan({ plan });
  expect(end.end).toBe("Refused");
  expect(end.cause).toMatch(
    /the restore, which is the way back from 002 on, would take .* but the plan allows .*"Keep what you drop"/,
  );
  expect(states).toContain("Predict the way back");
});

test("a migration in the middle that has no rollback stops no rollback before it, and none after it is tried", async () => {
  const last = {
    folder: "004_pages",
    migrate: "ALTER TABLE note ADD COLUMN page int;",
    rollback: "ALTER TABLE note DROP COLUMN IF EXISTS page;",
  };
  const plan = await waysBackPlan({ restoreOnly: ["003"], added: [last] });
  const before = await runPlan({ plan, fail: ["Apply 003 to production"] });
  expect(before.end.end).toBe("RolledBack");
  expect(rolledBack(before.states)).toEqual(["Roll back 002"]);
  const after = await runPlan({ plan, fail: ["Validate 004 on production"] });
  expect(after.end.end).toBe("Restored");
  expect(rolledBack(after.states)).toEqual([]);
  // A rollback that leaves something is still tried on staging.
  expect(after.states).toContain("Roll back 004 on staging");
});

describe("where restores are forbidden", () => {
  const deployed = async (accepted: boolean): Promise<Ground> => {
    const tiny = await compilePlan(TINY_PLAN);
    const [first, ...more] = tiny.migrations;
    if (!first) throw new Error("The tiny plan has no migration");
    const plan = {
      ...tiny,
      ...(accepted ? { acceptNoWayBack: true as const } : {}),
      migrations: [{ ...first, rollback: RESTORE } as const, ...more],
    };
    const definition = await synthesize(plan, { rehearse: "before", restore: false });
    return { definition, plan, rehearse: "before", restore: false };
  };

  test("a stack is not even synthesized for a plan that has no other way back", async () => {
    await expect(deployed(false)).rejects.toThrow(
      /^plan\.yaml: migrations: the way back of 002_notes is the restore, and restores are off here.*acceptNoWayBack: true/,
    );
  });

  test("a plan that accepts it shows it first at every gate, and stands still when it fails", async () => {
    const environment = new StandInEnvironment();
    const walked = await walk(await deployed(true), { environment }, [{ state: "Gate: open", kind: "no" }]);
    expect(walked.end).toBe("NeedsOperator");
    expect(walked.calls).toContain("Begin rollback");
    expect(
      walked.calls.filter((state) =>
        /^Roll back \d+$|Restore staging again|Restore production|Count/.test(state),
      ),
    ).toEqual([]);
    expect(walked.cause).toContain("002 had begun and has no rollback");
    const evidence = evidenceOf(walked.evidence, "a-walk");
    for (const gate of ["readiness", "rehearsal", "after-002", "open"]) {
      const { warnings } = await evidence.require(Doc.gate(gate, 1));
      expect(warnings?.[0]).toMatch(/^From 002 on there is no way back: .*acceptNoWayBack: true/);
    }
    const asked = walked.notices.filter(({ text }) => text.includes("waits for your decision"));
    expect(asked).toHaveLength(5);
    for (const { text } of asked) expect(text.split("\n")[0]).toMatch(/^From 002 on there is no way back/);
  });
});

test("what the docs show under 'Keep what you drop' is a plan that succeeds, with its clean-up at the end", async () => {
  const files = await keptPattern();
  const kept = (folder: string, number: string) => ({
    folder: `${number}_${folder.slice(4)}`,
    migrate: files.get(`${folder}/migrate.sql`) ?? "",
    rollback: files.get(`${folder}/rollback.sql`) ?? "",
  });
  const away = {
    folder: "006_away",
    migrate: "ALTER TABLE orders DROP COLUMN kept_code_007;\nDROP SCHEMA kept CASCADE;",
  };
  const plan = await waysBackPlan({
    added: [kept("007_short_codes", "004"), kept("008_no_carts", "005"), away],
    changes: { "baseline/schema.sql": (sql) => sql + BEFORE_KEEPING },
  });
  const { end, states } = await runPlan({ plan });
  expect(end.cause).toContain("006 are on");
  expect(end.end).toBe("Succeeded");
  expect(states).toContain("Prove 005 rolled back on staging");
});
