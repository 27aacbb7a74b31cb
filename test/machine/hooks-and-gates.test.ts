import { expect, test } from "vitest";
import { Doc } from "../../lambdas/shared/documents.ts";
import { changedPlan, runPlan } from "../support/rehearsal.ts";

test("a rehearsal calls no real application, reports it, and continues", async () => {
  const plan = await changedPlan({
    "plan.yaml": (text) => text.replace("url: /notes/1", "url: https://app.invalid/notes/1"),
  });
  const { end, evidence } = await runPlan({ plan });
  expect(end.end).toBe("Succeeded");
  expect((await evidence.require(Doc.hook("smoke"))).results).toMatchObject([
    { passed: null, seen: "not asked: a rehearsal calls no real application" },
  ]);
  expect((await evidence.require(Doc.hook("stop"))).results).toMatchObject([{ passed: true }]);
  // An answer that was not given on the page has ticked nothing.
  expect((await evidence.require(Doc.gateDecision("readiness", 1))).ticked).toEqual([]);
});

test("a gate that needs two Goes is decided by two people, and the report names both", async () => {
  const plan = await changedPlan({
    "plan.yaml": (text) => text.replace('"touch production?"', '"touch production?", approvals: 2'),
  });
  const { end, evidence } = await runPlan({ plan, noGo: ["after-002"] });
  expect(end.end).toBe("RolledBack");
  expect(await evidence.require(Doc.gateDecision("rehearsal", 1))).toMatchObject({
    by: "an approver and another approver",
    approvals: [{ by: "an approver" }, { by: "another approver" }],
  });
  expect(end.report.gates.find(({ gate }) => gate === "rehearsal")?.by).toBe(
    "an approver and another approver",
  );
});

test("a run that is stopped while it opens asks people whether the application stays", async () => {
  const plan = await changedPlan({
    "plan.yaml": (text) => text.replace("contains: first", "contains: nothing of the kind"),
  });
  const asked: string[] = [];
  const { end, evidence } = await runPlan({
    plan,
    onEvent(event, stop) {
      if (event.type === "entered" && event.state === "Lift the fence") stop();
      if (event.type === "gate") asked.push(event.gate.doc.gate);
    },
  });
  expect(asked.at(-1)).toBe("keep");
  expect(await evidence.require(Doc.gateDecision("keep", 1))).toMatchObject({
    decision: "Go",
    by: "an approver",
  });
  expect(end.end).toBe("Succeeded");
});
