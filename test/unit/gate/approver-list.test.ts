import { expect, test } from "vitest";
import { confirmGate } from "../../../lambdas/gate/confirm.ts";
import { Doc, docName } from "../../../lambdas/shared/documents.ts";
import { decisionOf, MINUTES, RUN, type Scene, scene, shownOn } from "./scene.ts";

const PEOPLE = {
  approvers: [
    { id: "a1", name: "Ada Lovelace" },
    { id: "b2", name: "Grace Hopper" },
  ],
  escalation: [{ id: "c3", name: "Katherine Johnson" }],
};

/** The link in the newest message to that person. */
function linkTo(s: Scene, id: string): { path: string; key: string } {
  const notice = s.ports.notices.findLast(({ to }) => to === id);
  const url = new URL(/^https:\S+$/m.exec(notice?.text ?? "")?.[0] ?? "");
  return { path: url.pathname, key: url.searchParams.get("key") ?? "" };
}

const ANSWER = { decision: "Go", instance: "orders-prod" };

async function opened(overrides: Parameters<typeof scene>[0] = {}): Promise<Scene> {
  const s = scene({ ...overrides, settings: { people: PEOPLE, ...overrides.settings } });
  await s.open({ gate: "open", kind: "open" });
  return s;
}

test("each approver gets an own link in an own mail, and no link goes to all", async () => {
  const s = await opened();
  expect(s.ports.notices.map(({ to }) => to)).toEqual(["a1", "b2"]);
  const [ada, grace] = [linkTo(s, "a1"), linkTo(s, "b2")];
  expect(ada.path).toBe(grace.path);
  expect(ada.key).not.toBe(grace.key);
  expect(s.ports.notices[0]?.text).toContain("for Ada Lovelace only");
  // The evidence has no key, and no hash that opens the gate.
  const evidence = [...s.ports.evidence.files.values()].join("\n");
  for (const { key } of [ada, grace]) expect(evidence).not.toContain(key);
});

test("the link shows who answers: the page requests no name, and the decision has it", async () => {
  const s = await opened();
  const { path, key } = linkTo(s, "b2");
  const page = await s.get(path, key);
  expect(page.status).toBe(200);
  expect(page.body).toContain("You answer as <strong>Grace Hopper</strong>");
  expect(page.body).not.toContain('name="by"');
  expect((await s.answerAs(path, key, ANSWER)).status).toBe(200);
  expect(await decisionOf(s, "open")).toMatchObject({ decision: "Go", by: "Grace Hopper" });
  const heard = { gate: "open", kind: "open", minutes: MINUTES, heard: "Go" } as const;
  expect(await confirmGate(heard, s.ports, s.evidence, s.catalog.read)).toEqual({ decision: "Go" });
});

test("a name that is sent anyway is refused, and decides nothing", async () => {
  const s = await opened();
  const { path, key } = linkTo(s, "b2");
  expect((await s.answerAs(path, key, { ...ANSWER, by: "Ada Lovelace" })).status).toBe(400);
  expect(await decisionOf(s, "open")).toBeUndefined();
});

test("without a list a form without a name is refused", async () => {
  const s = scene();
  const { path, key } = await s.open();
  expect((await s.answerAs(path, key, { decision: "Go" })).status).toBe(400);
});

test("an unknown key opens nothing, not even the report", async () => {
  const s = await opened();
  const { path } = linkTo(s, "a1");
  for (const at of [path, `${path}/report`]) expect((await s.get(at, "x".repeat(43))).status).toBe(404);
  expect((await s.get(`${path}/report`, linkTo(s, "a1").key)).status).toBe(200);
});

test("a person who started the run may not give the Go by their own link, whatever name they use", async () => {
  const s = scene({ settings: { people: PEOPLE, separateApprover: true } });
  await s.evidence.createOnce(docName(Doc.request), { startedBy: "ada" });
  await s.open({ gate: "open", kind: "open" });
  const ada = linkTo(s, "a1");
  const refused = await s.answerAs(ada.path, ada.key, ANSWER);
  expect(refused.status).toBe(422);
  expect(refused.body).toContain("Another person must give the Go");
  const grace = linkTo(s, "b2");
  expect((await s.answerAs(grace.path, grace.key, ANSWER)).status).toBe(200);
});

test("if a gate needs two Goes, one link gives one", async () => {
  const s = scene({
    settings: { people: PEOPLE },
    plan: {
      gates: {
        ...scene().ports.plan.gates,
        open: { question: "open?", checklist: [], minutes: 60, approvals: 2 },
      },
    },
  });
  await s.open({ gate: "open", kind: "open" });
  const [ada, grace] = [linkTo(s, "a1"), linkTo(s, "b2")];
  expect((await s.answerAs(ada.path, ada.key, ANSWER)).status).toBe(202);
  expect((await s.answerAs(ada.path, ada.key, { ...ANSWER, comment: "again" })).status).toBe(409);
  expect(await decisionOf(s, "open")).toBeUndefined();
  expect((await s.answerAs(grace.path, grace.key, ANSWER)).status).toBe(200);
  expect((await decisionOf(s, "open"))?.approvals?.map(({ by }) => by)).toEqual([
    "Ada Lovelace",
    "Grace Hopper",
  ]);
});

test("the escalation has its own list, and the approvers' links no longer work", async () => {
  const s = await opened();
  const before = linkTo(s, "a1");
  const page = await s.get(before.path, before.key);
  await s.open({ gate: "open", kind: "open", escalation: true });
  expect(s.ports.notices.at(-1)).toMatchObject({ audience: "escalation", to: "c3" });
  const late = await s.post(before.path, { key: before.key, shown: shownOn(page.body), ...ANSWER });
  expect(late.status).toBe(410);
  const now = linkTo(s, "c3");
  expect((await s.answerAs(now.path, now.key, ANSWER)).status).toBe(200);
  expect(await decisionOf(s, "open", 2)).toMatchObject({ by: "Katherine Johnson" });
});

test("a decision by a person without a link is refused", async () => {
  const s = await opened();
  const { path, key } = linkTo(s, "b2");
  await s.answerAs(path, key, ANSWER);
  const file = `runs/${RUN}/${Doc.gateDecision("open", 1)}.json`;
  const text = s.ports.evidence.files.get(file) ?? "";
  s.ports.evidence.files.set(file, text.replace("Grace Hopper", "Somebody Else"));
  const heard = { gate: "open", kind: "open", minutes: MINUTES, heard: "Go" } as const;
  await expect(confirmGate(heard, s.ports, s.evidence, s.catalog.read)).rejects.toThrow(
    "Somebody Else is not on the list of approvers for this gate",
  );
});
