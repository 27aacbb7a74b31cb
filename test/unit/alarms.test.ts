import { expect, test } from "vitest";
import { alarmsTask } from "../../lambdas/alarms/task.ts";
import { invoke } from "../../lambdas/shared/task.ts";
import { memoryPorts } from "../support/ports.ts";

function environment(alarms: string[], on: string[], off: string[] = []) {
  const enabled = new Set(on);
  const changes: string[] = [];
  const ports = memoryPorts({
    settings: { alarms },
    alarms: {
      known: async (names) => names.filter((name) => on.includes(name) || off.includes(name)),
      enabled: async (names) => names.filter((name) => enabled.has(name)),
      disable: async (names) => {
        for (const name of names) enabled.delete(name);
        changes.push(`off: ${names.join()}`);
      },
      enable: async (names) => {
        for (const name of names) enabled.add(name);
        changes.push(`on: ${names.join()}`);
      },
    },
  });
  const run = (action: "silence" | "on") =>
    invoke(
      alarmsTask,
      { run: "r", execution: "e", planChecksum: ports.plan.checksum, state: action, action },
      ports,
    );
  return { changes, run };
}

test("alarms that were on are silenced, and turned on again once", async () => {
  const { changes, run } = environment(["cpu", "errors", "old"], ["cpu", "errors"], ["old"]);
  await run("silence");
  await run("on");
  await run("on");
  expect(changes).toEqual(["off: cpu,errors", "on: cpu,errors"]);
});

test("an unknown alarm name is reported before any alarm is silenced", async () => {
  const { changes, run } = environment(["cpu", "erors"], ["cpu", "errors"]);
  await expect(run("silence")).rejects.toMatchObject({
    name: "RequestInvalid",
    message: expect.stringMatching(/no alarm named erors;/),
  });
  await run("on");
  expect(changes).toEqual([]);
});

test("without named alarms, none is reported as missing", async () => {
  const { changes, run } = environment([], []);
  await run("silence");
  await run("on");
  expect(changes).toEqual([]);
});
