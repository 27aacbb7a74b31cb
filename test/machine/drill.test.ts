import { expect, test } from "vitest";
import { docName, type ProofDoc } from "../../lambdas/shared/documents.ts";
import { runPlan } from "../support/rehearsal.ts";

const APPLY = "Apply 003 to production";
const BROKEN_BACK = "Roll back 002";

test("a state that is broken on purpose fails, does nothing, and the run goes its own way back", async () => {
  const { end, states } = await runPlan({ fail: [APPLY] });
  expect(end).toMatchObject({ end: "RolledBack", neverReached: [] });
  expect(end.cause).toContain(`"${APPLY}" failed on purpose`);
  expect(states).not.toContain("Roll back 003");
  expect(states.filter((state) => state === APPLY)).toHaveLength(1);
});

test("with the rollback broken too, a Go at the restore gate restores production and proves it", async () => {
  const { end, evidence } = await runPlan({ fail: [APPLY, BROKEN_BACK] });
  expect(end.end).toBe("Restored");
  expect(end.cause).toContain(`"${BROKEN_BACK}" failed on purpose`);
  expect(await evidence.require(docName<ProofDoc>("proofs/production-restored"))).toMatchObject({
    equal: true,
  });
});

test("and a No-Go there needs an operator", async () => {
  const { end } = await runPlan({ fail: [APPLY, BROKEN_BACK], noGo: ["restore"] });
  expect(end.end).toBe("NeedsOperator");
});

test("a state that the run never reached is reported at the end", async () => {
  const { end } = await runPlan({ fail: [BROKEN_BACK], noGo: ["readiness"] });
  expect(end).toMatchObject({ end: "Refused", neverReached: [BROKEN_BACK] });
});

test("a state that the machine does not have is refused, with those that it has", async () => {
  await expect(runPlan({ fail: ["Apply 004 to production"] })).rejects.toThrow(
    /no working state with that name.*Migrate: .*Apply 002 to production, Validate 002 on production/s,
  );
});
