import { afterEach, describe, expect, test } from "vitest";
import { type ContentMode, listTables, takeTableContent } from "../../lambdas/proof/checksums.ts";
import { asFarAsRead, compareContents } from "../../lambdas/proof/compare-contents.ts";
import { readTables } from "../../lambdas/proof/read-tables.ts";
import { EVERY_ROW, stagingWishes } from "../../lambdas/proof/subjects.ts";
import { takeRecord } from "../../lambdas/proof/take-record.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { useEmbedded } from "../support/embedded.ts";
import { type MemoryPorts, memoryPorts } from "../support/ports.ts";

const session = useEmbedded("CREATE SCHEMA shop");

afterEach(() => session.exec("DROP SCHEMA IF EXISTS shop CASCADE; CREATE SCHEMA shop"));

const MANY = (rows: number) =>
  session.exec(`CREATE TABLE shop.t (id int PRIMARY KEY, wide text);
    INSERT INTO shop.t SELECT i, repeat('w', 200) || i FROM generate_series(1, ${rows}) i`);

async function inParts(mode: ContentMode, ports: MemoryPorts, partBlocks = 20) {
  const tables = (await listTables(session)).map((table) => ({ ...table, mode, byColumn: false }));
  const evidence = evidenceOf(ports.evidence, "run-1");
  return await readTables(tables, {
    ports,
    draft: evidence,
    under: "records/x",
    session,
    beside: undefined,
    partBlocks,
  });
}

describe("a large table", () => {
  test.each<ContentMode>(["full", "sample", "count"])(
    "read in parts (%s) is what it is as a whole",
    async (mode) => {
      await MANY(12_000);
      const ports = memoryPorts();
      expect(await inParts(mode, ports)).toEqual([
        await takeTableContent(session, "shop.t", ["id", "wide"], mode),
      ]);
      expect([...ports.evidence.files.keys()].filter((key) => /x-\d+/.test(key)).length).toBeGreaterThan(10);
    },
  );

  test("with few rows is read in full, as a small one is", async () => {
    await MANY(3_000);
    expect(await inParts("sample", memoryPorts())).toEqual([
      await takeTableContent(session, "shop.t", ["id", "wide"], "sample"),
    ]);
  });

  test("that grew while it was read is read to its end", async () => {
    await MANY(1_000);
    const tables = (await listTables(session)).map((table) => ({
      ...table,
      mode: "full" as const,
      byColumn: false,
    }));
    await session.exec("INSERT INTO shop.t SELECT i, 'more' FROM generate_series(1001, 3000) i");
    const ports = memoryPorts();
    const evidence = evidenceOf(ports.evidence, "run-1");
    const read = await readTables(tables, {
      ports,
      draft: evidence,
      under: "x",
      session,
      beside: undefined,
      partBlocks: 10,
    });
    expect(read?.[0]?.rows).toBe("3000");
  });

  test("keeps every part that was read: the next worker continues with the others", async () => {
    await MANY(5_000);
    const ports = memoryPorts();
    let looked = 0;
    // Each piece reads the clock once: after the third the worker must stop.
    ports.clock.remaining = () => (looked++ < 3 ? Number.POSITIVE_INFINITY : 0);
    expect(await inParts("full", ports)).toBeUndefined();
    expect(ports.lines).toHaveLength(3);
    ports.clock.remaining = () => Number.POSITIVE_INFINITY;
    expect((await inParts("full", ports))?.[0]?.rows).toBe("5000");
    expect(new Set(ports.lines.map((line) => line.split(" (")[0])).size).toBe(ports.lines.length);
  });

  test("reports its progress", async () => {
    await MANY(5_000);
    const ports = memoryPorts();
    await inParts("full", ports);
    expect(ports.lines[0]).toMatch(/^reading shop\.t, from .*\(0 B of [\d.]+ MiB read\)$/);
    expect(ports.lines[2]).toMatch(/\(\d+ KiB of [\d.]+ MiB read\)$/);
  });
});

describe("the plan sets how a table is read", () => {
  const record = (contents: Record<string, ContentMode>, everyRow?: true) => {
    const ports = memoryPorts({
      plan: { contents },
      databases: { single: true, withSession: (_endpoint, work) => work(session) },
    });
    return stagingWishes(session, ports).then((wishes) =>
      takeRecord(ports, evidenceOf(ports.evidence, "run-1"), {
        name: "before",
        target: "production",
        session,
        scope: { of: "all", read: everyRow ? EVERY_ROW : wishes },
        since: undefined,
      }),
    );
  };

  test("by whatever name it calls it; all others are read in full", async () => {
    await session.exec("CREATE TABLE shop.a (x int); CREATE TABLE shop.b (x int); SET search_path = shop");
    const read = await record({ "shop.a": "count", b: "count" });
    expect(read?.tables.map(({ table, checksum }) => [table, checksum])).toEqual([
      ["shop.a", null],
      ["shop.b", null],
    ]);
    const [, other] = (await record({ a: "count" }))?.tables ?? [];
    expect(other?.checksum).toBe("0");
    await session.exec("RESET search_path");
  });

  test("but a restored backup is read row by row all the same", async () => {
    await session.exec("CREATE TABLE shop.a (x int)");
    expect((await record({ "shop.a": "count" }, true))?.tables[0]?.checksum).toBe("0");
  });

  test("what was counted on one side and read on the other is compared by its rows", async () => {
    await session.exec("CREATE TABLE shop.a (x int); INSERT INTO shop.a VALUES (1)");
    const before = (await record({ "shop.a": "count" }))?.tables ?? [];
    const same = (await record({ "shop.a": "count" }, true))?.tables ?? [];
    expect(compareContents(...asFarAsRead(before, same))).toEqual([]);
    await session.exec("INSERT INTO shop.a VALUES (2)");
    const more = (await record({ "shop.a": "count" }, true))?.tables ?? [];
    expect(compareContents(...asFarAsRead(before, more))).toMatchObject([{ what: "rows" }]);
  });
});
