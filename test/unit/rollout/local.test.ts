import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { rolloutExitCode } from "../../../bin/commands/exit-codes.ts";
import { Doc, docName } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import type { Environment } from "../../../lambdas/shared/ports.ts";
import { RolloutDocs } from "../../../lambdas/shared/rollout-documents.ts";
import { databaseOf, databasesIn, embeddedDatabases } from "../../../local/rollout/databases.ts";
import type { DatabaseEnd, RolloutEnd } from "../../../local/rollout/events.ts";
import { evidenceBeside } from "../../../local/rollout/evidence.ts";
import { noteKilled } from "../../../local/rollout/killed.ts";
import { summaryOfRollout } from "../../../local/rollout/lines.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";

async function fileOf(text: string): Promise<string> {
  const file = join(await temporaryFolder(), "tenants.txt");
  await writeFile(file, text);
  return file;
}

describe("a file of databases", () => {
  test("has one on each line, with comments and blank lines", async () => {
    const file = await fileOf(
      "# ours\npostgresql://me@one/a\r\n\n  postgresql://me@one/b?sslmode=require \n",
    );
    expect(await databasesIn(file)).toEqual([
      { label: "a", url: "postgresql://me@one/a" },
      { label: "b", url: "postgresql://me@one/b?sslmode=require" },
    ]);
  });

  test("is refused with the line of each mistake, and never with a password", async () => {
    const file = await fileOf(
      "postgresql://me:secret@one/a\nnonsense secret\npostgresql://me:secret@two/a\n",
    );
    const error = await databasesIn(file).then(
      () => "",
      (refused: Error) => refused.message,
    );
    expect(error).toMatch(/line 2,/);
    expect(error).toMatch(/line 3, names a database a, as line 1 does/);
    expect(error).not.toContain("secret");
    await expect(databasesIn(await fileOf("# none\n"))).rejects.toThrow(/names no database/);
    await expect(databasesIn("/no/such/file")).rejects.toMatchObject({ code: "ENOENT" });
  });
});

test("each database of a rollout is an instance of its own, and copies have names that PostgreSQL accepts", () => {
  const [embedded] = embeddedDatabases(1);
  expect(databaseOf(embedded as never, "r", { apply: false })).toMatchObject({
    instance: "tenant-1",
    database: "postgres",
  });
  const long = { label: "x".repeat(60), url: "postgresql://h/x" };
  expect(databaseOf(long, "r", { apply: true })).toMatchObject({
    instance: long.label,
    database: long.label,
  });
  const { instance } = databaseOf(long, "r", { apply: false });
  expect(instance).toMatch(/^sluice-production-x{30}-[0-9a-f]{8}$/);
  expect(databaseOf(long, "another", { apply: false }).instance).not.toBe(instance);
});

describe("the end of a rollout", () => {
  const endOf = (end: RolloutEnd["end"], ends: readonly DatabaseEnd[]): RolloutEnd => ({
    name: "r",
    end,
    cause: "the cause",
    rows: ends.map((one, i) => ({
      database: `t${i}`,
      wave: 1,
      run: `r-w1-${i}`,
      end: one,
      cause: `${one}: why`,
      downtimeSeconds: null,
      predictedSeconds: null,
    })),
    evidence: "/evidence",
    leftBehind: [],
  });

  test.each([
    ["Succeeded", ["Succeeded"], 0],
    ["Incomplete", ["Succeeded", "RolledBack", "Refused"], 10],
    ["Incomplete", ["Succeeded", "RolledBack", "Restored"], 11],
    ["Incomplete", ["Restored", "NeedsOperator"], 13],
    ["Incomplete", ["Succeeded", "Unknown"], 13],
    ["Incomplete", ["Succeeded", "NotStarted", "Refused"], 14],
    ["Incomplete", ["Refused", "NotStarted"], 12],
    ["Refused", [], 12],
  ] as const)("as %s with %j exits with %i", (end, ends, code) => {
    expect(rolloutExitCode(endOf(end, ends))).toBe(code);
  });

  test("names each database that is not migrated, with its cause, and counts the others", () => {
    const text = summaryOfRollout(endOf("Incomplete", ["Succeeded", "Succeeded", "Refused"])).join("\n");
    expect(text).toMatch(/Succeeded: 2 databases/);
    expect(text).toMatch(/t2 +wave 1 +Refused +why/);
    expect(text).not.toMatch(/t0/);
  });
});

describe("a run whose process was killed", () => {
  async function killed(fenced: boolean): Promise<[Environment, string]> {
    const root = await temporaryFolder();
    await mkdir(join(root, "runs"), { recursive: true });
    const evidence = evidenceBeside(root);
    const rollout = evidenceOf(evidence, "r");
    await rollout.createOnce(docName(RolloutDocs.wave(1)), {});
    await rollout.createOnce(docName(RolloutDocs.begun(1, 0)), { run: "r-w1-00000" });
    const run = evidenceOf(evidence, "r-w1-00000");
    await run.createOnce(docName(Doc.request), { run: run.run, execution: "local:1:gone", database: "app" });
    if (fenced) await run.createOnce(docName(Doc.fence), {});
    const environment = {
      evidence,
      executions: { isRunning: async () => false },
      clock: { now: () => new Date() },
    } as unknown as Environment;
    return [environment, run.run];
  }

  test.each([
    [true, true, "NeedsOperator"],
    [true, false, "Refused"],
    [false, true, "Refused"],
  ])(
    "with the database itself: %s, behind its fence: %s, is noted once as %s",
    async (apply, fenced, end) => {
      const [environment, run] = await killed(fenced);
      expect(await noteKilled(environment, "r", apply)).toHaveLength(1);
      expect(await evidenceOf(environment.evidence, run).require(Doc.outcome)).toMatchObject({
        end,
      });
      expect(await noteKilled(environment, "r", apply)).toEqual([]);
    },
  );
});
