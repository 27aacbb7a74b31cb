import { describe, expect, test } from "vitest";
import { type Report, reportSchema } from "../../../lambdas/report/schema.ts";
import { reportTask } from "../../../lambdas/report/task.ts";
import { Doc, type End } from "../../../lambdas/shared/documents.ts";
import type { Caught } from "../../../lambdas/shared/errors.ts";
import { invoke } from "../../../lambdas/shared/task.ts";
import {
  CHECKSUM,
  executionOf,
  KEY_HASH,
  migrated,
  RunFixture,
  rehearsed,
  rolledBackByCheck,
  succeeded,
  TOKEN,
} from "../../support/evidence-fixtures.ts";
import { type MemoryPorts, memoryPorts } from "../../support/ports.ts";

interface Ended {
  answer: { error: string; cause: string };
  report: Report;
  page: string;
  ports: MemoryPorts;
  fixture: RunFixture;
}

/** Ends the run as the machine does: the outcome is written, then people are notified. */
async function end(
  fixture: RunFixture,
  name: End,
  caught: { failure?: Caught; unfinished?: Record<string, Caught> } = {},
): Promise<Ended> {
  const ports = portsOf(fixture);
  const event = {
    run: fixture.evidence.run,
    execution: executionOf(fixture.evidence.run),
    planChecksum: CHECKSUM,
    phase: "Close",
  };
  const answer = (await invoke(
    reportTask,
    { ...event, state: "Write the report", action: "write", end: name, unfinished: {}, ...caught },
    ports,
  )) as Ended["answer"];
  ports.clock.pass(1_000);
  await invoke(reportTask, { ...event, state: "Tell everyone", action: "tell" }, ports);
  const files = fixture.store.files;
  const root = `runs/${fixture.evidence.run}/`;
  return {
    answer,
    report: JSON.parse(files.get(`${root}report.json`) ?? "null"),
    page: files.get(`${root}report.html`) ?? "",
    ports,
    fixture,
  };
}

function portsOf(fixture: RunFixture): MemoryPorts {
  const ports = memoryPorts();
  ports.evidence = fixture.store;
  ports.clock.pass(Date.parse(fixture.after(1)) - ports.clock.now().getTime());
  return ports;
}

function statuses({ criteria }: Report): Record<string, string> {
  return Object.fromEntries(criteria.map(({ id, status }) => [id, status]));
}

async function refusedAtPreflight(): Promise<Ended> {
  const run = new RunFixture();
  await run.admit();
  await run.preflight({
    name: "extension vector",
    passed: false,
    expected: "at least 0.8",
    seen: "0.5.1",
    mend: "Upgrade the instance",
  });
  await run.fail("Preflight", "PreflightFailed", "1 problem");
  return end(run, "Refused");
}

const SYNTAX_ERROR =
  '008_hybrid_search/migrate.sql:12: step "search function", statement 1: syntax error at or near "SELEC" (42601)\n  SELEC 1\n  ^';

async function refusedAtRehearsal(): Promise<Ended> {
  const run = new RunFixture();
  await run.admit();
  await run.preflight();
  await run.gate("readiness");
  await run.restoreStaging();
  await run.rehearseMigration("006");
  await run.rehearseMigration("007");
  await run.fail("Apply 008 to staging", "StepFailed", SYNTAX_ERROR);
  return end(run, "Refused");
}

async function refusedAtTheGate(): Promise<Ended> {
  const run = await rehearsed();
  await run.gate("rehearsal", "NoGo", { comment: "The window is too short" });
  return end(run, "Refused");
}

async function rolledBackByNoGo(): Promise<Ended> {
  const run = await rehearsed();
  await run.gate("rehearsal");
  await run.fenceAndBackUp();
  await run.migrate("006");
  await run.gate("after-006", "NoGo", { comment: "The index looks wrong" });
  await run.rollBack("No-Go at gate after-006", "006");
  await run.lift();
  return end(run, "RolledBack");
}

async function restored(then: (run: RunFixture) => Promise<void> = async () => undefined): Promise<Ended> {
  const run = await migrated(undefined, "007");
  await run.fail("Apply 008 to production", "StepFailed", SYNTAX_ERROR);
  await run.rollBack("Apply 008 to production failed", "007", ["function public.leftover() is there"]);
  await run.fail(
    "Prove production rolled back",
    "NotBack",
    "Not as it was before: function public.leftover()",
  );
  await run.gate("restore");
  await run.restore();
  await run.proof("production-restored");
  await then(run);
  await run.lift();
  return end(run, "Restored");
}

async function snapshotGone(): Promise<Ended> {
  const run = await migrated(undefined, "007");
  await run.fail("Apply 008 to production", "StepFailed", SYNTAX_ERROR);
  await run.rollBack("Apply 008 to production failed", "007", ["function public.leftover() is there"]);
  await run.fail("Prove production rolled back", "NotBack", "Not as it was before");
  await run.gate("restore");
  await run.fail("Move production aside", "FleetFailed", "Snapshot sluice-final-1 is missing");
  return end(run, "NeedsOperator");
}

async function needsOperator(): Promise<Ended> {
  const run = await migrated(undefined, "007");
  await run.fail("Apply 008 to production", "StepFailed", SYNTAX_ERROR);
  await run.rollBack("Apply 008 to production failed", "007", ["function public.leftover() is there"]);
  await run.fail(
    "Prove production rolled back",
    "NotBack",
    "Not as it was before: function public.leftover()",
  );
  await run.gate("restore", "NoGo", { comment: "We fix it by hand" });
  return end(run, "NeedsOperator", {
    unfinished: { fence: { Error: "ConnectionLost", Cause: "the server closed the connection" } },
  });
}

describe("a run that succeeded", async () => {
  const { answer, report, ports } = await end(await succeeded(), "Succeeded");

  test("meets every criterion", () => {
    expect(new Set(Object.values(statuses(report)))).toEqual(new Set(["met"]));
  });
  test("is reported as proven unchanged, with nothing left behind", () => {
    expect(answer.error).toBe("Succeeded");
    expect(answer.cause).toContain("proven unchanged: 7 tables equal");
    expect(answer.cause).toContain("Nothing was left behind.");
  });
  test("notifies only the approvers", () => {
    expect(ports.notices.map(({ audience }) => audience)).toEqual(["approvers"]);
  });
  test("shows production's phases predicted by the rehearsal", () => {
    const phase = report.timeline.phases.find(({ id }) => id === "migrate-007");
    expect(phase).toMatchObject({ predictedBy: "rehearsal", title: "Migrate 007: Tenant isolation" });
    const ratio = (phase?.seconds ?? 0) / (phase?.predictedSeconds ?? 1);
    expect(ratio).toBeGreaterThan(0.7);
    expect(ratio).toBeLessThan(1.3);
  });
  test("has its downtime from the fence to the opening, with gates shown separately", () => {
    const { fencedAt, openedAt, seconds, waitedSeconds } = report.downtime;
    expect(seconds).toBeCloseTo((Date.parse(openedAt ?? "") - Date.parse(fencedAt ?? "")) / 1000, 3);
    expect(waitedSeconds).toBe(4 * 30);
  });
  test("fills in the plan's staging results", () => {
    expect(report.staging).toMatchObject({
      issues: [],
      rollbackTested: "success",
      approved: "yes",
      approvedBy: "Ada Lovelace",
    });
    expect(report.staging.completedAt).not.toBeNull();
  });
});

describe("a benchmark that was not measured", async () => {
  const { report, page } = await end(await succeeded(undefined, false), "Succeeded");

  test("is unknown, never met, and left for somebody to find out", () => {
    expect(statuses(report)["benchmark:vector"]).toBe("not known");
    expect(report.criteria.find(({ id }) => id === "benchmark:vector")?.detail).toContain(
      "no embeddings yet",
    );
    expect(report.leftToDo.some((item) => item.includes("Vector search"))).toBe(true);
    expect(page).toContain("? Not measured");
  });
});

describe("a run that preflight refused", async () => {
  const { answer, report } = await refusedAtPreflight();

  test("names each problem and its remedy, and that production was not touched", () => {
    expect(answer.cause).toContain(
      "extension vector: expected at least 0.8, seen 0.5.1. Upgrade the instance.",
    );
    expect(answer.cause).toContain("Production was not touched.");
  });
  test("lost no data, executed nothing, and has the rest as unknown", () => {
    expect(statuses(report)).toMatchObject({
      migrations: "not met",
      data: "met",
      checks: "not known",
      rollback: "not known",
    });
  });
});

describe("a run with a statement that failed in the rehearsal", async () => {
  const { answer, report } = await refusedAtRehearsal();

  test("names file, line, statement and Postgres's error", () => {
    expect(answer.cause).toContain("Apply 008 to staging: 008_hybrid_search/migrate.sql:12");
    expect(answer.cause).toContain('syntax error at or near "SELEC" (42601)');
    expect(answer.cause).toContain("Production was not touched.");
  });
  test("has it among the issues of the staging results, and no approval", () => {
    expect(report.staging.issues.join()).toContain("42601");
    expect(report.staging).toMatchObject({
      rollbackTested: "not yet",
      approved: "not yet",
      completedAt: null,
    });
  });
  test("attributes the time until the failure to the rehearsal and the rest to the clean-up", () => {
    const phases = report.timeline.phases.map(({ id }) => id);
    expect(phases).toEqual(["admit", "gate-readiness", "rehearse", "close"]);
  });
});

describe("a No-Go for production", async () => {
  const { answer, report } = await refusedAtTheGate();

  test("is the cause, with its person and reason", () => {
    expect(answer.cause).toContain("Ada Lovelace said No-Go at gate rehearsal (go to production?)");
    expect(answer.cause).toContain('"The window is too short"');
    expect(answer.cause).toContain("Production was not touched.");
    expect(report.staging).toMatchObject({ approved: "no", approvedBy: "Ada Lovelace" });
  });
});

describe("a gate that nobody answered", () => {
  test("is the cause, and a No-Go", async () => {
    const run = await rehearsed();
    await run.gate("rehearsal", "none");
    await run.gate("rehearsal", "none", { attempt: 2, escalation: true });
    const { answer } = await end(run, "Refused", { failure: { Error: "States.Timeout", Cause: "" } });
    expect(answer.cause).toContain("nobody answered gate rehearsal (go to production?)");
    expect(answer.cause).toContain("opened 2 times, which counts as a No-Go");
  });
});

describe("a Go that could not take effect", () => {
  test("is the cause, with the changes", async () => {
    const run = await rehearsed();
    await run.gate("rehearsal", "Go", { withheld: "NoGo" });
    const { answer, report } = await end(run, "Refused");
    expect(answer.cause).toContain("the Go of Ada Lovelace at gate rehearsal did not take effect");
    expect(answer.cause).toContain("new: table public.hotfix");
    expect(report.gates.at(-1)?.withheld).not.toBeNull();
  });
});

describe("a run refused inside the fence", () => {
  test("reports that only the fence was touched, and that it was lifted", async () => {
    const run = await rehearsed();
    await run.gate("rehearsal");
    await run.fenceAndBackUp();
    await run.fail("Record production", "BackupMismatch", "Production's catalog is not the one rehearsed");
    await run.lift();
    const { answer } = await end(run, "Refused");
    expect(answer.cause).toContain("Production was fenced, and the fence was lifted again");
  });
  test("reports a fence that is still up", async () => {
    const run = await rehearsed();
    await run.gate("rehearsal");
    await run.fenceAndBackUp();
    await run.fail("Record production", "BackupMismatch", "Production's catalog is not the one rehearsed");
    const { answer } = await end(run, "Refused", { unfinished: { fence: { Error: "X", Cause: "gone" } } });
    expect(answer.cause).toContain("the fence is still up");
    expect(answer.cause).toContain('GRANT CONNECT ON DATABASE "orders" TO PUBLIC, "app"');
  });
});

describe("a run that a failed check rolled back", async () => {
  const { answer, report } = await end(await rolledBackByCheck(), "RolledBack");

  test("states in one line what failed, what was rolled back, and that it is proven back", () => {
    expect(answer.cause).toBe(
      "RolledBack: check 'RLS enabled' of 007 failed on production (expected 6, seen 5; " +
        "007_tenant_isolation/validate.sql:40). 007 and 006 were rolled back and proven back: " +
        "catalog and 7 tables equal. Nothing was left behind.",
    );
  });
  test("has no migration, a failed check, all data, and a rollback", () => {
    expect(statuses(report)).toMatchObject({
      migrations: "not met",
      checks: "not met",
      data: "met",
      rollback: "not met",
    });
  });
  test("measures the rollback against its SLO", () => {
    expect(report.rollback?.seconds).toBeGreaterThan(0);
    expect(report.rollback?.sloSeconds).toBe(1800);
  });
});

describe("a run that a No-Go rolled back", async () => {
  const { answer } = await rolledBackByNoGo();

  test("names the person of the No-Go, and what was rolled back", () => {
    expect(answer.cause).toContain("Ada Lovelace said No-Go at gate after-006");
    expect(answer.cause).toContain("006 was rolled back and proven back: catalog and 7 tables equal.");
  });
});

describe("a smoke test that failed after the opening", () => {
  const opened = async () => {
    const run = await migrated();
    await run.prove();
    await run.gate("open");
    await run.open(false);
    return run;
  };

  test("is the cause if people go back for it", async () => {
    const run = await opened();
    await run.gate("keep", "NoGo", { comment: "Customers cannot log in" });
    await run.fenceAgain();
    await run.rollBack("No-Go at gate keep", "008");
    const { answer, report } = await end(run, "RolledBack");
    expect(answer.cause).toContain(
      "Smoke-test the application: Agent profile is served: expected status 200",
    );
    expect(answer.cause).toContain("008, 007 and 006 were rolled back and proven back");
    expect(report.timeline.phases.map(({ id }) => id).slice(-5)).toEqual([
      "open",
      "gate-keep",
      "fence-again",
      "rollback",
      "close",
    ]);
    expect(report.downtime.openedAt).toBeNull();
  });

  test("stays a missed criterion if people keep the new schema", async () => {
    const run = await opened();
    await run.gate("keep", "Go");
    await run.afterOpening();
    const { report } = await end(run, "Succeeded");
    expect(statuses(report).application).toBe("not met");
    expect(report.leftToDo.join()).toContain(
      "Look into what is not met: The application starts and connects",
    );
  });
});

describe("a rollback without its proof", () => {
  test("is never called proven", async () => {
    const run = await migrated(undefined, "006");
    await run.rollBack("somebody stopped it", "006", ["table public.x is there"]);
    const { answer, report } = await end(run, "RolledBack");
    expect(answer.cause).toContain("NOT proven back");
    expect(report.rollback?.seconds).toBeNull();
    expect(statuses(report).data).toBe("not met");
  });
});

describe("a run that was restored", async () => {
  const { answer, report } = await restored();

  test("states why rolling back was not enough, the source of the restore, and where the former production is", () => {
    expect(answer.cause).toContain("42601");
    expect(answer.cause).toContain(
      "Rolling back was not enough: Not as it was before: function public.leftover()",
    );
    expect(answer.cause).toContain("restored from snapshot sluice-final-0123456789ab");
    expect(answer.cause).toContain("kept as orders-production-before-0123456789ab");
    expect(answer.cause).toContain("It is proven back: catalog and 7 tables equal.");
  });
  test("leaves people the refused settings, and states so if nothing is known of them", async () => {
    const refused =
      "Apply to orders-production what was refused: storage autoscaling: InvalidParameterCombination.";
    const ended = await restored(async (run) => {
      await run.evidence.createOnce(Doc.handedOver, { at: run.now(), handOver: [refused] });
    });
    expect(ended.report.leftToDo).toContain(refused);
    expect(ended.report.restore?.handOver).toEqual([refused]);
    expect(report.leftToDo.join()).toContain(
      "It is not known whether orders-production has all its settings again",
    );
  });
  test("leaves people the former production to look at and delete", () => {
    expect(report.leftToDo.join()).toContain("orders-production-before-0123456789ab");
    expect(statuses(report)).toMatchObject({ data: "met", rollback: "not met" });
  });
});

describe("a run that needs an operator", async () => {
  const { answer, report, ports } = await needsOperator();

  test("states prominently that production is not proven back, who declined, and what to restore from", () => {
    expect(answer.cause).toContain("Production is NOT proven back; an operator must act now.");
    expect(answer.cause).toContain("Ada Lovelace said No-Go at gate restore");
    expect(answer.cause).toContain("The snapshot to restore from is sluice-final-0123456789ab.");
    expect(answer.cause).toContain("The fence is still up");
  });
  test("never counts its data as kept", () => {
    expect(statuses(report).data).toBe("not met");
  });
  test("also notifies the escalation contacts", () => {
    expect(ports.notices.map(({ audience }) => audience).sort()).toEqual(["approvers", "escalation"]);
  });
});

describe("a restore that failed", () => {
  async function restoring(came: "before the rename" | "after it") {
    const run = await migrated(undefined, "007");
    await run.rollBack("Apply 008 to production failed", "007", ["function public.leftover() is there"]);
    await run.gate("restore");
    await run.restore();
    if (came === "after it") await run.evidence.createOnce(Doc.restoring, { at: "2026-11-03T05:00:00.000Z" });
    return (await end(run, "NeedsOperator")).answer.cause;
  }

  test("names a former production only if it was seen under that name", async () => {
    expect(await restoring("before the rename")).toContain(
      "The former production was not seen under its new name, orders-production-before-0123456789ab: it may still have its old name.",
    );
    expect(await restoring("after it")).toContain(
      "The former production is orders-production-before-0123456789ab.",
    );
  });
});

describe("a worker that was ended from outside", () => {
  test("is the cause by the text that the machine caught, without JSON", async () => {
    const run = new RunFixture();
    await run.admit();
    const { answer } = await end(run, "Refused", {
      failure: {
        Error: "Lambda.Unknown",
        Cause: JSON.stringify({
          errorType: "Sandbox.Timedout",
          errorMessage: "Task timed out after 900 s",
          trace: [],
        }),
      },
    });
    expect(answer.cause).toContain("Lambda.Unknown: Task timed out after 900 s.");
    expect(answer.cause).not.toContain("{");
  });
});

describe("a failure that a retry fixed", () => {
  test("is not the cause of a later end", async () => {
    const run = new RunFixture();
    await run.admit();
    await run.fail("Restore staging", "InternalFailure", "the API had a bad minute");
    await run.preflight();
    await run.gate("readiness");
    await run.restoreStaging();
    await run.fail("Apply 006 to staging", "StepFailed", SYNTAX_ERROR);
    const { answer, report } = await end(run, "Refused");
    expect(answer.cause).toContain("42601");
    expect(answer.cause).not.toContain("bad minute");
    expect(report.failures).toHaveLength(2);
  });
});

const ENDS: [string, () => Promise<Ended>][] = [
  ["succeeded", async () => end(await succeeded(), "Succeeded")],
  ["refused at preflight", refusedAtPreflight],
  ["refused at rehearsal", refusedAtRehearsal],
  ["refused at the gate", refusedAtTheGate],
  ["rolled back by a check", async () => end(await rolledBackByCheck(), "RolledBack")],
  ["rolled back by a No-Go", rolledBackByNoGo],
  ["restored", restored],
  ["needs an operator", needsOperator],
];

describe.each(ENDS)("the report of a run that %s", (_name, play) => {
  test("matches its schema, stays within limits and holds no secret", async () => {
    const { report, page, answer, ports, fixture } = await play();
    expect(reportSchema.parse(report)).toEqual(report);
    expect(answer.cause.length).toBeLessThanOrEqual(2_000);
    for (const text of [JSON.stringify(report), page, answer.cause, JSON.stringify(ports.notices)]) {
      expect(text).not.toContain(TOKEN);
      expect(text).not.toContain(KEY_HASH);
      expect(text).not.toContain("198.51.100.7");
    }
    for (const { subject } of ports.notices) expect(subject).toMatch(/^[\x20-\x7e]{1,99}$/);
    expect(fixture.store.files.has(`runs/${fixture.evidence.run}/${Doc.outcome}.json`)).toBe(true);
  });
});

test("a restore that failed before anything was renamed is reported as one, even after a Go", async () => {
  const { answer } = await snapshotGone();
  expect(answer.cause).toContain("The restore failed: Snapshot sluice-final-1 is missing.");
  expect(answer.cause).not.toMatch(/nobody answered|former production/);
});

test("an end that needs an operator states that the application is still stopped, and where to read on", async () => {
  const { report } = await snapshotGone();
  expect(report.leftToDo[0]).toContain('see docs/operator-runbook.md, "NeedsOperator"');
  expect(report.leftToDo[1]).toContain("The application is still stopped");
});
