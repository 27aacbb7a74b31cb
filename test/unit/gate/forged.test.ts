import { describe, expect, test } from "vitest";
import { confirmGate } from "../../../lambdas/gate/confirm.ts";
import { Doc, docName, type GateDecisionDoc } from "../../../lambdas/shared/documents.ts";
import { FINAL } from "../../../lambdas/shared/errors.ts";
import { decisionOf, GO, MINUTES, NO_GO, RUN, type Scene, scene } from "./scene.ts";

const CONFIRM = { gate: "readiness", kind: "readiness", minutes: MINUTES } as const;

const confirmed = (s: Scene, heard: "Go" | "NoGo" | "nothing" = "Go") =>
  confirmGate({ ...CONFIRM, heard }, s.ports, s.evidence, s.catalog.read);

/** A decision that the page accepted, changed in the evidence by someone with write access. */
async function rewritten(
  change: (decision: GateDecisionDoc) => Partial<GateDecisionDoc>,
  given = GO as object,
) {
  const s = scene();
  const { path, key } = await s.open();
  await s.answerAs(path, key, given as Record<string, string>);
  const decision = await decisionOf(s);
  if (!decision) throw new Error("Nothing was decided");
  s.ports.evidence.files.set(
    `runs/${RUN}/${Doc.gateDecision("readiness", 1)}.json`,
    JSON.stringify({ ...decision, ...change(decision) }),
  );
  return s;
}

describe("Confirm accepts", () => {
  test("an answer that a page accepted, a Go as well as a No-Go", async () => {
    expect(await confirmed(await rewritten(() => ({})))).toEqual({ decision: "Go" });
    expect(await confirmed(await rewritten(() => ({}), NO_GO), "NoGo")).toEqual({ decision: "NoGo" });
  });

  test("an answer that the page was processing when the gate's time ended", async () => {
    const s = await rewritten(() => ({ at: "2026-11-03T03:00:20.000Z" }));
    expect(await confirmed(s)).toEqual({ decision: "Go" });
  });
});

describe("Confirm refuses, loudly, a decision that no page can have accepted:", () => {
  const cases: [string, (decision: GateDecisionDoc) => Partial<GateDecisionDoc>, RegExp][] = [
    ["no page was shown", () => ({ shown: "" }), /No page was shown to Grace Hopper/],
    ["a page that was never shown", () => ({ shown: "e".repeat(64) }), /No page was shown/],
    ["no hash of a page", () => ({ shown: "../../report" }), /No page was shown/],
    ["no box is ticked", () => ({ ticked: [] }), /Not ticked: the lead is on call; the runbook was read/],
    [
      "one box is not ticked",
      ({ ticked }) => ({ ticked: ticked.slice(1) }),
      /Not ticked: the lead is on call\./,
    ],
    ["before the gate was open", () => ({ at: "2026-11-03T01:59:59.000Z" }), /given at 2026-11-03T01:59:59/],
    ["after its time", () => ({ at: "2026-11-03T03:01:00.000Z" }), /the gate was open from .* to/],
    ["at no time", () => ({ at: "soon" }), /given at soon/],
    ["nobody's", () => ({ by: "" }), /No page accepts the name ""/],
    ["of Sluice itself", () => ({ by: "Sluice" }), /No page accepts the name "Sluice"/],
    ["in letters that look alike", () => ({ by: "Grаce Hopper" }), /No page accepts the name/],
    ["of another attempt", () => ({ attempt: 2 }), /attempt 2/],
    ["of another gate", () => ({ gate: "open" }), /It belongs to open/],
    ["neither a Go nor a No-Go", () => ({ decision: "Yes" as "Go" }), /neither a Go nor a No-Go/],
  ];

  test.each(cases)("%s", async (_, change, message) => {
    const s = await rewritten(change);
    await expect(confirmed(s)).rejects.toMatchObject({
      name: "DecisionForged",
      message: expect.stringMatching(message),
    });
    // This also holds where the machine has received nothing, and looks by itself.
    await expect(confirmed(s, "nothing")).rejects.toMatchObject({ name: "DecisionForged" });
  });

  test("one that was written where nobody had answered", async () => {
    const s = scene();
    await s.open();
    await s.evidence.createOnce(Doc.gateDecision("readiness", 1), {
      gate: "readiness",
      attempt: 1,
      decision: "Go",
      by: "Grace Hopper",
      comment: "",
      at: s.ports.clock.now().toISOString(),
      from: "192.0.2.7",
      ticked: ["the lead is on call", "the runbook was read"],
      shown: "",
    });
    await expect(confirmed(s)).rejects.toMatchObject({ name: "DecisionForged" });
  });

  test("one as if from a terminal, in a run without a terminal", async () => {
    const { decide } = await import("../../../lambdas/gate/decide.ts");
    const s = scene();
    await s.open();
    const prompt = {
      run: RUN,
      gate: "readiness",
      attempt: 1,
      decision: "Go",
      by: "Grace",
      comment: "",
      from: "",
    } as const;
    await decide(s.ports, prompt);
    s.ports.pagesOnly = true;
    await expect(confirmed(s)).rejects.toMatchObject({ name: "DecisionForged" });
    delete s.ports.pagesOnly;
    expect(await confirmed(s)).toEqual({ decision: "Go" });
  });

  test("with an error that is never retried", () => {
    expect(FINAL).toContain("DecisionForged");
  });
});

test("the person who started the run cannot be written in as the one who said Go", async () => {
  const s = scene({ settings: { separateApprover: true } });
  await s.evidence.createOnce(docName(Doc.request), { startedBy: "Ada Lovelace" });
  const { path, key } = await s.open({ gate: "open", kind: "open" });
  expect((await s.answerAs(path, key, GO)).status).toBe(200);
  const file = `runs/${RUN}/${Doc.gateDecision("open", 1)}.json`;
  const decision = JSON.parse(s.ports.evidence.files.get(file) ?? "") as GateDecisionDoc;
  s.ports.evidence.files.set(file, JSON.stringify({ ...decision, by: "A. Lovelace" }));
  await expect(
    confirmGate(
      { gate: "open", kind: "open", minutes: MINUTES, heard: "Go" },
      s.ports,
      s.evidence,
      s.catalog.read,
    ),
  ).rejects.toThrow("A. Lovelace may be Ada Lovelace, who started this run");
});
