import { expect, test } from "vitest";
import * as z from "zod";
import { docName, type FailureDoc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { stateInWords } from "../../lambdas/shared/names.ts";
import { DONE, invoke, RUNNING, runFields, type Task } from "../../lambdas/shared/task.ts";
import { statesNoted } from "../support/evidence-fixtures.ts";
import { memoryPorts, TestClock } from "../support/ports.ts";

test.each([
  ["Apply to staging", "Apply 006 to staging"],
  ["Apply to staging again", "Apply 006 to staging again"],
  ["Validate on production", "Validate 006 on production"],
  ["Prove rolled back on staging", "Prove 006 rolled back on staging"],
  ["Roll back on staging", "Roll back 006 on staging"],
  ["Roll back", "Roll back 006"],
  ["Gate: after", "Gate: after 006"],
  ["Escalate: after", "Escalate: after 006"],
])("the state %s of migration 006 reads %s", (state, words) => {
  expect(stateInWords(state, "006")).toBe(words);
  expect(stateInWords(state, undefined)).toBe(state);
});

const event = z.strictObject(runFields);

function loop(run: Task<z.infer<typeof event>>["run"]) {
  const ports = { ...memoryPorts(), clock: new TestClock() };
  const evidence = evidenceOf(ports.evidence, "r");
  const call = (version: string) =>
    invoke(
      { name: "test", event, run },
      {
        run: "r",
        execution: "x",
        planChecksum: ports.plan.checksum,
        state: "Apply to staging",
        phase: "Rehearse",
        version,
        title: "A title",
        limitMinutes: 60,
      },
      ports,
    );
  return { ports, evidence, call };
}

test("a state that runs once per migration is noted for each one, with its phase", async () => {
  const { evidence, call } = loop(async () => DONE);
  await call("001");
  await call("002");
  expect(await statesNoted(evidence)).toEqual(
    ["001", "002"].map((version) => ({
      state: `Apply ${version} to staging`,
      phase: "Rehearse",
      version,
      enteredAt: expect.any(String),
      doneAt: expect.any(String),
    })),
  );
});

test("each migration has the full time of its state, however long earlier ones took", async () => {
  const { ports, call } = loop(async () => RUNNING);
  await call("001");
  ports.clock.pass(59 * 60_000);
  await call("002");
  ports.clock.pass(59 * 60_000);
  await expect(call("001")).rejects.toMatchObject({
    name: "TookTooLong",
    message: expect.stringContaining('"Apply 001 to staging"'),
  });
  await expect(call("002")).resolves.toMatchObject({ status: "running" });
});

test("a failure names its migration", async () => {
  const { evidence, call } = loop(async () => {
    throw new Error("no");
  });
  await expect(call("002")).rejects.toThrow("no");
  const [name] = await evidence.list("failures/");
  expect(await evidence.require(docName<FailureDoc>(String(name)))).toMatchObject({
    state: "Apply 002 to staging",
  });
  expect(await statesNoted(evidence)).toMatchObject([{ state: "Apply 002 to staging", doneAt: null }]);
});
