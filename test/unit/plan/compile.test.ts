import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { restoreOnlyFrom, stepFiles } from "../../../lambdas/shared/plan.ts";
import { compilePlan, loadPlan } from "../../../lib/plan/compile.ts";
import { changedPlan, TINY_PLAN, temporaryFolder } from "../../support/rehearsal.ts";

const restoreOnly = (folder: string) => (text: string) =>
  text.replace(`folder: ${folder},`, `folder: ${folder}, rollback: restore,`);

const yaml = (change: (text: string) => string) => changedPlan({ "plan.yaml": change });

describe("a plan is refused, with file, key and reason,", () => {
  test.each<[string, (text: string) => string, RegExp]>([
    ["for an unknown key", (t) => `${t}\ncolour: blue\n`, /^plan\.yaml: \(top level\): .*colour/],
    [
      "for an unknown key in a nested section",
      (t) => t.replace("minimumVersion: 15", "minimumVersion: 15, maximum: 3"),
      /^plan\.yaml: server: .*maximum/,
    ],
    [
      "for a stand-in that runs tests and has none",
      (t) => t.replace("path: /stop, does: stop", "path: /stop, does: test"),
      /^plan\.yaml: local\.application: has a route that does `test`, and no `tests` to run/,
    ],
    [
      "for an extension that is neither needed nor optional",
      (t) => `${t}extensions: [{ name: vector, optional: false }]\n`,
      /^plan\.yaml: extensions\[0\]\.optional: must be `true`; leave it out/,
    ],
    [
      "for a missing key",
      (t) => t.replace("      title: Notes by author,\n", ""),
      /^plan\.yaml: benchmarks\[0\]\.title: is missing\. It takes text \(line 20\)/,
    ],
    [
      "for a value of another type",
      (t) => t.replace('expectedVersion: "1"', "expectedVersion: 1"),
      /^plan\.yaml: schema\.expectedVersion: /,
    ],
    [
      "for a version that appears twice",
      (t) => t.replace("003_labels", "002_labels"),
      /^plan\.yaml: migrations\[1\]\.folder: version 002 is there twice/,
    ],
    [
      "for versions out of order",
      (t) => t.replace("002_notes", "004_notes"),
      /^plan\.yaml: migrations\[1\]\.folder: 003_labels comes after 004_notes/,
    ],
    [
      "for versions that differ only in case and signs, as their evidence would have one name",
      (t) => t.replace("002_notes", "1.2a_notes").replace("003_labels", "1-2A_labels"),
      /^plan\.yaml: migrations\[1\]\.folder: versions 1\.2a and 1-2A must differ in more than case and punctuation/,
    ],
    [
      "for a version that is a word of the state machine",
      (t) => t.replace("003_labels", "none_labels"),
      /^plan\.yaml: migrations\[1\]\.folder: "none" is reserved by Sluice/,
    ],
    [
      "for a version with a sign too many",
      (t) => t.replace("003_labels", "1..3_labels"),
      /^plan\.yaml: migrations\[1\]\.folder: "1\.\.3" is not a version/,
    ],
    [
      "for an invalid folder",
      (t) => t.replace("003_labels", "labels"),
      /^plan\.yaml: migrations\[1\]\.folder: a folder named like/,
    ],
    [
      "for a path that leaves the folder",
      (t) => t.replace("baseline/by-author.sql", "../elsewhere.sql"),
      /^plan\.yaml: benchmarks\[0\]\.query: must not leave/,
    ],
    [
      "for a benchmark as a role that is not an application's",
      (t) => t.replace("as: notes_app", "as: someone"),
      /^plan\.yaml: benchmarks\[0\]\.as: .*no application role/,
    ],
    [
      "for a benchmark's needs that writes",
      (t) => t.replace("as: notes_app", "as: notes_app, needs: DELETE FROM note RETURNING true"),
      /^plan\.yaml: benchmarks\[0\]\.needs: is not a SELECT that only reads\./,
    ],
    [
      "for a benchmark's needs that ends the transaction it runs in",
      (t) => t.replace("as: notes_app", 'as: notes_app, needs: "COMMIT; SELECT true"'),
      /^plan\.yaml: benchmarks\[0\]\.needs: is 2 statements\./,
    ],
    [
      "for one question after every migration",
      (t) => t.replace("continue after {version}?", "continue?"),
      /^plan\.yaml: gates\.after\.question: "continue\?" would be the question after each migration/,
    ],
    [
      "for two gates with the same question",
      (t) => t.replace('"open?"', '"Begin!"'),
      /^plan\.yaml: gates\.open\.question: "Begin!" reads like gates\.readiness\.question/,
    ],
    [
      "for a gate at an invalid time",
      (t) =>
        t.replace(
          'after: { question: "continue after {version}?"',
          'after: { ask: sometimes, question: "continue after {version}?"',
        ),
      /^plan\.yaml: gates\.after\.ask: .*each.*marked.*none/,
    ],
    [
      "for a word that is no time for gates",
      (t) => t.replace(/ {2}after: .*/, "  after: never"),
      /^plan\.yaml: gates\.after\.ask: .*each.*marked.*none/,
    ],
    [
      "for a marked migration in a plan without gates after migrations",
      (t) =>
        t
          .replace(/ {2}after: .*/, "  after: none")
          .replace("folder: 003_labels,", "folder: 003_labels, gate: true,"),
      /^plan\.yaml: migrations\[1\]\.gate: 003_labels has gate: true, but gates\.after is none/,
    ],
    [
      "for a migration that is left out while a gate opens after each",
      (t) => t.replace("folder: 003_labels,", "folder: 003_labels, gate: false,"),
      /^plan\.yaml: migrations\[1\]\.gate: .*after: marked/,
    ],
    [
      "for an unknown way back",
      (t) => t.replace("folder: 003_labels,", "folder: 003_labels, rollback: none,"),
      /^plan\.yaml: migrations\[1\]\.rollback: must be `restore`, or be left out/,
    ],
    [
      "for leaving something although the way back is the restore",
      (t) =>
        t.replace(
          "folder: 003_labels,",
          "folder: 003_labels, rollback: restore, leaves: [extension hstore],",
        ),
      /^plan\.yaml: migrations\[1\]\.leaves: is for a rollback of its own/,
    ],
    [
      "for leaving nothing",
      (t) => t.replace("folder: 003_labels,", "folder: 003_labels, leaves: [],"),
      /^plan\.yaml: migrations\[1\]\.leaves: name what is left, or leave the key out/,
    ],
    [
      "for leaving an object that nobody can find",
      (t) => t.replace("folder: 003_labels,", "folder: 003_labels, leaves: [archived],"),
      /^plan\.yaml: migrations\[1\]\.leaves: "archived" names nothing.*"enum public\.state: label: archived"/,
    ],
    [
      "for leaving the same object twice, in any words",
      (t) =>
        t.replace(
          "folder: 003_labels,",
          "folder: 003_labels, leaves: [extension hstore, extension hstore added],",
        ),
      /^plan\.yaml: migrations\[1\]\.leaves: "extension hstore" is there twice/,
    ],
    [
      "for a metric of two sources",
      (t) => t.replace("benchmark: notes, target", "benchmark: notes, reads: connections, target"),
      /^plan\.yaml: watch\.metrics\[0\]: needs exactly one of benchmark, reads and query/,
    ],
    [
      "for a metric of a missing benchmark",
      (t) => t.replace("benchmark: notes, target", "benchmark: search, target"),
      /^plan\.yaml: watch\.metrics\[0\]\.benchmark: there is no benchmark search/,
    ],
    [
      "for an invalid threshold",
      (t) => t.replace('alert: ">5000"', 'alert: "slow"'),
      /^plan\.yaml: watch\.metrics\[0\]\.alert: a comparison such as/,
    ],
    [
      "for an alert with an operator that alarms lack",
      (t) => t.replace('alert: ">5000"', 'alert: "=5000"'),
      /^plan\.yaml: watch\.metrics\[0\]\.alert: .*alarms have no =/,
    ],
    [
      "for a metric that appears twice",
      (t) => t.replace("name: connections,", "name: notes-p95,"),
      /^plan\.yaml: watch\.metrics\[1\]\.name: notes-p95 is there twice/,
    ],
    [
      "for a missing query of a metric",
      (t) => t.replace("query: baseline/count.sql", "query: metrics/none.sql"),
      /^metrics\/none\.sql: file: missing/,
    ],
    [
      "for repeated checks of a missing migration",
      (t) => t.replace('migrations: ["003"]', 'migrations: ["004"]'),
      /^plan\.yaml: watch\.verifyAgain\.migrations\[0\]: there is no migration 004/,
    ],
    [
      "for a reminder without a day",
      (t) => t.replace("days: 1, title: Inform", "days: soon, title: Inform"),
      /^plan\.yaml: reminders\[0\]\.days: /,
    ],
    ...["0", "10", "1.5", '"2"'].map((approvals): [string, (text: string) => string, RegExp] => [
      `for ${approvals} approvals`,
      (t) => t.replace('"open?"', `"open?", approvals: ${approvals}`),
      /^plan\.yaml: gates\.open\.approvals: /,
    ]),
    ["for text that is no YAML", (t) => `${t}\n  x: [`, /^plan\.yaml: line \d+: /],
    ["for a key that appears twice", (t) => `${t}\ntitle: again\n`, /^plan\.yaml: line \d+: /],
  ])("%s", async (_what, change, message) => {
    // It may be one of several lines.
    await expect(loadPlan(await yaml(change))).rejects.toThrow(new RegExp(message.source, "m"));
  });

  test.each(["002_notes/migrate.sql", "003_labels/rollback.sql"])("without %s", async (file) => {
    const folder = join(await temporaryFolder(), "tiny");
    await cp(TINY_PLAN, folder, { recursive: true });
    await rm(join(folder, file));
    await expect(loadPlan(folder)).rejects.toThrow(`${file}: file: missing in ${folder}`);
  });

  test.each([
    [
      "is missing",
      undefined,
      /^003_labels\/rollback\.sql: file: missing in .*rollback\.sql that brings .*`rollback: restore`/,
    ],
    [
      "holds only comments",
      "-- nothing\n",
      /^003_labels\/rollback\.sql: file: has no SQL\. .*`rollback: restore`/,
    ],
  ])("whose rollback %s, and both ways back are named", async (_what, text, message) => {
    const folder = await changedPlan({ "003_labels/rollback.sql": () => text ?? "" });
    if (text === undefined) await rm(join(folder, "003_labels/rollback.sql"));
    await expect(loadPlan(folder)).rejects.toThrow(message);
  });

  test("whose way back is the restore, if there is a rollback that would never run", async () => {
    const folder = await changedPlan({ "plan.yaml": restoreOnly("003_labels") });
    await expect(loadPlan(folder)).rejects.toThrow(
      /^003_labels\/rollback\.sql: file: would never run: plan\.yaml has `rollback: restore`/,
    );
  });

  test("if its SQL does not parse and it is to be deployed", async () => {
    const folder = await changedPlan({ "002_notes/rollback.sql": (sql) => `${sql}DROP TABEL x;\n` });
    await expect(compilePlan(folder)).rejects.toThrow(
      /^002_notes\/rollback\.sql: line 3, column \d+: syntax error/,
    );
    expect((await loadPlan(folder)).syntaxProblems).toHaveLength(1);
  });
});

test("a migration may have the restore as its way back, and a rollback may leave something", async () => {
  const folder = await changedPlan({
    "plan.yaml": (text) =>
      restoreOnly("003_labels")(text)
        .replace("folder: 002_notes,", 'folder: 002_notes, leaves: ["extension hstore added"],')
        .concat("acceptNoWayBack: true\n"),
  });
  await rm(join(folder, "003_labels/rollback.sql"));
  const plan = await compilePlan(folder);
  expect(plan.migrations.map(({ rollback }) => typeof rollback)).toEqual(["object", "string"]);
  expect(plan.migrations[0]?.leaves).toEqual(["extension hstore"]);
  expect(plan.acceptNoWayBack).toBe(true);
  expect(restoreOnlyFrom(plan)?.version).toBe("003");
  expect(plan.migrations.map((migration) => stepFiles(migration).length)).toEqual([2, 1]);
  expect((await compilePlan(TINY_PLAN)).acceptNoWayBack).toBeUndefined();
});

test("SQL that does not parse is also found in staging data and in the SQL after the opening", async () => {
  const folder = await changedPlan({
    "plan.yaml": (text) =>
      `${text.replace("sql: ANALYZE note", "sql: ANALYSE TABEL note")}\nstagingData: [baseline/by-author.sql]\n`,
    "baseline/by-author.sql": () => "SELECT 1;\nSELEC 2;\n",
  });
  const { syntaxProblems } = await loadPlan(folder);
  expect(syntaxProblems.map(({ file, where }) => `${file}: ${where}`)).toEqual([
    "baseline/by-author.sql: line 2, column 1",
    expect.stringMatching(/^plan\.yaml: afterOpening\[0\]\.sql: line 1, column \d+$/),
  ]);
});

describe("a plan's checksum", () => {
  test("changes with every file that can reach a deployed database, comments included", async () => {
    const { plan } = await loadPlan(TINY_PLAN);
    for (const file of [
      "plan.yaml",
      "002_notes/migrate.sql",
      "002_notes/validate.sql",
      "003_labels/rollback.sql",
      "baseline/by-author.sql",
    ]) {
      const changed = await loadPlan(
        await changedPlan({
          [file]: (text) => `${text}\n# -- changed\n`.replace("# --", file.endsWith(".yaml") ? "#" : "--"),
        }),
      );
      expect(changed.plan.checksum, file).not.toBe(plan.checksum);
    }
  });

  test("does not depend on the plan's folder, nor on the local baseline's rows", async () => {
    const { plan } = await loadPlan(TINY_PLAN);
    const moved = await changedPlan({ "baseline/schema.sql": (sql) => `${sql}\n-- more\n` });
    expect((await loadPlan(moved)).plan.checksum).toBe(plan.checksum);
  });
});

test("nothing outside sql/ names a migration of the bundled plan", async () => {
  const { execFile } = await import("node:child_process");
  const { promisify } = await import("node:util");
  const { stdout } = await promisify(execFile)("git", ["ls-files", "bin", "lib", "lambdas", "local"]);
  const names = ["agent_profiles", "tenant_id", "hybrid_search", "006_", "007_", "008_", "v2_app"];
  const found: string[] = [];
  for (const file of stdout
    .trim()
    .split("\n")
    .filter((f) => f.endsWith(".ts"))) {
    const code = (await readFile(file, "utf8")).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    for (const name of names) if (code.includes(name)) found.push(`${file}: ${name}`);
  }
  expect(found).toEqual([]);
});

test("a plan without a local section can be deployed", async () => {
  const folder = await changedPlan({ "plan.yaml": (text) => text.slice(0, text.indexOf("\nlocal:")) });
  await writeFile(join(folder, "unrelated.txt"), "");
  expect((await loadPlan(folder)).local).toBeUndefined();
});
