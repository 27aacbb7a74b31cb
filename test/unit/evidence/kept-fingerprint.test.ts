import { expect, test } from "vitest";
import { fingerprintOf } from "../../../lambdas/prove/fingerprint.ts";
import { keepCatalog, keepFingerprint, keptFingerprint } from "../../../lambdas/prove/kept-fingerprint.ts";
import { Doc, type RecordDoc } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import { MemoryEvidence } from "../../support/ports.ts";

const TABLE = { kind: "table", name: "public.t", definition: "owner: o" };
const access = [{ kind: "access", name: "app", definition: "CONNECT" }];

test("a catalog that was read again, and is the same, is kept once", async () => {
  const store = new MemoryEvidence();
  const evidence = evidenceOf(store, "r");
  for (const name of ["before", "after"]) await keepFingerprint(evidence, name, fingerprintOf([TABLE]));
  expect(await evidence.list("catalogs/")).toHaveLength(1);
  expect(await keptFingerprint(evidence, "before")).toEqual(fingerprintOf([TABLE]));
  expect(await keptFingerprint(evidence, "after")).toEqual(fingerprintOf([TABLE]));
});

test("what no hash tells apart is still each its own: who may connect, and columns' numbers", async () => {
  const evidence = evidenceOf(new MemoryEvidence(), "r");
  const open = { ...fingerprintOf([TABLE]), access };
  await keepFingerprint(evidence, "open", open);
  await keepFingerprint(evidence, "fenced", { ...open, access: [] });
  expect(await keptFingerprint(evidence, "open")).toEqual(open);
  expect((await keptFingerprint(evidence, "fenced")).access).toEqual([]);
});

test("a record names its catalog; an older run's has its fingerprint by itself", async () => {
  const evidence = evidenceOf(new MemoryEvidence(), "r");
  const fingerprint = fingerprintOf([TABLE]);
  const { hash, catalog } = await keepCatalog(evidence, fingerprint);
  const record = { at: "2026-11-03T02:00:00.000Z", seconds: 1, fingerprint: hash, tables: [], sequences: [] };
  await evidence.keep<RecordDoc>(Doc.record("before"), { ...record, catalog });
  await evidence.keep<RecordDoc>(Doc.record("staging"), record);
  await keepFingerprint(evidence, "staging", fingerprint);
  for (const name of ["before", "staging"])
    expect(await keptFingerprint(evidence, name)).toEqual(fingerprint);
});
