import { expect, test } from "vitest";
import { Draft, evidenceOf } from "../../../lambdas/shared/evidence.ts";
import { MemoryEvidence, TestClock } from "../../support/ports.ts";

const FIRST = "records/x/began";

function worker(store: MemoryEvidence, clock = new TestClock()) {
  const evidence = evidenceOf(store, "r");
  let made = 0;
  const make = (value: string) => async () => {
    made++;
    return value;
  };
  const begin = () => Draft.begin(evidence, clock, FIRST);
  return { evidence, clock, begin, make, made: () => made };
}

test("work that ends soon leaves no document, and is done once", async () => {
  const { evidence, begin, make, made } = worker(new MemoryEvidence());
  const draft = await begin();
  expect(await draft.getOrCreate(FIRST, make("a"))).toBe("a");
  expect(await draft.getOrCreate(FIRST, make("b"))).toBe("a");
  expect({ made: made(), list: await evidence.list("") }).toEqual({ made: 1, list: [] });
});

test("longer work is kept as it proceeds, with its earlier pieces, and another worker continues", async () => {
  const store = new MemoryEvidence();
  const { evidence, clock, begin, make } = worker(store);
  const draft = await begin();
  await draft.getOrCreate(FIRST, make("mark"));
  await draft.getOrCreate("records/x/read-0", make("one"));
  clock.pass(10_001);
  await draft.getOrCreate("records/x/read-1", make("two"));
  expect(await evidence.list("")).toEqual([FIRST, "records/x/read-0", "records/x/read-1"]);
  await draft.getOrCreate("records/x/read-2", make("three"));

  const next = worker(store);
  const goneOn = await next.begin();
  for (const [name, value] of [
    [FIRST, "mark"],
    ["records/x/read-0", "one"],
    ["records/x/read-2", "three"],
  ] as const)
    expect(await goneOn.getOrCreate(name, next.make("again"))).toBe(value);
  expect(next.made()).toBe(0);
});

test("a worker that leaves keeps all its pieces, however soon it leaves", async () => {
  const { evidence, begin, make } = worker(new MemoryEvidence());
  const draft = await begin();
  await draft.getOrCreate(FIRST, make("mark"));
  await draft.getOrCreate("records/x/read-0", make("one"));
  await draft.keep();
  expect(await evidence.list("")).toEqual([FIRST, "records/x/read-0"]);
});

test("pieces of two workers are never mixed: the second worker to keep its beginning starts again", async () => {
  const store = new MemoryEvidence();
  const [one, other] = [worker(store), worker(store)];
  const [draft, late] = [await one.begin(), await other.begin()];
  await draft.getOrCreate(FIRST, one.make("mine"));
  await late.getOrCreate(FIRST, other.make("yours"));
  await late.getOrCreate("records/x/read-0", other.make("of yours"));
  await draft.keep();
  await expect(late.keep()).rejects.toThrow("Another worker began records/x/began");
  expect(await one.evidence.list("")).toEqual([FIRST]);
});
