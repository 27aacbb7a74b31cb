import { expect, test } from "vitest";
import { Doc } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import { givenBack } from "../../../local/given-back.ts";
import { MemoryEvidence } from "../../support/ports.ts";

const subscription = (before: string, after: string) => ({
  kind: "subscription",
  name: "items",
  change: "changed" as const,
  before,
  after,
});

test("only what the fence stopped is no difference once it is lifted", async () => {
  const evidence = evidenceOf(new MemoryEvidence(), "r");
  const enabled = subscription("owner: a\nenabled: false", "owner: a\nenabled: true");
  expect((await givenBack(evidence)).isIt(enabled)).toBe(false);
  await evidence.createOnce(Doc.stilled("first", "subscription", "1"), {
    at: "",
    kind: "subscription",
    name: "items",
  });
  const given = await givenBack(evidence);
  expect(given.tables).toEqual([]);
  expect(given.isIt(enabled)).toBe(true);
  expect(given.isIt(subscription("owner: a\nenabled: false", "owner: b\nenabled: true"))).toBe(false);
  await evidence.createOnce(Doc.stilled("first", "job", "3"), {
    at: "",
    kind: "job",
    database: "postgres",
    job: { id: "3", name: null, schedule: "* * * * *", role: "a" },
  });
  expect((await givenBack(evidence)).tables).toEqual(["cron.job"]);
});
