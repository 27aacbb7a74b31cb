import { describe, expect, test } from "vitest";
import { reportTask } from "../../../lambdas/report/task.ts";
import { Doc } from "../../../lambdas/shared/documents.ts";
import { invoke } from "../../../lambdas/shared/task.ts";
import { executionOf, RunFixture, succeeded } from "../../support/evidence-fixtures.ts";
import { memoryPorts } from "../../support/ports.ts";

const EVENT = {
  run: "2026-11-03-first",
  execution: executionOf("2026-11-03-first"),
  planChecksum: "c".repeat(64),
};
const WRITE = { ...EVENT, state: "Write the report", action: "write", unfinished: {} };

describe("writing the report", () => {
  test("works for a run that was refused before anything was noted", async () => {
    const ports = memoryPorts();
    const answer = await invoke(
      reportTask,
      {
        ...WRITE,
        end: "Refused",
        failure: { Error: "RequestInvalid", Cause: "The execution's input is not understood" },
      },
      ports,
    );
    expect(answer.cause).toContain("RequestInvalid: The execution's input is not understood.");
    expect(ports.evidence.files.has(`runs/${EVENT.run}/report.html`)).toBe(true);
  });

  test("a second time keeps the first outcome and answers the same", async () => {
    const run = await succeeded();
    const ports = memoryPorts();
    ports.evidence = run.store;
    const first = await invoke(reportTask, { ...WRITE, end: "Succeeded" }, ports);
    ports.clock.pass(60_000);
    expect(await invoke(reportTask, { ...WRITE, end: "Succeeded" }, ports)).toEqual(first);
  });

  test("names each object left behind with what to do, and keeps within the limit", async () => {
    const run = await succeeded();
    const ports = memoryPorts();
    ports.evidence = run.store;
    const caught = { Error: "Error", Cause: JSON.stringify({ errorMessage: "no ".repeat(500) }) };
    const capabilities = ["fence", "application", "alarms", "staging", "admit", "opening", "unheard-of"];
    const unfinished = Object.fromEntries(capabilities.map((name) => [name, caught]));
    const answer = await invoke(reportTask, { ...WRITE, end: "Succeeded", unfinished }, ports);
    expect(String(answer.cause).length).toBeLessThanOrEqual(2_000);
    const outcome = await run.evidence.read(Doc.outcome);
    expect(outcome?.leftBehind).toHaveLength(capabilities.length);
    expect(outcome?.leftBehind.join(" ")).toMatch(/GRANT|access list/);
    expect(outcome?.leftBehind.join(" ")).not.toContain("{");
  });

  test("names both copies that may be left behind if the restore was rehearsed", async () => {
    const run = await succeeded();
    const ports = memoryPorts();
    ports.evidence = run.store;
    const plan = `runs/${EVENT.run}/plan.json`;
    const read = run.store.read.bind(run.store);
    run.store.read = async (key) => {
      const text = await read(key);
      return key === plan ? text?.replace('"folder"', '"restoreOnly": true, "folder"') : text;
    };
    const unfinished = { staging: { Error: "Error", Cause: "no" } };
    await invoke(reportTask, { ...WRITE, end: "Succeeded", unfinished }, ports);
    const outcome = await run.evidence.read(Doc.outcome);
    expect(outcome?.leftBehind[0]).toMatch(/The staging instance (sluice-staging-\w+) or \1-2 may still/);
  });

  test("still gives the cause when the report itself cannot be kept", async () => {
    const run = await succeeded();
    const ports = memoryPorts();
    const create = run.store.create.bind(run.store);
    run.store.create = async (key, body) => {
      if (key.endsWith("report.html")) throw new Error("access denied");
      return create(key, body);
    };
    ports.evidence = run.store;
    const answer = await invoke(reportTask, { ...WRITE, end: "Succeeded" }, ports);
    expect(answer.error).toBe("Succeeded");
    expect(answer.cause).toContain("The report was not written (access denied)");
  });
});

describe("notifying people", () => {
  const tell = { ...EVENT, state: "Tell everyone", action: "tell" };

  test("has a subject that SNS accepts, whatever the plan is called", async () => {
    const run = new RunFixture({}, (document, name) =>
      name === Doc.plan ? { ...document, title: `Über 表\n${"x".repeat(200)}` } : document,
    );
    await succeeded(run);
    const ports = memoryPorts();
    ports.evidence = run.store;
    await invoke(reportTask, { ...WRITE, end: "Succeeded" }, ports);
    await invoke(reportTask, tell, ports);
    expect(ports.notices[0]?.subject).toMatch(/^[\x20-\x7e]{1,99}$/);
    expect(ports.notices[0]?.subject).toContain("Uber");
    expect(ports.notices[0]?.text).toContain(`runs/${EVENT.run}/report.html`);
  });

  test("reaches everyone if not even the outcome could be noted", async () => {
    const ports = memoryPorts();
    await invoke(reportTask, tell, ports);
    expect(ports.notices.map(({ audience }) => audience)).toEqual(["escalation", "approvers"]);
    expect(ports.notices[0]?.text).toContain(EVENT.run);
  });
});
