import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  bound,
  documentOf,
  PLAN_FORMAT,
  planIn,
  planKey,
  StoredPlans,
  storePlan,
} from "../../../lambdas/shared/plan-document.ts";
import type { EvidenceStore } from "../../../lambdas/shared/ports.ts";
import { sha256 } from "../../../lambdas/shared/sha256.ts";
import { DONE, invoke, runFields, type Task } from "../../../lambdas/shared/task.ts";
import { compilePlan, loadPlan } from "../../../lib/plan/compile.ts";
import { planOf } from "../../support/plans.ts";
import { MemoryEvidence, memoryPorts } from "../../support/ports.ts";
import { TINY_PLAN } from "../../support/rehearsal.ts";

const plan = await compilePlan(TINY_PLAN);
const text = documentOf(plan);
const { checksum } = plan;

const plansIn = (store: EvidenceStore) => new StoredPlans(store, () => checksum);
async function storeWith(body: string): Promise<MemoryEvidence> {
  const store = new MemoryEvidence();
  await store.create(planKey(checksum), body);
  return store;
}
/** The document with another plan in it, under the first one's name. */
const changed = (change: (plan: Record<string, unknown>) => unknown) => {
  const document = JSON.parse(text);
  change(document.plan);
  return JSON.stringify(document);
};

describe("a plan's document", () => {
  test("is read as exactly the plan that was compiled, for every plan", async () => {
    const bundled = await loadPlan("sql/knowledge-graph");
    const { checksum: _, ...large } = planOf(30);
    for (const each of [plan, bundled.plan, bound(large)])
      expect(planIn(documentOf(each), each.checksum)).toEqual(each);
  });

  test("has a checksum that anybody can compute from it", () => {
    expect(sha256(JSON.stringify(JSON.parse(text).plan))).toBe(checksum);
  });

  test("is the same from any folder, except for the name that people read", async () => {
    const { checksum: _, ...rest } = plan;
    expect(bound({ ...rest, name: "elsewhere" }).checksum).toBe(checksum);
  });

  test.each([
    ["with one changed letter in its SQL", text.replace("ALTER TABLE note ", "ALTER TABLE nota ")],
    ["with a changed title", changed((it) => Object.assign(it, { title: "Another title" }))],
    ["with one key more", changed((it) => Object.assign(it, { more: true }))],
    ["with a changed format", changed((it) => Object.assign(it, { format: 1 }))],
    ["without its gates", changed((it) => void delete it.gates)],
    ["of another plan", documentOf({ ...plan, migrations: [] })],
  ])("%s is refused, and the message shows where to look", async (_what, body) => {
    expect(body).not.toBe(text);
    await expect(plansIn(await storeWith(body)).read(checksum)).rejects.toMatchObject({
      name: "PlanUnusable",
      message: expect.stringMatching(
        /plans\/[0-9a-f]{64}\.json cannot be used: it was changed after.*Check who/,
      ),
    });
  });

  test.each([
    ["half a document", text.slice(0, 500)],
    ["nothing", ""],
    ["JSON that is no plan", "[]"],
    ["null", "null"],
    ["a plan that is no object", JSON.stringify({ name: "x", plan: "y" })],
  ])("that is %s is refused as no plan", async (_what, body) => {
    await expect(plansIn(await storeWith(body)).read(checksum)).rejects.toMatchObject({
      name: "PlanUnusable",
      message: expect.stringContaining("it is not a plan document"),
    });
  });

  test("of a newer Sluice is refused with what to do, and not read in part", async () => {
    const newer = { format: PLAN_FORMAT + 1, title: "From the future" };
    const sum = sha256(JSON.stringify(newer));
    const store = new MemoryEvidence();
    await store.create(planKey(sum), JSON.stringify({ name: "new", plan: newer }));
    await expect(plansIn(store).read(sum)).rejects.toMatchObject({
      name: "PlanUnusable",
      message: expect.stringMatching(
        /its format is 3.*reads 1, 2\. A newer Sluice published it\. Deploy that version first/,
      ),
    });
  });

  test.each([1, 2])(
    "of format %i, from the Sluice that published it, is read by this one, since runs under way use it",
    async (format) => {
      const body = await readFile(`test/plans/published/format-${format}.json`, "utf8");
      const { name, plan: written } = JSON.parse(body);
      const read = planIn(body, sha256(JSON.stringify(written)));
      expect(read).toMatchObject({ name, title: "Notes with labels", applicationRoles: ["notes_app"] });
      // The fields that today's code requires of a plan, compiled from the same files.
      const shape = (value: unknown): unknown =>
        Array.isArray(value)
          ? value.slice(0, 1).map(shape)
          : typeof value === "object" && value !== null
            ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shape(each)]))
            : typeof value;
      expect(shape(read)).toMatchObject(shape(plan) as object);
    },
  );
});

describe("storing a plan", () => {
  test("happens once; the same plan again exists already, under any name", async () => {
    const store = new MemoryEvidence();
    expect(await storePlan(store, text, checksum)).toBe("stored");
    expect(await storePlan(store, text, checksum)).toBe("there already");
    expect(await storePlan(store, documentOf({ ...plan, name: "copy" }), checksum)).toBe("there already");
    expect([...store.files.keys()]).toEqual([planKey(checksum)]);
  });

  test("finds another document under its name, and leaves it unchanged", async () => {
    const store = await storeWith(changed((it) => Object.assign(it, { title: "Forged" })));
    await expect(storePlan(store, text, checksum)).rejects.toMatchObject({ name: "PlanUnusable" });
    expect(store.files.get(planKey(checksum))).toContain("Forged");
  });
});

describe("a plan is named", () => {
  const store = new MemoryEvidence();
  const [one, two] = [`${"1".repeat(12)}${"a".repeat(52)}`, `${"1".repeat(12)}${"b".repeat(52)}`];
  for (const key of [one, two, "2".repeat(64)]) store.files.set(planKey(key), "{}");
  store.files.set(`plans/${"3".repeat(64)}.json.bak`, "{}");
  const plans = plansIn(store);

  test("by its checksum, or by any unique first letters of it", async () => {
    expect(await plans.find("2".repeat(12))).toBe("2".repeat(64));
    expect(await plans.find(one)).toBe(one);
    expect(await plans.find(`${"1".repeat(12)}b`)).toBe(two);
  });

  test("not by letters that several begin with: they are listed", async () => {
    await expect(plans.find("1".repeat(12))).rejects.toMatchObject({
      name: "RequestInvalid",
      message: `Several published plans have a checksum that begins with 111111111111: ${one}, ${two}. Give more digits.`,
    });
  });

  test.each(["3".repeat(64), "4".repeat(12)])("not by %s, which names no plan", async (name) => {
    await expect(plans.find(name)).rejects.toMatchObject({
      name: "RequestInvalid",
      message: expect.stringContaining("npx sluice publish"),
    });
  });
});

describe("a task", () => {
  const event = { run: "r", execution: "x", state: "Do it" };
  const task = (run: Task<object>["run"]): Task<object> => ({
    name: "t",
    event: z.strictObject(runFields),
    run,
  });
  const environmentWith = (store: EvidenceStore) => ({ ...memoryPorts(), plans: plansIn(store) });
  const title = task(async (_event, ports) => ({ title: ports.plan.title }));

  test("gets the plan of its run, whichever is deployed meanwhile", async () => {
    const { checksum: _, ...rest } = plan;
    const other = bound({ ...rest, title: "Deployed since" });
    const store = await storeWith(text);
    await storePlan(store, documentOf(other), other.checksum);
    const environment = { ...memoryPorts(), plans: new StoredPlans(store, () => other.checksum) };
    expect(await invoke(title, { ...event, planChecksum: checksum }, environment)).toEqual({
      title: plan.title,
    });
  });

  test("does nothing with a document that was changed while its run was under way", async () => {
    const environment = environmentWith(
      await storeWith(changed((it) => Object.assign(it, { title: "Forged" }))),
    );
    await expect(invoke(title, { ...event, planChecksum: checksum }, environment)).rejects.toMatchObject({
      name: "PlanUnusable",
    });
  });

  test.each([
    ["is gone", checksum],
    ["never existed", ""],
  ])(
    "that needs no plan works even if it %s: the run gives back what it holds",
    async (_what, planChecksum) => {
      const environment = environmentWith(new MemoryEvidence());
      const release = task(async () => DONE);
      expect(await invoke(release, { ...event, planChecksum }, environment)).toEqual(DONE);
      await expect(
        invoke(title, { ...event, state: "Another", planChecksum }, environment),
      ).rejects.toMatchObject({
        name: "PlanUnusable",
      });
    },
  );
});
