import { describe, expect, test } from "vitest";
import { fingerprintOf } from "../../../lambdas/proof/catalog.ts";
import {
  keepCatalog,
  keepFingerprint,
  keptFingerprint,
  fingerprintOf as recordedFingerprint,
} from "../../../lambdas/proof/stored-record.ts";
import { Doc } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import { MemoryEvidence } from "../../support/ports.ts";

const TABLE = { kind: "table", name: "public.t", definition: "owner: o" };
const access = [{ kind: "access", name: "app", definition: "CONNECT" }];

test("a catalog that is read again unchanged is kept once", async () => {
  const store = new MemoryEvidence();
  const evidence = evidenceOf(store, "r");
  for (const name of ["before", "after"]) await keepFingerprint(evidence, name, fingerprintOf([TABLE]));
  expect(await evidence.list("catalogs/")).toHaveLength(1);
  expect(await keptFingerprint(evidence, "before")).toEqual(fingerprintOf([TABLE]));
  expect(await keptFingerprint(evidence, "after")).toEqual(fingerprintOf([TABLE]));
});

test("differences outside the hash are still kept: who may connect, and columns' numbers", async () => {
  const evidence = evidenceOf(new MemoryEvidence(), "r");
  const open = { ...fingerprintOf([TABLE]), access };
  await keepFingerprint(evidence, "open", open);
  await keepFingerprint(evidence, "fenced", { ...open, access: [] });
  expect(await keptFingerprint(evidence, "open")).toEqual(open);
  expect((await keptFingerprint(evidence, "fenced")).access).toEqual([]);
});

describe("a catalog that almost equals a kept one", () => {
  const many = Array.from({ length: 50 }, (_, n) => ({ ...TABLE, name: `public.t_${n}` }));
  const roles = ["app"];
  const plus = (n: number, ...gone: string[]) => ({
    ...fingerprintOf([
      ...many.filter(({ name }) => !gone.includes(name)),
      ...Array.from({ length: n }, (_, i) => ({
        kind: "column",
        name: `public.new.c${i}`,
        definition: "int",
        number: i,
      })),
    ]),
    access,
    roles,
  });

  test("is kept as its difference from the full one, and read as a whole", async () => {
    const store = new MemoryEvidence();
    const evidence = evidenceOf(store, "r");
    const kept = [await keepCatalog(evidence, plus(0))];
    for (const next of [plus(1), plus(2, "public.t_7"), plus(3)])
      kept.push(await keepCatalog(evidence, next, kept.at(-1)?.catalog));
    const sizes = kept.map(({ catalog }) => store.files.get(`runs/r/catalogs/${catalog}.json`)?.length ?? 0);
    for (const size of sizes.slice(1)) expect(size * 2).toBeLessThan(sizes[0] ?? 0);
    const whole = [plus(0), plus(1), plus(2, "public.t_7"), plus(3)];
    for (const [place, { hash, catalog }] of kept.entries())
      expect(await recordedFingerprint(evidence, { fingerprint: hash, catalog })).toEqual(whole[place]);
  });

  test("is kept in full if most of it differs", async () => {
    const store = new MemoryEvidence();
    const evidence = evidenceOf(store, "r");
    const first = await keepCatalog(evidence, fingerprintOf([TABLE]));
    const second = await keepCatalog(evidence, plus(0), first.catalog);
    expect(store.files.get(`runs/r/catalogs/${second.catalog}.json`)).not.toContain('"from"');
    expect(await recordedFingerprint(evidence, { fingerprint: second.hash, ...second })).toEqual(plus(0));
  });

  test("is rejected if the full one was changed", async () => {
    const store = new MemoryEvidence();
    const evidence = evidenceOf(store, "r");
    const first = await keepCatalog(evidence, plus(0));
    const { hash, catalog } = await keepCatalog(evidence, plus(1), first.catalog);
    const key = `runs/r/catalogs/${first.catalog}.json`;
    store.files.set(key, (store.files.get(key) ?? "").replace("public.t_3", "public.x_3"));
    await expect(recordedFingerprint(evidence, { fingerprint: hash, catalog })).rejects.toThrow(
      "does not match its checksum",
    );
  });
});

test("a record names its catalog; an older run's record holds its fingerprint itself", async () => {
  const evidence = evidenceOf(new MemoryEvidence(), "r");
  const fingerprint = fingerprintOf([TABLE]);
  const { hash, catalog } = await keepCatalog(evidence, fingerprint);
  const record = { at: "2026-11-03T02:00:00.000Z", seconds: 1, fingerprint: hash, tables: [], sequences: [] };
  await evidence.createOnce(Doc.record("before"), { ...record, catalog });
  await evidence.createOnce(Doc.record("staging"), record);
  await keepFingerprint(evidence, "staging", fingerprint);
  for (const name of ["before", "staging"])
    expect(await keptFingerprint(evidence, name)).toEqual(fingerprint);
});
