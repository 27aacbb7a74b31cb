import { expect, test } from "vitest";
import { changesText } from "../../lambdas/changes/words.ts";
import { type ChangesDoc, Doc } from "../../lambdas/shared/documents.ts";
import { runPlan } from "../support/rehearsal.ts";

const PLAN = new URL("../plans/changes", import.meta.url).pathname;

test("migrations that change data succeed, each with what it does in words", async () => {
  const { end, evidence } = await runPlan({ plan: PLAN });
  const words: Record<string, string> = {};
  for (const name of await evidence.list("changes/staging-"))
    words[name.slice("changes/staging-".length)] = changesText(await evidence.need<ChangesDoc>(name));
  console.log(words, end.cause, changesText(await evidence.need<ChangesDoc>(Doc.changes("staging"))));
  expect(end.end).toBe("Succeeded");
});
