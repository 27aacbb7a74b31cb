import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { main } from "../../bin/commands/main.ts";
import { type CompiledPlan, RESTORE } from "../../lambdas/shared/plan.ts";
import type { Tool } from "../../lambdas/shared/tool-rows.ts";
import { loadPlan } from "../../lib/plan/compile.ts";
import { parseSqlFile } from "../../lib/plan/sql-file.ts";
import { onServer } from "../support/native.ts";
import { runPlan, temporaryFolder } from "../support/rehearsal.ts";
import { FakeTerminal } from "../unit/terminal/fake-terminal.ts";
import { Place } from "./place.ts";

/** A real tool, and how it reports its state. Its migration `n` makes the table `made<n>`. */
export interface RealTool {
  tool: Tool;
  /** Writes the migrations 1 to `count` as the tool wants them. */
  write: (at: Place, count: number) => Promise<unknown>;
  /** Applies all that is pending. */
  up: (at: Place) => Promise<unknown>;
  /** Which of the folder's migrations the tool reports as applied; absent: it has no command that reports it. */
  applied?: (at: Place, count: number) => Promise<number[]>;
  /** Rejects where the tool finds that its table and its files differ. */
  validate?: (at: Place) => Promise<unknown>;
  /** Where in its folder the migrations are, and further arguments of `sluice import`. */
  imports?: { from?: string; args?: readonly string[] };
  /** For a tool whose files cannot be imported: the name of a migration, and its row in the tool's table. */
  byHand?: (n: number) => { version: string; row: object };
  /** Columns for when, by which user and how long: the tool itself would write other values each time. */
  differs: readonly string[];
  /** A column that it takes empty, and fills in when it next looks. */
  fills?: string;
  /** It is tried with whole runs, too: similar tools would show the same. */
  wholeRuns?: true;
}

export const up = (n: number) => `CREATE TABLE made${n} (id int);`;
export const down = (n: number) => `DROP TABLE IF EXISTS made${n};`;

/** A plan of the second and the third migration, and its folder: what `sluice import` makes of the tool's. */
async function planOfTwo(real: RealTool, at: Place): Promise<{ plan: CompiledPlan; folder: string }> {
  const folder = join(await temporaryFolder(), "plan");
  if (real.byHand) await writePlan(folder, real.tool, real.byHand);
  else await importPlan(folder, real, at);
  const { plan } = await loadPlan(folder);
  const migrations = plan.migrations.map((migration, place) => ({
    ...migration,
    // Where the tool has no way back, the database gets one here: what is looked at is the tool's table.
    rollback:
      migration.rollback === RESTORE ? parseSqlFile("rollback.sql", down(place + 2)) : migration.rollback,
  }));
  return { plan: { ...plan, migrations }, folder };
}

async function importPlan(folder: string, { tool, imports = {} }: RealTool, at: Place): Promise<void> {
  const { from = "", args = [] } = imports;
  const terminal = new FakeTerminal();
  const options = ["--tool", tool, "--database-url", at.url, "--plan", folder, ...args];
  const code = await main(["import", join(at.folder, from), ...options], terminal);
  if (code !== 0) throw new Error(`sluice import exits with ${code}:\n${terminal.out}\n${terminal.err}`);
}

async function writePlan(folder: string, tool: Tool, byHand: NonNullable<RealTool["byHand"]>): Promise<void> {
  const migrations = [];
  for (const n of [2, 3]) {
    const name = `00${n}_made`;
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, "migrate.sql"), up(n));
    await writeFile(join(folder, name, "rollback.sql"), down(n));
    migrations.push({ folder: name, row: byHand(n).row });
  }
  const schema = { tool, expectedVersion: byHand(1).version };
  await writeFile(join(folder, "plan.yaml"), stringify({ schema, migrations }));
}

/** A run on the database itself, which is left as it ends: how it ends, and why. */
async function run(plan: string, at: Place, noGo: readonly string[] = []): Promise<string> {
  const { end } = await runPlan({ plan, databaseUrl: at.url, apply: true, noGo });
  for (const left of end.leftBehind) {
    const [, snapshot] = /^Database (sluice-\S+) /.exec(left) ?? [];
    if (snapshot !== undefined) await onServer((s) => s.exec(`DROP DATABASE "${snapshot}" WITH (FORCE)`));
  }
  return end.cause;
}

const made = (...numbers: number[]) => numbers.map((n) => `made${n}`);

/** What must hold of every tool whose table a plan names. */
export function agrees(real: RealTool): void {
  const applied = (at: Place, count: number) => real.applied?.(at, count);
  const says = (...numbers: number[]) => (real.applied ? numbers : undefined);

  describe(real.tool, () => {
    test("treats what a run applied as its own work, and continues from there", async () => {
      const at = await Place.make();
      await real.write(at, 1);
      await real.up(at);
      await real.write(at, 3);
      expect(await applied(at, 3)).toEqual(says(1));
      const { plan } = await planOfTwo(real, at);
      const [second = "", third = ""] = plan.migrations.map(({ version }) => version);
      expect(await at.problems(plan)).toEqual([]);
      await at.apply(plan, second, third);
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
      const { plan } = await planOfTwo(real, at);
      const [second = "", third = ""] = plan.migrations.map(({ version }) => version);
      await at.apply(plan, second, third);
      const its = await at.again();
      await real.up(its);
      expect(await at.contents(plan, real.differs)).toEqual(await its.contents(plan, real.differs));
    });

    test("treats what a run rolled back as pending, and applies it itself", async () => {
      const at = await Place.make();
      await real.write(at, 1);
      await real.up(at);
      await real.write(at, 3);
      const { plan } = await planOfTwo(real, at);
      const [second = "", third = ""] = plan.migrations.map(({ version }) => version);
      const before = await at.contents(plan);
      await at.apply(plan, second, third);
      await at.rollBack(plan, third);
      expect(await applied(at, 3)).toEqual(says(1, 2));
      await at.rollBack(plan, second);
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
      const { plan, folder } = await planOfTwo(real, at);
      const before = await at.contents(plan);
      expect(await run(folder, at, ["open"])).toMatch(/^RolledBack/);
      expect(await at.contents(plan)).toEqual(before);
      expect(await applied(at, 3)).toEqual(says(1));
      expect(await run(folder, at)).toMatch(/^Succeeded/);
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
