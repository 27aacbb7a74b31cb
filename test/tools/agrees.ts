import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { TOOL_TABLES, type Tool, toolRow } from "../../lambdas/shared/tool-rows.ts";
import { parseSqlFile } from "../../lib/plan/sql-file.ts";
import { onServer } from "../support/native.ts";
import { planOf } from "../support/plans.ts";
import { runPlan, temporaryFolder } from "../support/rehearsal.ts";
import { Place } from "./place.ts";

/** A real tool, and how it says what it thinks. Its migration `n` makes the table `made<n>`. */
export interface RealTool {
  tool: Tool;
  /** Writes the migrations 1 to `count` as the tool wants them. */
  write: (at: Place, count: number) => Promise<unknown>;
  /** Applies all that is pending. */
  up: (at: Place) => Promise<unknown>;
  /** Which of the migrations in the folder the tool says are applied; absent: it has no way to say so. */
  applied?: (at: Place, count: number) => Promise<number[]>;
  /** Rejects where the tool finds that its table and its files differ. */
  validate?: (at: Place) => Promise<unknown>;
  /** What the tool calls a migration. */
  version: (n: number) => string;
  /** What its table is to hold about it. */
  row: (at: Place, n: number) => Promise<object> | object;
  /** Columns that say when, by whom and how long: the tool itself would write others each time. */
  differs: readonly string[];
  /** A column that it takes empty, and fills in when it next looks. */
  fills?: string;
  /** It is tried with whole runs, too: those of its kind would show the same. */
  wholeRuns?: true;
}

export const up = (n: number) => `CREATE TABLE made${n} (id int);`;
export const down = (n: number) => `DROP TABLE IF EXISTS made${n};`;

/** A plan of the second and the third migration. */
async function planOfTwo({ tool, version, row }: RealTool, at: Place): Promise<CompiledPlan> {
  const plan = planOf(2, 2);
  const rows = [await row(at, 2), await row(at, 3)];
  return {
    ...plan,
    schema: { tool, table: TOOL_TABLES[tool], expectedVersion: version(1) },
    migrations: plan.migrations.map((migration, place) => ({
      ...migration,
      migrate: parseSqlFile("migrate.sql", up(place + 2)),
      rollback: parseSqlFile("rollback.sql", down(place + 2)),
      rows: [toolRow.parse({ ...rows[place], tool })],
    })),
  };
}

const made = (...numbers: number[]) => numbers.map((n) => `made${n}`);

/** The same plan as a folder. */
async function folderOfTwo({ tool, version, row }: RealTool, at: Place): Promise<string> {
  const folder = await temporaryFolder();
  const migrations = [];
  for (const n of [2, 3]) {
    const name = `00${n}_made`;
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "migrate.sql"), up(n));
    await writeFile(join(folder, name, "rollback.sql"), down(n));
    migrations.push({ folder: name, row: await row(at, n) });
  }
  const plan = { schema: { tool, expectedVersion: version(1) }, applicationRoles: [], migrations };
  await writeFile(
    join(folder, "plan.yaml"),
    stringify({ ...plan, server: { minimumConnections: 1, minimumFreeGiB: 0 } }),
  );
  return folder;
}

/** A run on the database itself, which is left as it ends. */
async function run(plan: string, at: Place, noGo: readonly string[] = []): Promise<string> {
  const { end } = await runPlan({ plan, databaseUrl: at.url, apply: true, noGo });
  for (const left of end.leftBehind) {
    const [, snapshot] = /^Database (sluice-\S+) /.exec(left) ?? [];
    if (snapshot !== undefined) await onServer((s) => s.exec(`DROP DATABASE "${snapshot}" WITH (FORCE)`));
  }
  return end.end;
}

/** What must hold of every tool whose table a plan names. */
export function agrees(real: RealTool): void {
  const applied = (at: Place, count: number) => real.applied?.(at, count);
  const says = (...numbers: number[]) => (real.applied ? numbers : undefined);

  describe(real.tool, () => {
    test("takes what a run applied for its own doing, and goes on from there", async () => {
      const at = await Place.make();
      await real.write(at, 1);
      await real.up(at);
      await real.write(at, 3);
      expect(await applied(at, 3)).toEqual(says(1));
      const plan = await planOfTwo(real, at);
      expect(await at.problems(plan)).toEqual([]);
      await at.apply(plan, "002", "003");
      expect(await applied(at, 3)).toEqual(says(1, 2, 3));
      await real.validate?.(at);

      const known = [real.fills ?? []].flat();
      const noted = await at.contents(plan, known);
      await real.up(at);
      expect(await at.contents(plan, known)).toEqual(noted);
      expect(await at.tables()).toEqual(made(1, 2, 3));
      await real.validate?.(at);

      await real.write(at, 4);
      expect(await applied(at, 4)).toEqual(says(1, 2, 3));
      await real.up(at);
      expect(await applied(at, 4)).toEqual(says(1, 2, 3, 4));
      expect(await at.tables()).toEqual(made(1, 2, 3, 4));
      await real.validate?.(at);
    });

    test("would have written the same rows itself", async () => {
      const at = await Place.make();
      await real.write(at, 1);
      await real.up(at);
      await real.write(at, 3);
      const plan = await planOfTwo(real, at);
      await at.apply(plan, "002", "003");
      const its = await at.again();
      await real.up(its);
      expect(await at.contents(plan, real.differs)).toEqual(await its.contents(plan, real.differs));
    });

    test("takes what a run rolled back for pending, and applies it itself", async () => {
      const at = await Place.make();
      await real.write(at, 1);
      await real.up(at);
      await real.write(at, 3);
      const plan = await planOfTwo(real, at);
      const before = await at.contents(plan);
      await at.apply(plan, "002", "003");
      await at.rollBack(plan, "003");
      expect(await applied(at, 3)).toEqual(says(1, 2));
      await at.rollBack(plan, "002");
      expect(await applied(at, 3)).toEqual(says(1));
      expect(await at.contents(plan)).toEqual(before);
      expect(await at.tables()).toEqual(made(1));
      await real.up(at);
      expect(await applied(at, 3)).toEqual(says(1, 2, 3));
      expect(await at.tables()).toEqual(made(1, 2, 3));
      await real.validate?.(at);
      // It is applied now, and a plan that would apply it again is refused.
      expect(await at.problems(plan)).toMatchObject([
        { name: "schema version", passed: false },
        { name: "writing versions", passed: false },
      ]);
    });

    if (!real.wholeRuns) return;
    test("agrees after a whole run, and after one that went back", async () => {
      const at = await Place.make();
      await real.write(at, 1);
      await real.up(at);
      await real.write(at, 3);
      const plan = await folderOfTwo(real, at);
      const compiled = await planOfTwo(real, at);
      const before = await at.contents(compiled);
      expect(await run(plan, at, ["open"])).toBe("RolledBack");
      expect(await at.contents(compiled)).toEqual(before);
      expect(await applied(at, 3)).toEqual(says(1));
      expect(await run(plan, at)).toBe("Succeeded");
      expect(await applied(at, 3)).toEqual(says(1, 2, 3));
      await real.validate?.(at);
      await real.write(at, 4);
      await real.up(at);
      expect(await at.tables()).toEqual(made(1, 2, 3, 4));
    });
  });
}

/** The numbers of the migrations that stand in lines of that kind. */
export function numbersIn(text: string, line: RegExp): number[] {
  return text
    .split("\n")
    .flatMap((one) => line.exec(one)?.[1] ?? [])
    .map(Number)
    .sort();
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, place) => place + 1);
