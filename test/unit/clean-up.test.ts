import { beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { takeLease } from "../../lambdas/admit/lease.ts";
import { cleanUpTask } from "../../lambdas/clean-up/task.ts";
import { summarizePlan } from "../../lambdas/report/plan-summary.ts";
import { Doc, docName, type FailureDoc } from "../../lambdas/shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../../lambdas/shared/evidence.ts";
import type { LeaseHolder } from "../../lambdas/shared/ports.ts";
import { DONE, invoke, runFields, type Task } from "../../lambdas/shared/task.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { type MemoryPorts, memoryPorts } from "../support/ports.ts";

const RUN = "run-1";
const EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:Machine:run-1";
const CLEAN_UP = "arn:aws:states:eu-central-1:123456789012:execution:CleanUp:1";
const fields = { run: RUN, execution: EXECUTION, planChecksum: "a".repeat(64) };

let ports: MemoryPorts;
let evidence: RunEvidence;
beforeEach(async () => {
  ports = { ...memoryPorts(), executions: { isRunning: async () => true } };
  evidence = evidenceOf(ports.evidence, RUN);
  const { instance, database } = ports.settings;
  const plan = { name: "tiny", title: "A tiny plan", checksum: "" };
  await evidence.createOnce(docName(Doc.request), {
    run: RUN,
    execution: EXECUTION,
    instance,
    database,
    plan,
  });
  await takeLease(ports, ports.settings.instance, {
    run: RUN,
    execution: EXECUTION,
    since: "2026-11-03T01:00:00.000Z",
  });
});

const begin = (cleanUp = CLEAN_UP, status = "ABORTED") =>
  invoke(cleanUpTask, { ...fields, cleanUp, action: "begin", status, state: "Begin to clean up" }, ports);
const leaseholder = async () => (await ports.evidence.readLease(ports.settings.instance))?.holder;

describe("clean-up after a stopped run", () => {
  test("reports what happened in words, and notifies everybody once", async () => {
    expect(await begin()).toEqual({
      Error: "Stopped",
      Cause: "Its execution was stopped from outside (ABORTED).",
      go: "clean up",
      plan: "",
    });
    const [name] = await evidence.list("failures/");
    expect(await evidence.require(docName<FailureDoc>(name ?? ""))).toMatchObject({
      error: "Stopped",
      state: "The run",
    });
    expect(ports.notices.map(({ audience }) => audience)).toEqual(["approvers", "escalation"]);
    expect(ports.notices[0]?.text).toContain(CLEAN_UP);
    expect(ports.notices[0]?.subject.length).toBeLessThan(100);
  });

  test("keeps the database until the clean-up ends", async () => {
    await begin();
    expect(await leaseholder()).toMatchObject({ run: RUN, execution: CLEAN_UP });
    const other = { run: "run-2", execution: "arn:other", since: "2026-11-03T03:00:00.000Z" };
    await expect(takeLease(ports, ports.settings.instance, other)).rejects.toMatchObject({
      name: "RunLocked",
    });
  });

  test("runs once if EventBridge delivers the same event twice", async () => {
    await begin();
    expect(await begin("arn:another-clean-up")).toMatchObject({ go: "nothing to do" });
    expect(await leaseholder()).toMatchObject({ execution: CLEAN_UP });
    expect(ports.notices).toHaveLength(2);
  });

  test("has no lease to keep if the run was stopped before it was admitted, and reports that", async () => {
    const fresh = { ...memoryPorts(), executions: { isRunning: async () => true } };
    const event = { ...fields, cleanUp: CLEAN_UP, action: "begin", status: "ABORTED", state: "Begin" };
    expect(await invoke(cleanUpTask, event, fresh)).toMatchObject({ go: "clean up", plan: "" });
    expect(await fresh.evidence.readLease(fresh.settings.instance)).toBeUndefined();
    expect(fresh.notices[0]?.text).toContain("was not admitted");
  });

  test("may be called again by the same worker's successor", async () => {
    await begin();
    ports.clock.pass(60_000);
    expect(await begin()).toMatchObject({ go: "clean up" });
    expect(await evidence.list("failures/")).toHaveLength(1);
  });

  test("reports the end if the run had ended, and was stopped before it notified anybody", async () => {
    await evidence.createOnce(Doc.plan, summarizePlan(await compilePlan("test/plans/tiny")));
    await evidence.createOnce(Doc.outcome, {
      at: "2026-11-03T02:00:00.000Z",
      end: "RolledBack",
      cause: "RolledBack: somebody said No-Go.",
      leftBehind: [],
    });
    expect(await begin()).toMatchObject({ go: "nothing to do" });
    expect(ports.notices.map(({ audience }) => audience)).toEqual(["approvers"]);
    expect(ports.notices[0]?.text).toContain("Somebody said No-Go");
    await begin();
    expect(ports.notices).toHaveLength(1);
  });

  test("leaves alone a run that failed by its own end and notified people, even if its report failed", async () => {
    await evidence.createOnce(docName(Doc.stateEntered("tell-everyone")), { at: "2026-11-03T02:00:00.000Z" });
    expect(await begin(CLEAN_UP, "FAILED")).toMatchObject({ go: "nothing to do" });
    expect(ports.notices).toEqual([]);
    expect(await evidence.read(Doc.stopped)).toBeUndefined();
  });

  test("may start again, if it was refused for another run, when that run has ended", async () => {
    const lease = async (holder: LeaseHolder | null) =>
      ports.evidence.swapLease(
        ports.settings.instance,
        await ports.evidence.readLease(ports.settings.instance),
        holder,
      );
    await lease({ run: "run-2", execution: "arn:other", since: "2026-11-03T03:00:00.000Z" });
    await expect(begin()).rejects.toMatchObject({ name: "RunLocked" });
    await lease(null);
    expect(await begin("arn:a-second-clean-up")).toMatchObject({ go: "clean up" });
  });

  test("does not disturb another run that now holds the database", async () => {
    const lease = await ports.evidence.readLease(ports.settings.instance);
    await ports.evidence.swapLease(ports.settings.instance, lease, {
      run: "run-2",
      execution: "arn:other",
      since: "2026-11-03T03:00:00.000Z",
    });
    await expect(begin()).rejects.toMatchObject({
      name: "RunLocked",
      message: expect.stringContaining("run-2"),
    });
  });
});

describe("a stopped run", () => {
  const worked: string[] = [];
  const task: Task<unknown> = {
    name: "example",
    event: z.strictObject(runFields),
    async run(event) {
      worked.push((event as { state: string }).state);
      return DONE;
    },
  };
  beforeEach(() => {
    worked.length = 0;
  });

  test("does nothing more when somebody redrives it; its clean-up does", async () => {
    await begin();
    await expect(invoke(task, { ...fields, state: "Apply 007 to production" }, ports)).rejects.toMatchObject({
      name: "Stopped",
      message: expect.stringContaining("Start a new run"),
    });
    await invoke(task, { ...fields, cleanUp: CLEAN_UP, state: "Roll back 006" }, ports);
    expect(worked).toEqual(["Roll back 006"]);
  });

  test("leaves its clean-up as much time for a state as it had itself", async () => {
    const restoring = { ...fields, state: "Restore production", limitMinutes: 10 };
    await invoke(task, restoring, ports);
    ports.clock.pass(11 * 60_000);
    await begin();
    const goneOnWith = { ...restoring, cleanUp: CLEAN_UP };
    await expect(invoke(task, goneOnWith, ports)).resolves.toEqual(DONE);
    ports.clock.pass(11 * 60_000);
    await expect(invoke(task, goneOnWith, ports)).rejects.toMatchObject({ name: "TookTooLong" });
  });

  test("has in its evidence which execution cleans up after it", async () => {
    await begin();
    expect(await evidence.require(Doc.stopped)).toMatchObject({
      status: "ABORTED",
      cleanUp: CLEAN_UP,
    });
  });
});
