import { rename } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Doc } from "../../lambdas/shared/documents.ts";
import { changedPlan, runPlan } from "../support/rehearsal.ts";

test("versions with signs and letters go through a whole run: its states, gates, evidence, and back", async () => {
  const [first, second] = ["69.1", "2026-01-28-115414"];
  const plan = await changedPlan({
    "plan.yaml": (text) =>
      text
        .replace("002_notes", `${first}_notes`)
        .replace("003_labels", `${second}_Labels`)
        .replace('["003"]', `["${second}"]`),
    "baseline/schema.sql": (text) => text.replace("version int", "version text"),
  });
  await rename(join(plan, "002_notes"), join(plan, `${first}_notes`));
  await rename(join(plan, "003_labels"), join(plan, `${second}_Labels`));
  const { end, states, events, evidence } = await runPlan({ plan, noGo: [`after-${second}`] });
  expect(end.end).toBe("RolledBack");
  expect(states).toEqual(expect.arrayContaining([`Apply ${first} to production`, `Roll back ${second}`]));
  expect(events.flatMap((event) => (event.type === "gate" ? [event.gate.doc.gate] : []))).toContain(
    `after-${second}`,
  );
  expect(await evidence.list("steps/")).toEqual(
    expect.arrayContaining([
      Doc.steps("production", first, 1, "rollback"),
      Doc.steps("production", second, 1, "migrate"),
    ]),
  );
});
