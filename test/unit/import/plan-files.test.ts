import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { main } from "../../../bin/commands/main.ts";
import { FakeTerminal } from "../terminal/fake-terminal.ts";

const UP = (sql: string, down = "") => `-- migrate:up\n${sql}\n-- migrate:down\n${down}\n`;
const A = UP("CREATE TABLE a (id int);", "DROP TABLE a;");
const B = UP("CREATE TABLE b (id int);", "DROP TABLE b;");
const C = UP("CREATE TABLE c (id int);");

async function folders(files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), "sluice-import-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const [source, plan] = [join(root, "migrations"), join(root, "plan")];
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [path, text] of Object.entries(files)) put(`migrations/${path}`, text);
  const run = async (...args: string[]) => {
    const terminal = new FakeTerminal();
    const code = await main(["import", source, "--plan", plan, ...args], terminal);
    return { code, out: terminal.out, err: terminal.err };
  };
  return {
    put,
    run,
    source,
    plan,
    remove: (path: string) => rmSync(join(root, path)),
    read: (path: string) => readFileSync(join(plan, path), "utf8"),
    made: (folder = ".") => readdirSync(join(plan, folder)).sort(),
  };
}

describe("an import", () => {
  test("makes a folder for each pending migration, and shows how it recognized the tool", async () => {
    const { run, read, made } = await folders({ "1_a.sql": A, "2_b.sql": B, "3_c.sql": C });
    const { code, out, err } = await run("--after", "1");
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out).toContain("belongs to dbmate: 1_a.sql has the marks of dbmate.");
    expect(out).toContain("- 2_b is added: 2: b, with a rollback");
    expect(out).toContain("- 3_c is added: 3: c, with the restore as its way back");
    expect(made()).toEqual(["2_b", "3_c", "baseline", "import.json", "plan.yaml"]);
    expect(read("2_b/rollback.sql")).toContain("DROP TABLE IF EXISTS b;");
    expect(read("plan.yaml")).toContain("rollback: restore");
    expect(read("baseline/001_1_a.sql")).toContain("CREATE TABLE a (id int);");
  });

  test("ignores the line ends that git writes on Windows when it looks for changed files", async () => {
    const { run, read, plan } = await folders({ "1_a.sql": A, "2_b.sql": B });
    await run("--after", "1");
    for (const path of ["2_b/migrate.sql", "2_b/rollback.sql", "plan.yaml", "baseline/001_1_a.sql"])
      writeFileSync(join(plan, path), read(path).replaceAll("\n", "\r\n"));
    const { code, out } = await run("--after", "1");
    expect(code).toBe(0);
    expect(out).not.toContain("changed by hand");
    expect(out).toContain("nothing is new");
  });

  test("with --check writes nothing", async () => {
    const { run, plan } = await folders({ "1_a.sql": A });
    const { code, out } = await run("--check");
    expect(code).toBe(0);
    expect(out).toContain("1_a is added");
    expect(() => readdirSync(plan)).toThrow();
  });

  test("shows what is left to fix in the plan, as text and as JSON", async () => {
    const { run, plan } = await folders({ "1_a.sql": UP("CREATE TEMP TABLE a (id int);", "DROP TABLE a;") });
    const left = expect.stringMatching(/1_a.*temporary/i);
    const { code, out } = await run("--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      tool: "dbmate",
      pending: [{ version: "1", title: "1: a" }],
      plan,
      written: true,
      changes: ["1_a is added: 1: a, with a rollback"],
      left: [left],
    });
    expect((await run()).out).toMatch(
      /\nBefore this plan can be deployed, fix in .*:\n- 1_a.*temporary.*\n\nNext:\n/i,
    );
  });

  test("with --json writes nothing while something is in doubt, and nothing with --check", async () => {
    const { run, put, plan } = await folders({ "1_a.sql": A });
    const checked = await run("--json", "--check");
    expect(checked.code).toBe(0);
    expect(JSON.parse(checked.out)).toMatchObject({
      written: false,
      changes: [expect.stringContaining("1_a is added")],
      left: [],
    });
    put("migrations/1_a.sql", A.replace("-- migrate:down", "-- migrate: down"));
    const { code, out, err } = await run("--json");
    expect(code).toBe(2);
    expect(err).toBe("");
    expect(JSON.parse(out)).toMatchObject({
      written: false,
      changes: [],
      doubts: [{ file: "1_a.sql", line: 3 }],
    });
    expect(() => readdirSync(plan)).toThrow();
  });

  test("writes nothing while something is in doubt, and shows how to decide it", async () => {
    const { run, plan } = await folders({
      "1_a.sql": A,
      "2_b.sql": A.replace("-- migrate:down", "-- migrate: down"),
    });
    const { code, err } = await run();
    expect(code).toBe(2);
    expect(err).toMatch(/^error: 2_b\.sql:3 is no mark for dbmate/);
    expect(err).toContain(
      "Nothing was written. Fix it, or decide for each file: --take FILE treats it as dbmate does, --skip FILE leaves it out.",
    );
    expect(() => readdirSync(plan)).toThrow();
    expect((await run("--take", "2_b.sql")).code).toBe(0);
  });

  test("leaves what comes after --until for another plan, and adds it later", async () => {
    const { run, plan } = await folders({ "1_a.sql": A, "2_b.sql": A, "3_c.sql": A });
    expect((await run("--after", "1", "--until", "1")).err).toContain(
      "--until 1: nothing up to that version is pending",
    );
    expect((await run("--until", "9")).err).toContain("--until 9: no migration has that version");
    expect((await run("--after", "1", "--until", "2")).code).toBe(0);
    expect(readdirSync(plan)).toContain("2_b");
    expect(readdirSync(plan)).not.toContain("3_c");
    expect((await run("--after", "1")).out).toContain("3_c is added");
  });

  test("reports once that a folder is for several databases, not once per file", async () => {
    const { run } = await folders({
      "1_a.postgres.up.sql": "SELECT 1;",
      "1_a.mysql.up.sql": "SELECT 1;",
      "2_b.postgres.up.sql": "SELECT 1;",
      "2_b.mysql.up.sql": "SELECT 1;",
    });
    const { code, err } = await run("--tool", "golang-migrate");
    expect(code).toBe(2);
    expect(err).toMatch(
      /has files named for several databases \(mysql: 1_a\.mysql\.up\.sql, postgres: 1_a\.postgres\.up\.sql\)/,
    );
    expect(err.trim().split("\n")).toHaveLength(1);
  });

  test("lists the tools that a folder may belong to", async () => {
    const { run } = await folders({ "1_a.up.sql": "SELECT 1;", "1_a.down.sql": "SELECT 1;" });
    const { code, err } = await run();
    expect(code).toBe(2);
    expect(err).toMatch(
      /may belong to several tools\. Name the right one: --tool NAME\.\n\s+golang-migrate: .*\n\s+sqlx: .*\n\s+numbered: /,
    );
  });

  test("refuses options without a meaning", async () => {
    const { run } = await folders({ "1_a.sql": A });
    expect((await run("--table", "x")).err).toContain("--table needs --database-url");
    expect((await run("--value", "=x")).err).toContain("--value =x: write NAME=VALUE.");
  });

  test("names migrations that are programs, with what prints their SQL", async () => {
    const { run } = await folders({ "20260128_a.rb": "class A < ActiveRecord::Migration[7.1]\nend" });
    expect(await run()).toMatchObject({
      code: 2,
      err: expect.stringMatching(/migrations of Rails, in Ruby/),
    });
  });
});

describe("an import that is run again", () => {
  test("changes nothing where nothing is new", async () => {
    const { run, read } = await folders({ "1_a.sql": A });
    await run();
    const before = [read("plan.yaml"), read("import.json")];
    const { out } = await run();
    expect(out).toContain("- nothing is new");
    expect([read("plan.yaml"), read("import.json")]).toEqual(before);
  });

  test("adds new migrations, keeps files that people changed, and names them", async () => {
    const { run, put, read } = await folders({ "1_a.sql": A });
    await run();
    put("plan/1_a/rollback.sql", "DROP TABLE IF EXISTS a CASCADE;\n");
    put("plan/plan.yaml", read("plan.yaml").replace("title: Migrations", "# ours\ntitle: Our migrations"));
    put("migrations/2_b.sql", B);
    const { code, out } = await run();
    expect(code).toBe(0);
    expect(out).toContain("- 1_a/rollback.sql was changed by hand, and is kept");
    expect(out).toContain("- plan.yaml was changed by hand: 2_b is added to it, and the rest is kept");
    expect(read("1_a/rollback.sql")).toBe("DROP TABLE IF EXISTS a CASCADE;\n");
    expect(read("plan.yaml")).toMatch(/# ours\ntitle: Our migrations[\s\S]*folder: 1_a[\s\S]*folder: 2_b/);
    // And again: the file that was changed by hand is still recognized.
    expect((await run()).out).toContain("1_a/rollback.sql was changed by hand");
  });

  test("rewrites the migrations of a changed file", async () => {
    const { run, put, read } = await folders({ "1_a.sql": A });
    await run();
    put("migrations/1_a.sql", A.replace("id int", "id bigint"));
    expect((await run()).out).toContain("- 1_a/migrate.sql is written again: its source has changed");
    expect(read("1_a/migrate.sql")).toContain("id bigint");
  });

  test("after an interrupted one writes what is missing", async () => {
    const { run, remove, read } = await folders({ "1_a.sql": A, "2_b.sql": B });
    await run();
    remove("plan/2_b/migrate.sql");
    remove("plan/plan.yaml");
    expect((await run()).out).toContain("2_b/migrate.sql was removed since the import: it is written again");
    expect(read("2_b/migrate.sql")).toContain("CREATE TABLE b");
    expect(read("plan.yaml")).toContain("folder: 2_b");
  });

  test("puts a migration that arrives late in its place", async () => {
    const { run, put, read } = await folders({ "1_a.sql": A, "3_c.sql": C });
    await run();
    put("migrations/2_b.sql", B);
    await run();
    expect(read("plan.yaml")).toMatch(/folder: 1_a[\s\S]*folder: 2_b[\s\S]*folder: 3_c/);
  });

  test("keeps a migration that is now applied, and states so", async () => {
    const { run, put, read } = await folders({ "1_a.sql": A });
    await run();
    put("migrations/2_b.sql", B);
    expect((await run("--after", "1")).out).toContain("- 1_a stays in the plan, though 1 is now applied");
    expect(read("plan.yaml")).toMatch(/folder: 1_a[\s\S]*folder: 2_b/);
  });

  test("removes its own files of a changed baseline, and no file that was changed by hand", async () => {
    const { run, put, read, made } = await folders({ "1_a.sql": A, "2_b.sql": B, "3_c.sql": C });
    await run("--after", "2");
    put("plan/baseline/002_2_b.sql", "-- ours\n");
    const { out } = await run("--after", "none");
    expect(out).toContain("- baseline/002_2_b.sql is no longer made, and is kept");
    expect(out).not.toContain("001_1_a");
    expect(made("baseline")).toEqual(["002_2_b.sql", "999_versions.sql"]);
    expect(read("plan.yaml")).not.toContain("2_b.sql");
  });

  test("lists a grown baseline in a plan.yaml that was changed by hand", async () => {
    const { run, put, read } = await folders({ "1_a.sql": A, "2_b.sql": B });
    await run("--after", "1");
    put("plan/plan.yaml", `# ours\n${read("plan.yaml")}`);
    put("migrations/3_c.sql", C);
    await run("--after", "2");
    expect(read("plan.yaml")).toMatch(/^# ours\n/);
    expect(read("plan.yaml")).toContain("baseline/002_2_b.sql");
  });

  test("refuses a migration between two whose versions leave no number for it", async () => {
    const plan = (...names: string[]) =>
      `%project=shop\n\n${names.map((name) => `${name} 2026-01-28T11:54:14Z Ann <ann@example.org>\n`).join("")}`;
    const { run, put } = await folders({
      "sqitch.plan": plan("a", "c"),
      ...Object.fromEntries(
        ["a", "b", "c"].map((name) => [`deploy/${name}.sql`, `CREATE TABLE ${name} ();`]),
      ),
    });
    expect((await run()).code).toBe(0);
    put("migrations/sqitch.plan", plan("a", "b", "c"));
    expect(await run()).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /b comes before c, which the plan already has as 002_c, .*no number in between/,
      ),
    });
  });

  test("touches no folder that it did not make, and no folder of another tool", async () => {
    const { run, put } = await folders({ "1_a.sql": A });
    put("plan/notes.txt", "mine");
    expect(await run()).toMatchObject({
      code: 2,
      err: expect.stringMatching(/has files that no import made/),
    });
    put(
      "plan/import.json",
      JSON.stringify({ note: "", tool: "goose", from: "x", migrations: [], written: {} }),
    );
    expect(await run()).toMatchObject({
      code: 2,
      err: expect.stringMatching(/has migrations of goose, but these are of dbmate/),
    });
  });
});
