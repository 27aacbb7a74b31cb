import { describe, expect, test } from "vitest";
import { Doc, type GateDoc, type ProofDoc, type WayBackDoc } from "../../lambdas/shared/documents.ts";
import { runPlan } from "../support/rehearsal.ts";
import { ADDS_A_LABEL, NARROWS, WITH_ENUM, waysBackPlan } from "../support/ways-back.ts";

const rolledBack = (states: readonly string[]) => states.filter((state) => /^Roll back \d+$/.test(state));
const loses =
  /From 004 on the way back is the restore, about .*; what is written after the opening would be lost\./;

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
    expect(await evidence.need<ProofDoc>(Doc.proof("restore-rehearsed"))).toMatchObject({ equal: true });
    const wayBack = await evidence.need<WayBackDoc>(Doc.wayBack);
    expect(wayBack.restoreFrom).toBe("004");
    expect(wayBack.rollback.parts.map(({ what }) => what)).toEqual([
      "Roll back 003",
      "Roll back 002",
      "Prove it",
    ]);
    const gate = await evidence.need<GateDoc>(Doc.gate("rehearsal", 1));
    expect(gate.warnings?.[0]).toMatch(loses);
    expect((await evidence.need<GateDoc>(Doc.gate("readiness", 1))).warnings?.[0]).toMatch(
      /^From 004 on the way back is the restore, and the rehearsal will time it/,
    );
  });

  test("is brought back by the restore at once after a No-Go, and no rollback is tried", async () => {
    const plan = await waysBackPlan({ added: [NARROWS] });
    const { end, states, evidence } = await runPlan({ plan, noGo: ["after-004"] });
    expect(end.end).toBe("Restored");
    expect(rolledBack(states)).toEqual([]);
    expect(states).toContain("Count what a restore would lose");
    expect(await evidence.need<ProofDoc>(Doc.proof("production-restored"))).toMatchObject({ equal: true });
    expect(end.cause).toContain("004 had begun, which has no rollback: only the restore leads back.");
  });

  test("is rolled back as ever while it has not begun", async () => {
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
    expect(await evidence.need<ProofDoc>(Doc.proof("staging-004"))).toMatchObject({
      equal: true,
      left: ["enum public.state: label: archived"],
    });
    const gate = await evidence.need<GateDoc>(Doc.gate("rehearsal", 1));
    expect(gate.warnings?.[0]).toBe("Rolled back, 004 leaves enum public.state: label: archived.");
  });

  test("is rolled back but for the label, and says so", async () => {
    const plan = await waysBackPlan({ added: [ADDS_A_LABEL], changes: WITH_ENUM });
    const { end, evidence } = await runPlan({ plan, noGo: ["open"] });
    expect(end.end).toBe("RolledBack");
    expect(end.cause).toContain("proven back, but for enum public.state: label: archived.");
    expect(await evidence.need<ProofDoc>(Doc.proof("production-rolled-back"))).toMatchObject({
      equal: true,
      left: ["enum public.state: label: archived"],
    });
  });
});
