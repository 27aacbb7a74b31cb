import { mkdir, readdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { fileEvidence } from "../../../local/file-evidence.ts";
import { rehearse } from "../../../local/rehearse.ts";
import { TINY_PLAN, temporaryFolder } from "../../support/rehearsal.ts";

describe("evidence in files", () => {
  test("is written once: of many writers one wins, and its content stays", async () => {
    const store = fileEvidence(await temporaryFolder());
    const wins = await Promise.all(
      Array.from({ length: 50 }, (_, n) => store.create("runs/r/a.json", `${n}`, "application/json")),
    );
    expect(wins.filter((won) => won)).toHaveLength(1);
    expect(await store.read("runs/r/a.json")).toBe(String(wins.indexOf(true)));
  });

  test("is listed by prefix, without files still being written", async () => {
    const store = fileEvidence(await temporaryFolder());
    for (const key of ["runs/r/b/2.json", "runs/r/b/1.json", "runs/r/c.json"])
      await store.create(key, "{}", "application/json");
    expect(await store.list("runs/r/b/")).toEqual(["runs/r/b/1.json", "runs/r/b/2.json"]);
    expect(await store.list("runs/r/nothing")).toEqual([]);
  });

  test("has a tag for each file, which changes with each write, however similar", async () => {
    const folder = await temporaryFolder();
    const store = fileEvidence(folder);
    for (const key of ["runs/r/b/1.json", "runs/r/c.json"])
      await store.create(key, "[1]", "application/json");
    const before = await store.tags("runs/r/");
    expect([...before.keys()]).toEqual(["runs/r/b/1.json", "runs/r/c.json"]);
    expect(await store.tags("runs/r/")).toEqual(before);
    const { atime, mtime } = await stat(join(folder, "c.json"));
    await writeFile(join(folder, "c.json"), "[2]");
    await utimes(join(folder, "c.json"), atime, mtime);
    const after = await store.tags("runs/r/");
    expect(after.get("runs/r/b/1.json")).toBe(before.get("runs/r/b/1.json"));
    expect(after.get("runs/r/c.json")).not.toBe(before.get("runs/r/c.json"));
  });

  test("is for its owner alone, whatever the umask permits", async () => {
    const folder = await temporaryFolder();
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
    await fileEvidence(folder).create("runs/r/gates/open-1/token.json", "{}", "application/json");
    await fileEvidence(folder).swapLease("db", undefined, { run: "r", execution: "x", since: "" });
    const modes = await Promise.all(
      ["gates", "gates/open-1", "gates/open-1/token.json", "leases", "leases/db.json"].map(async (name) =>
        ((await stat(join(folder, name))).mode & 0o777).toString(8),
      ),
    );
    expect(modes).toEqual(["700", "700", "600", "700", "600"]);
  });

  test("refuses a key that belongs to no run", async () => {
    const store = fileEvidence(await temporaryFolder());
    await expect(store.read("elsewhere/a.json")).rejects.toThrow("no key of a run");
  });
});

describe("a lease in files", () => {
  const holder = { run: "one", execution: "x", since: "2026-01-01T00:00:00Z" };

  test("is swapped only by the reader of its last state", async () => {
    const folder = await temporaryFolder();
    const store = fileEvidence(folder, join(folder, "leases"));
    expect(await store.swapLease("db", undefined, holder)).toBe(true);
    expect(await store.swapLease("db", undefined, { ...holder, run: "two" })).toBe(false);
    const lease = await store.readLease("db");
    expect(lease?.holder).toEqual(holder);
    expect(await store.swapLease("db", lease, null)).toBe(true);
    expect((await store.readLease("db"))?.holder).toBeNull();
    expect(await store.swapLease("db", lease, holder)).toBe(false);
  });
});

describe("of many who take a lease at once", () => {
  test("one has it, and no lock is left", async () => {
    const folder = await temporaryFolder();
    const takers = Array.from({ length: 20 }, (_, n) => ({ run: `${n}`, execution: "x", since: "" }));
    for (let round = 0; round < 3; round++) {
      const before = await fileEvidence(folder).readLease("db");
      const taken = await Promise.all(
        takers.map((holder) => fileEvidence(folder).swapLease("db", before, holder)),
      );
      expect(taken.filter((won) => won)).toHaveLength(1);
      const lease = await fileEvidence(folder).readLease("db");
      expect(lease?.holder?.run).toBe(`${taken.indexOf(true)}`);
      await fileEvidence(folder).swapLease("db", lease, { run: `none ${round}`, execution: "x", since: "" });
    }
    expect(await readdir(join(folder, "leases"))).toEqual(["db.json"]);
  });

  test("none waits forever for one that was killed", async () => {
    const folder = await temporaryFolder();
    const lock = join(folder, "leases", "db.json.lock");
    await mkdir(join(folder, "leases"));
    await writeFile(lock, "");
    await utimes(lock, 1, 1);
    expect(await fileEvidence(folder).swapLease("db", undefined, null)).toBe(true);
  });
});

test("a folder that holds another run's evidence is refused, before anything is started", async () => {
  const out = await temporaryFolder();
  await writeFile(join(out, "request.json"), "{}");
  await expect(
    rehearse({
      plan: TINY_PLAN,
      out,
      rehearse: "before",
      fence: "connect",
      apply: false,
      startedBy: "a test",
    }),
  ).rejects.toThrow(/is not empty/);
});
