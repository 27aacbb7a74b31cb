import { expect, test } from "vitest";
import { fingerprintOf } from "../../../lambdas/prove/fingerprint.ts";
import {
  fingerprintOnce,
  keepFingerprint,
  keptFingerprint,
} from "../../../lambdas/prove/kept-fingerprint.ts";
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

test("a worker that died between the catalog and the fingerprint that names it leaves the next one its work", async () => {
  const store = new MemoryEvidence();
  const evidence = evidenceOf(store, "r");
  const fingerprint = fingerprintOf([TABLE]);
  await keepFingerprint(evidence, "before", fingerprint);
  store.files.delete("runs/r/fingerprints/before.json");
  expect(await fingerprintOnce(evidence, "before", async () => fingerprint)).toBe(fingerprint.hash);
  const again = () => Promise.reject(new Error("It is known already"));
  expect(await fingerprintOnce(evidence, "before", again)).toBe(fingerprint.hash);
});
