import { describe, expect, test } from "vitest";
import { type LinkDoc, linked, linkFile } from "../../../lambdas/shared/chain.ts";
import { Doc, docName } from "../../../lambdas/shared/documents.ts";
import { evidenceOf, evidenceWithin } from "../../../lambdas/shared/evidence.ts";
import { type MemoryPorts, memoryPorts } from "../../support/ports.ts";

const RUN = "run-1";

/** A worker that keeps these documents, each with its name in it. */
const keep = (ports: MemoryPorts, ...names: string[]) =>
  linked(ports, async (noted) => {
    for (const name of names) await evidenceOf(noted.evidence, RUN).createOnce(docName(name), { name });
  });

const filesOf = ({ evidence }: MemoryPorts) =>
  [...evidence.files.keys()].map((key) => key.slice(`runs/${RUN}/`.length));

describe("what a worker keeps of a migration's rehearsal", () => {
  const NAMES = [
    "changes/staging-006",
    "checks/staging-006-1",
    "made/006",
    "made/ae1027a6acf",
    "made/all",
    "steps/staging-006-1-migrate",
  ];

  test("is in its link and in no separate file, and is read and listed by its name", async () => {
    const ports = memoryPorts();
    await keep(ports, ...NAMES, "request");
    expect(filesOf(ports)).toEqual(["request.json", linkFile(1)]);
    const evidence = evidenceOf(ports.evidence, RUN);
    for (const name of NAMES) expect(await evidence.require(docName(name))).toEqual({ name });
    expect(await evidence.list("")).toEqual(["chain/00001", ...NAMES, "request"].sort());
    expect(await evidence.list("checks/")).toEqual(["checks/staging-006-1"]);
    expect(await evidence.list("proofs/")).toEqual([]);
  });

  test("is visible to that worker at once, and to an earlier reader as soon as it is linked", async () => {
    const ports = memoryPorts();
    const other = evidenceOf(ports.evidence, RUN);
    expect(await other.read(docName("made/006"))).toBeUndefined();
    await linked(ports, async (noted) => {
      const own = evidenceOf(noted.evidence, RUN);
      await own.createOnce(docName("made/006"), { objects: [] });
      expect(await own.read(docName("made/006"))).toEqual({ objects: [] });
      expect(await own.list("made/")).toEqual(["made/006"]);
      expect(await other.read(docName("made/006"))).toBeUndefined();
    });
    expect(await other.read(docName("made/006"))).toEqual({ objects: [] });
  });

  test("counts in the first worker's version, if a second worker does the same", async () => {
    const ports = memoryPorts();
    for (const by of ["first", "second"])
      await linked(ports, (noted) =>
        evidenceOf(noted.evidence, RUN).createOnce(docName("checks/staging-006-1"), { by }),
      );
    expect(await evidenceOf(ports.evidence, RUN).read(docName("checks/staging-006-1"))).toEqual({
      by: "first",
    });
  });

  test("is kept even if the work fails", async () => {
    const ports = memoryPorts();
    const work = linked(ports, async (noted) => {
      await evidenceOf(noted.evidence, RUN).createOnce(docName("checks/production-006-1"), { failed: true });
      throw new Error("A check failed");
    });
    await expect(work).rejects.toThrow("A check failed");
    expect(await evidenceOf(ports.evidence, RUN).read(docName("checks/production-006-1"))).toEqual({
      failed: true,
    });
  });

  test("is never lost silently: if the link cannot be written, the work is to be done again", async () => {
    const ports = memoryPorts();
    const create = ports.evidence.create.bind(ports.evidence);
    ports.evidence.create = (key, body) =>
      key.includes("/chain/") ? Promise.reject(new Error("denied")) : create(key, body);
    await expect(keep(ports, "made/006")).rejects.toThrow("denied");
  });
});

test("what others must find by name during the run is a separate file", async () => {
  const ports = memoryPorts();
  // From production's steps the fence decides what to grant back.
  const names = ["steps/production-006-1-migrate", "changes/staging", Doc.madeByAll, "proofs/staging-006"];
  await keep(ports, ...names);
  expect(filesOf(ports)).toEqual([...names.map((name) => `${name}.json`), linkFile(1)]);
});

test("evidence limited to some files has the documents of those links, and of no other", async () => {
  const ports = memoryPorts();
  await keep(ports, "made/006");
  await keep(ports, "made/007");
  const within = evidenceWithin(evidenceOf(ports.evidence, RUN), [linkFile(1)]);
  expect(await within.list("")).toEqual(["chain/00001", "made/006"]);
  expect(await within.read(docName("made/007"))).toBeUndefined();
  expect((await within.require(docName<LinkDoc>("chain/00001"))).documents).toEqual({
    "made/006": { name: "made/006" },
  });
  await expect(within.createOnce(docName("request"), {})).rejects.toThrow("is read-only");
});
