import { expect, test } from "vitest";
import type { Definition } from "../../../local/definition.ts";
import { itemsIn, runItems, withoutDistributedMaps } from "../../../local/distributed-map.ts";
import { interpret } from "../../../local/interpreter.ts";

const TASK = { Type: "Task", Resource: "arn:aws:states:::lambda:invoke" };

/** A machine with a Distributed Map over a list in a file, two at a time. */
function machine(map: object = {}, item: object = { "name.$": "$$.Map.Item.Value.name" }) {
  return {
    StartAt: "Wave",
    States: {
      Wave: {
        Type: "Map",
        ItemReader: {
          Resource: "arn:aws:states:::s3:getObject",
          ReaderConfig: { InputType: "JSON" },
          Parameters: { Bucket: "a-bucket", "Key.$": "$.list" },
        },
        ItemSelector: { ...item, "wave.$": "$.wave", "rollout.$": "$$.Execution.Name" },
        ItemProcessor: {
          ProcessorConfig: { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" },
          StartAt: "Start",
          States: {
            Start: {
              ...TASK,
              Parameters: { "item.$": "$", "own.$": "$$.Execution.Name" },
              Retry: [{ ErrorEquals: ["Again"], MaxAttempts: 1, IntervalSeconds: 1 }],
              End: true,
            },
          },
        },
        MaxConcurrency: 2,
        ResultPath: "$.results",
        Catch: [{ ErrorEquals: ["States.ALL"], Next: "Stopped", ResultPath: "$.failure" }],
        Next: "Done",
        ...map,
      },
      Done: { ...TASK, Parameters: { "all.$": "$" }, End: true },
      Stopped: { ...TASK, Parameters: { "failure.$": "$.failure" }, End: true },
    },
  };
}

function definitionOf(made: object): Definition {
  const text = JSON.stringify(made);
  return { text, parsed: JSON.parse(text), capabilities: new Map(), phases: [], states: new Map() };
}

async function interpreted(
  made: object,
  task: (state: string, event: Record<string, unknown>) => Promise<unknown>,
  input: Record<string, unknown> = { list: "list.json", wave: 3 },
) {
  const read: unknown[] = [];
  const end = await interpret({
    definition: definitionOf(made),
    input,
    run: "a-rollout",
    execution: "local:1:a-rollout",
    task,
    onEvent: () => undefined,
    retryPauseMs: 0,
    readList: async (reader) => {
      read.push(reader);
      return JSON.stringify([{ name: "a" }, { name: "b" }, { name: "c" }]);
    },
  });
  return { end, read };
}

test("a Distributed Map reads its list, and each item is an execution of its own", async () => {
  const items: unknown[] = [];
  let done: unknown;
  const { end, read } = await interpreted(machine(), async (state, event) => {
    if (state === "Done") done = event;
    else items.push(event);
    return state === "Done" ? {} : { of: (event.item as { name: string }).name };
  });
  expect(end).toBe("Succeeded");
  expect(read).toEqual([{ Bucket: "a-bucket", Key: "list.json" }]);
  expect(items).toMatchObject([
    { item: { name: "a", wave: 3, rollout: "a-rollout" }, own: expect.stringContaining("Wave:0") },
    { item: { name: "b" }, own: expect.stringContaining("Wave:1") },
    { item: { name: "c" }, own: expect.stringContaining("Wave:2") },
  ]);
  expect(done).toMatchObject({
    all: { list: "list.json", results: [{ of: "a" }, { of: "b" }, { of: "c" }] },
  });
});

test("no more items are worked on at a time than the definition allows, by a number or a path", async () => {
  for (const map of [{}, { MaxConcurrency: undefined, MaxConcurrencyPath: "$.wave" }]) {
    let now = 0;
    let most = 0;
    await interpreted(
      machine(map),
      async (state) => {
        if (state !== "Start") return {};
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now--;
        return {};
      },
      { list: "list.json", wave: 1 },
    );
    expect(most).toBe("MaxConcurrencyPath" in map ? 1 : 2);
  }
});

test("an item that fails stops new starts if no failure is tolerated, and those under way end", async () => {
  const ended: string[] = [];
  let failure: unknown;
  const { end } = await interpreted(machine(), async (state, event) => {
    if (state === "Stopped") failure = event.failure;
    if (state !== "Start") return {};
    const { name } = event.item as { name: string };
    if (name === "a") throw Object.assign(new Error("broken"), { name: "Broken" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    ended.push(name);
    return {};
  });
  expect(end).toBe("Succeeded");
  expect(ended).toEqual(["b"]);
  expect(failure).toMatchObject({ Error: "States.ExceedToleratedFailureThreshold" });
});

test("tolerated failures of items stop nothing", async () => {
  const ended: string[] = [];
  const { end } = await interpreted(machine({ ToleratedFailureCount: 1 }), async (state, event) => {
    if (state !== "Start") return {};
    const { name } = event.item as { name: string };
    if (name === "a") throw new Error("broken");
    ended.push(name);
    return {};
  });
  expect(end).toBe("Succeeded");
  expect(ended).toEqual(["b", "c"]);
});

test("a state of an item is tried again as its definition states", async () => {
  const tries: string[] = [];
  await interpreted(machine(), async (state, event) => {
    if (state !== "Start") return {};
    const { name } = event.item as { name: string };
    tries.push(name);
    if (name === "a" && tries.filter((one) => one === "a").length === 1)
      throw Object.assign(new Error("once"), { name: "Again" });
    return {};
  });
  expect(tries.sort()).toEqual(["a", "a", "b", "c"]);
});

test("an inline Map stays inline", () => {
  const inline = {
    StartAt: "M",
    States: { M: { Type: "Map", ItemProcessor: { StartAt: "S", States: {} } } },
  };
  const { machine: same, maps } = withoutDistributedMaps(inline as never);
  expect(maps.size).toBe(0);
  expect(same.States.M?.Type).toBe("Map");
});

test("a list is read as JSON or as lines of JSON only", () => {
  expect(itemsIn('[{"a":1}]', "JSON")).toEqual([{ a: 1 }]);
  expect(itemsIn('{"a":1}\n\n{"a":2}\n', "JSONL")).toEqual([{ a: 1 }, { a: 2 }]);
  expect(() => itemsIn("a,b", "CSV")).toThrow();
  expect(() => itemsIn('{"a":1}', "JSON")).toThrow(/reads a list/);
});

test("results that the definition writes elsewhere are not kept in the state", async () => {
  const map = { concurrency: 0, input: {} };
  expect(await runItems([1, 2, 3], map, { writesResults: true }, async (item) => item)).toEqual({
    MapRunArn: "local",
    items: 3,
  });
});
