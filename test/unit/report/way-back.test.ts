import { describe, expect, test } from "vitest";
import { buildReport, reportOf } from "../../../lambdas/report/build.ts";
import { gatherFacts } from "../../../lambdas/report/facts.ts";
import { renderReport } from "../../../lambdas/report/page/page.ts";
import { outcomeOf } from "../../../lambdas/report/verdict.ts";
import { Doc, docName, type LossDoc, type StagingDoc } from "../../../lambdas/shared/documents.ts";
import { migrated, type RunFixture, rehearsed } from "../../support/evidence-fixtures.ts";

/** A run that failed at 008 and went back. */
async function wentBack(differences: string[] = []): Promise<RunFixture> {
  const run = await migrated(undefined, "007");
  await run.rollBack("Apply 008 to production failed", "008", differences);
  return run;
}

async function text(run: RunFixture): Promise<string> {
  const page = renderReport(await buildReport(run.evidence));
  return page
    .slice(page.indexOf("<main>"))
    .replace(/<\/?(h3|li|ul)>/g, " ")
    .replace(/<[^>]+>/g, "")
    .replace(/\s+/g, " ");
}

const LOSS: Omit<LossDoc, "at" | "since"> = {
  applicationWasIn: true,
  asRecorded: 6,
  byCounters: 6,
  tables: [
    {
      table: "public.performance_events",
      rowsBefore: "40007",
      rowsNow: "40010",
      inserted: 3,
      updated: 0,
      deleted: 0,
    },
  ],
};

describe("the page of a run that went back", () => {
  test("shows how long rolling back took, the prediction, and the plan's limit", async () => {
    expect(await text(await wentBack())).toMatch(
      /In time: rolled back and proven in \d+ s \(expected \d+ s\); the plan allows 30 min\./,
    );
  });

  test("never calls an unproven rollback on time", async () => {
    const said = await text(await wentBack(["function public.leftover() is there"]));
    expect(said).not.toContain("In time");
    expect(said).toContain("the plan allows 30 min for it");
  });

  test("shows the source of the restore, where the former production is, and the loss, table by table", async () => {
    const run = await wentBack(["function public.leftover() is there"]);
    await run.gate("restore");
    await run.evidence.createOnce(Doc.loss, { ...LOSS, at: run.now(), since: run.now() });
    await run.restore();
    await run.proof("production-restored");
    const said = await text(run);
    expect(said).toContain("Restored from sluice-final-0123456789ab");
    expect(said).toContain("the former production is orders-production-before-0123456789ab");
    expect(said).toContain(
      "What a restore loses public.performance_events: 40,007 rows recorded, 40,010 now (counters: 3 inserted)",
    );
  });

  test("states that nothing was rolled back if only the restore led back, and what to fix", async () => {
    const run = await migrated(undefined, "007");
    await run.evidence.createOnce(Doc.rollback, {
      at: run.now(),
      why: "No-Go",
      from: "007",
      restoreFrom: "006",
    });
    await run.gate("restore");
    await run.restore();
    await run.proof("production-restored");
    expect(await text(run)).toContain(
      "Nothing was rolled back: 006 had begun, and its way back is the restore.",
    );
    const { cause } = outcomeOf(await gatherFacts(run.evidence), "Restored", run.now(), undefined, {});
    expect(cause).toContain("006 had begun and has no rollback, so only the restore leads back.");
    await run.evidence.createOnce(Doc.outcome, {
      at: run.after(1),
      end: "Restored",
      cause,
      leftBehind: [],
    });
    const { leftToDo, timeline } = await buildReport(run.evidence);
    expect(leftToDo).toContain("Fix the cause, then start a new run: it rehearses everything again.");
    expect(leftToDo.join()).not.toContain("rolling back was not enough");
    expect(timeline.phases.find(({ id }) => id === "rollback")?.parts ?? []).toEqual([]);
  });

  test("lists no lost writes to look for if nothing was written", async () => {
    const run = await wentBack(["function public.leftover() is there"]);
    const nothing = { ...LOSS, tables: [], applicationWasIn: false, at: run.now(), since: run.now() };
    await run.evidence.createOnce(Doc.loss, nothing);
    await run.restore();
    await run.proof("production-restored");
    await run.evidence.createOnce(Doc.outcome, {
      at: run.after(1),
      end: "Restored",
      cause: "It was restored.",
      leftBehind: [],
    });
    const { leftToDo } = await buildReport(run.evidence);
    expect(leftToDo.join()).toContain("Nothing was written to orders-production-before-0123456789ab");
    expect(leftToDo.join()).not.toContain("Look at the rows that were written");
  });

  test("states that the loss could not be counted if the gate opened without it", async () => {
    const run = await wentBack(["function public.leftover() is there"]);
    await run.gate("restore");
    const said = await text(run);
    expect(said).toContain("What a restore loses The loss could not be counted");
    expect(said).toContain("Not enough: rolling back did not bring production back");
  });

  test("does not show the predicted downtime of the way forward as its own", async () => {
    expect(await text(await wentBack())).toContain(
      "predicted without waiting at gates for the complete way forward",
    );
  });

  test("names what was rolled back without ever having been applied", async () => {
    expect(await text(await wentBack())).toContain("Production: Rolled back in");
  });
});

describe("the form for staging's results", () => {
  test("has both ways back as predicted, beside the plan's limit, and shows which one is too long", async () => {
    const run = await rehearsed();
    await run.evidence.createOnce(Doc.wayBack, {
      at: run.now(),
      sloSeconds: 1_800,
      rollback: { seconds: 40, parts: [{ what: "Prove it", seconds: 40 }] },
      restore: {
        seconds: 2_400,
        parts: [{ what: "Prove it", seconds: 40 }],
        leavesOut: ["The conversion to Multi-AZ."],
      },
    });
    const said = await text(run);
    expect(said).toContain(
      "Rolling back takes about 40 s, including its proof; the plan allows 30 min Restoring",
    );
    expect(said).toContain(
      "Restoring the snapshot takes about 40 min, including its proof; the plan allows 30 min: too long",
    );
    expect(said).toContain("Not counted: The conversion to Multi-AZ.");
  });

  test("has what production would lack, as staging does, and how far its volume was filled", async () => {
    const run = await rehearsed();
    const spoilt = await text(run);
    expect(spoilt).not.toContain("Staging lacks a setting");
    const facts = await gatherFacts(run.evidence);
    const staging = {
      ...(facts.staging as StagingDoc),
      refused: ["the option group: OptionGroupNotFound."],
      storage: { doing: "Initializing", percent: 12 },
    };
    const said = renderReport(
      reportOf({ ...facts, staging, stagingStorage: { at: run.now(), storage: null } }),
    );
    expect(said).toContain("a restored production would too: the option group: OptionGroupNotFound.");
    expect(said).toContain("(Initializing, 12 % when it was first used, done at the end)");
  });

  test("shows which benchmarks staging could only measure with generated data, as the table of benchmarks does", async () => {
    const said = await text(await rehearsed());
    expect(said).toMatch(/Vector search: p95 4\.8 ms, limit 100 ms, on generated data/);
    expect(said).toMatch(/p95 4\.8 ms, 200 runs, on generated data/);
    expect(said).not.toMatch(/Graph traversal, 2 hops: p95 14\.2 ms, limit 200 ms, on generated data/);
  });
});

test("the page of a run that goes forward has no way back", async () => {
  const page = renderReport(await buildReport((await migrated()).evidence));
  expect(page).not.toContain('<h2 id="back">');
});

test("the page shows how long the final snapshot is kept, and which copies of it were begun", async () => {
  const run = await migrated();
  await run.evidence.createOnce(docName(Doc.archived), {
    at: run.now(),
    copies: [{ kind: "copy", where: "eu-west-1", id: "sluice-copy-1" }],
  });
  const said = await text(run);
  expect(said).toContain("copy to eu-west-1: sluice-copy-1");
  expect(said).toContain("Kept until");
});
