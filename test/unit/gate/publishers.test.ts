import { expect, test } from "vitest";
import { Doc, docName } from "../../../lambdas/shared/documents.ts";
import { type Scene, scene } from "./scene.ts";

const ADA = {
  by: "ada.lovelace@example.com",
  arn: "arn:aws:sts::123456789012:assumed-role/Publishers/ada.lovelace@example.com",
  at: "2026-11-01T08:00:00.000Z",
};

/** A gate of a run whose plan these publishers published. */
async function opened(
  by: readonly (typeof ADA)[],
  deployed = false,
): Promise<Scene & { path: string; key: string }> {
  const s = scene();
  s.report.plan.published = { deployed, by: [...by] };
  await s.evidence.createOnce(docName(Doc.request), { published: { deployed, by } });
  return { ...s, ...(await s.open()) };
}

test("the page shows who published the plan, and that their name will stand beside the answer", async () => {
  const s = await opened([ADA]);
  const { body } = await s.get(s.path, s.key);
  expect(body).toMatch(/<dt>Published<\/dt><dd>.*by <strong>ada\.lovelace@example\.com<\/strong>/);
  expect(body).toContain("If that is you, the report will show it beside your answer");
});

test("an answer by the publisher states so, whatever short form of the name is typed", async () => {
  for (const by of ["Ada Lovelace", "A. Lovelace"]) {
    const s = await opened([ADA]);
    const answered = await s.answerAs(s.path, s.key, { decision: "Go", by });
    expect(answered.body).toContain(`${by} also published this plan.`);
    expect((await s.get(s.path, s.key)).body).toContain(`${by} also published this plan.`);
  }
});

test("an answer by anybody else does not mention it", async () => {
  const s = await opened([ADA]);
  expect((await s.answerAs(s.path, s.key, { decision: "Go", by: "Grace Hopper" })).body).not.toContain(
    "also published",
  );
});

test("a plan without a noted publisher is shown as that, and the stack's own as the stack's", async () => {
  const nobody = await opened([]);
  expect((await nobody.get(nobody.path, nobody.key)).body).toContain("publisher not recorded");
  const own = await opened([], true);
  const { body } = await own.get(own.path, own.key);
  expect(body).toContain("deployed with the stack");
  expect(body).not.toContain("publisher not recorded");
});

test("a publisher's name is no markup", async () => {
  const s = await opened([{ ...ADA, arn: "<script>alert(1)</script>" }]);
  expect((await s.get(s.path, s.key)).body).not.toContain("<script>alert");
});
