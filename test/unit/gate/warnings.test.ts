import { expect, test } from "vitest";
import { gateNotice } from "../../../lambdas/gate/notify.ts";
import { warningsFor } from "../../../lambdas/gate/warnings.ts";
import { type BenchmarksDoc, Doc, docName, type GateDoc } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import { MemoryEvidence, memoryPorts } from "../../support/ports.ts";

const benchmark = (target: "staging" | "production", passed: boolean): BenchmarksDoc => ({
  at: "2026-11-28T12:00:00.000Z",
  target,
  results: [{ name: "a", title: "Search", sloMs: 5, p50Ms: 8, p95Ms: 12, runs: 30, passed, note: null }],
});

test("a benchmark over its limit on staging is shown first, until production has met it", async () => {
  const evidence = evidenceOf(new MemoryEvidence(), "run-1");
  expect(await warningsFor("rehearsal", evidence)).toEqual([]);
  await evidence.createOnce(Doc.benchmarks("staging"), benchmark("staging", false));
  const said = [
    "A Go ends in a rollback unless production is faster than staging, where a benchmark exceeds its limit (Search 12 ms, limit 5 ms).",
  ];
  expect(await warningsFor("rehearsal", evidence)).toEqual(said);
  expect(await warningsFor("after", evidence)).toEqual(said);
  expect(await warningsFor("restore", evidence)).toEqual([]);
  await evidence.createOnce(Doc.benchmarks("production"), benchmark("production", true));
  expect(await warningsFor("open", evidence)).toEqual([]);
});

test("the message begins with it, as plain text", () => {
  const doc = {
    gate: "rehearsal",
    kind: "rehearsal",
    question: "touch production?",
    changed: [],
    go: "go",
    noGo: "no",
    expiresAt: "2026-11-28T12:00:00.000Z",
    warnings: ["A Go ends in a rollback\nhttps://forged.example"],
  } as unknown as GateDoc;
  const { text } = gateNotice(doc, "run-1", "A plan", memoryPorts().settings, "https://gates.example/1");
  expect(text.split("\n")[0]).toMatch(/^A Go ends in a rollback /);
  expect(text.split("\n")[0]).not.toContain("https://");
});

test("findings around production are shown before a Go for it, and before one for a restore", async () => {
  const evidence = evidenceOf(new MemoryEvidence(), "run-1");
  const forGates = [
    "After a restore the read replicas stay with the former instance: orders-reports. Create new ones then.",
  ];
  const findings = { refusals: [], checks: [], forGates, leavesOut: [], afterRestore: [] };
  await evidence.createOnce(docName(Doc.production), { findings });
  expect(await warningsFor("rehearsal", evidence)).toEqual(forGates);
  expect(await warningsFor("restore", evidence)).toEqual(forGates);
  for (const kind of ["readiness", "after", "open", "keep"] as const)
    expect(await warningsFor(kind, evidence)).toEqual([]);
});
