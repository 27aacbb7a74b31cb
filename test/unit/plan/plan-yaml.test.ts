import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { compilePlan, loadPlan } from "../../../lib/plan/compile.ts";
import { PlanErrors } from "../../../lib/plan/plan-error.ts";
import { planJsonSchema } from "../../../lib/plan/plan-json-schema.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";

/** A plan of migrations in these folders. */
async function planOf(yaml: string | undefined, folders = ["012_Add_orders", "013_labels"]): Promise<string> {
  const plan = join(await temporaryFolder(), "order-labels");
  for (const folder of folders) {
    await mkdir(join(plan, folder), { recursive: true });
    await writeFile(join(plan, folder, "migrate.sql"), "ALTER TABLE t ADD COLUMN c int;\n");
    await writeFile(join(plan, folder, "rollback.sql"), "ALTER TABLE t DROP COLUMN IF EXISTS c;\n");
  }
  if (yaml !== undefined) await writeFile(join(plan, "plan.yaml"), yaml);
  return plan;
}

const mistakesOf = async (folder: string): Promise<string[]> => {
  const error = await loadPlan(folder).then(
    () => new Error("nothing was refused"),
    (refused: unknown) => refused,
  );
  return error instanceof PlanErrors ? error.mistakes.map(({ message }) => message) : [String(error)];
};

describe("a folder of migrations is a plan", () => {
  test.each([
    ["without a plan.yaml", undefined],
    ["with an empty one", ""],
    ["with one of comments", "# nothing to say\n"],
    ["with a key without a value", "protect: []\n"],
  ])("%s", async (_what, yaml) => {
    const plan = await compilePlan(await planOf(yaml));
    expect(plan).toMatchObject({
      name: "order-labels",
      title: "Order labels",
      applicationRoles: [],
      findRoles: true,
      migrations: [
        { version: "012", folder: "012_Add_orders", title: "Add orders", validate: { checks: [] } },
        { version: "013", folder: "013_labels", title: "Labels" },
      ],
    });
    // Each gate asks something else, and only stated things are expected.
    expect(new Set(Object.values(plan.gates).map(({ question }) => question)).size).toBe(6);
    expect(plan.expectedMinutes).toBeUndefined();
    expect(plan.schema).toBeUndefined();
    expect(plan.migrations[0]?.expectedMinutes).toBeUndefined();
  });

  test("in the order of their versions, whatever the sort order of their names", async () => {
    const folders = ["10_c", "9_b", "20261129120000_d", "1_a", "notes", "baseline_old"];
    const folder = await planOf(undefined, folders.slice(0, 4));
    for (const other of folders.slice(4)) await mkdir(join(folder, other));
    expect((await loadPlan(folder)).plan.migrations.map(({ version }) => version)).toEqual([
      "1",
      "9",
      "10",
      "20261129120000",
    ]);
  });

  test("but not if the versions show no order", async () => {
    const folder = await planOf(undefined, ["ae1027a6acf_one", "b3_two"]);
    expect(await mistakesOf(folder)).toEqual([
      expect.stringMatching(/^plan\.yaml: migrations: .*do not show their order: .*List them in order/),
    ]);
    await writeFile(join(folder, "plan.yaml"), "migrations: [b3_two, ae1027a6acf_one]\n");
    expect((await loadPlan(folder)).plan.migrations.map(({ version }) => version)).toEqual([
      "b3",
      "ae1027a6acf",
    ]);
  });

  test("and is the same under . as under its name", async () => {
    const folder = await planOf(undefined);
    const before = process.cwd();
    process.chdir(folder);
    try {
      expect((await loadPlan(".")).plan).toEqual((await loadPlan(folder)).plan);
    } finally {
      process.chdir(before);
    }
  });

  test("whose baseline.sql is where local rehearsals start", async () => {
    const folder = await planOf(undefined);
    expect((await loadPlan(folder)).local).toBeUndefined();
    await writeFile(join(folder, "baseline.sql"), "CREATE TABLE t ();\n");
    expect((await loadPlan(folder)).local).toMatchObject({ baseline: [{ path: "baseline.sql" }] });
  });

  test("that fences no role states so", async () => {
    expect((await loadPlan(await planOf("applicationRoles: []\n"))).plan.findRoles).toBeUndefined();
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ["an empty folder", {}, /^plan\.yaml: file: missing in .*named like 012_orders/],
    ["another tool's files", { "V1__a.sql": "SELECT 1;" }, /It has V1__a\.sql: `sluice import`/],
    [
      "a folder above one",
      { "db/001_a/migrate.sql": "SELECT 1;" },
      /missing in .*The folder of a plan is .*\/db$/,
    ],
    ["plan.yml", { "plan.yml": "title: x" }, /^plan\.yml: file: not read: .*Rename it/],
  ])("%s is none", async (_what, files, message) => {
    const folder = await temporaryFolder();
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    expect(await mistakesOf(folder)).toEqual([expect.stringMatching(message)]);
  });

  test("and reports each folder that it leaves out", async () => {
    const folder = await planOf(undefined, ["001_a", "002 b", "c"]);
    await mkdir(join(folder, "003_up"));
    await writeFile(join(folder, "003_up/up.sql"), "SELECT 1;");
    expect(await mistakesOf(folder)).toEqual([
      expect.stringMatching(/^002 b\/migrate\.sql: file: not read: its folder is not named like 012_orders/),
      expect.stringMatching(/^c\/migrate\.sql: file: not read/),
      expect.stringMatching(/^003_up\/migrate\.sql: file: missing in .*has up\.sql/),
      expect.stringMatching(/^003_up\/rollback\.sql: file: missing in/),
    ]);
  });
});

describe("all mistakes are reported together, each with its line, in words", () => {
  test("in plan.yaml", async () => {
    const yaml = [
      "titel: Orders",
      "schema: { table: versions, expectedVersion: 007 }",
      "minimumVersion: 15",
      "applicationRoles: app",
      "protect:",
      "server: { minimumFreeGib: 5, minimumVersion: '15' }",
      "rollbackSloMinutes: 0",
      "contents: { t: al, u: ful }",
      "migrations:",
      "  - folder: 012_Add_orders",
      "    expectedMinuts: 3",
      "  - title: Labels",
      "  - 14",
      "gates:",
      "  open: { question: 'a question that is much longer than the sixty characters that fit a link' }",
      "reminders: [{ title: '', days: soon }]",
      "",
    ].join("\n");
    expect(await mistakesOf(await planOf(yaml))).toEqual([
      'plan.yaml: (top level): unknown key "titel". Did you mean title? (line 1)',
      'plan.yaml: schema.expectedVersion: takes text, and YAML does not read 007 as text. Put it in quotes: "007" (line 2)',
      'plan.yaml: (top level): unknown key "minimumVersion". It belongs under server or extensions (line 3)',
      "plan.yaml: applicationRoles: takes a list: [app] (line 4)",
      "plan.yaml: protect: has no value. It takes a list; or remove the key (line 5)",
      "plan.yaml: server.minimumVersion: takes a number: 15, without quotes (line 6)",
      'plan.yaml: server: unknown key "minimumFreeGib". Did you mean minimumFreeGiB? (line 6)',
      "plan.yaml: rollbackSloMinutes: must be more than 0 (line 7)",
      "plan.yaml: contents.t: must be one of full, sample, count, grows, none (line 8)",
      "plan.yaml: contents.u: must be one of full, sample, count, grows, none. Did you mean full? (line 8)",
      'plan.yaml: migrations[0]: unknown key "expectedMinuts". Did you mean expectedMinutes? (line 11)',
      "plan.yaml: migrations[1].folder: is missing. It takes text (line 12)",
      "plan.yaml: migrations[2]: takes keys of its own, not 14 (line 13)",
      "plan.yaml: gates.open.question: may have at most 60 characters (line 15)",
      "plan.yaml: reminders[0].title: must not be empty (line 16)",
      "plan.yaml: reminders[0].days: takes a number, not soon (line 16)",
    ]);
  });

  test("a key for several schemas is refused with the way to migrate them", async () => {
    expect(await mistakesOf(await planOf("schemas: [tenant_a, tenant_b]\n"))).toEqual([
      expect.stringMatching(
        /unknown key "schemas": .*a migration folder of its own.*docs\/rollout-local\.md.*\(line 1\)$/,
      ),
    ]);
  });

  test("in plan.yaml, in folders and in SQL together", async () => {
    const folder = await planOf(
      "migrations:\n  - 012_add_orders\n  - 013_labels\nbenchmarks:\n  - { name: b, title: B, query: b.sql, sloMs: 5 }\n",
    );
    await writeFile(
      join(folder, "013_labels/migrate.sql"),
      "SELEC 1;\nVACUUM;\nPREPARE p AS SELECT 1;\nSELECT FROM FROM;\n",
    );
    expect(await mistakesOf(folder)).toEqual([
      expect.stringMatching(
        /^plan\.yaml: migrations\[0\]\.folder: there is no folder 012_add_orders in .*\. Did you mean 012_Add_orders\? The plan has 012_Add_orders, 013_labels\. \(line 2\)$/,
      ),
      expect.stringMatching(/^013_labels\/migrate\.sql: line 1, column 1: syntax error/),
      expect.stringMatching(/^013_labels\/migrate\.sql: line 3: this would last for the session/),
      expect.stringMatching(/^013_labels\/migrate\.sql: line 4, column 13: syntax error/),
      expect.stringMatching(/^b\.sql: file: missing in /),
    ]);
  });

  test("in the SQL also if plan.yaml cannot be read", async () => {
    const folder = await planOf("title: [\n");
    await writeFile(join(folder, "013_labels/rollback.sql"), "-- nothing\n");
    expect(await mistakesOf(folder)).toEqual([
      expect.stringMatching(/^plan\.yaml: line \d: /),
      expect.stringMatching(/^013_labels\/rollback\.sql: file: has no SQL/),
    ]);
  });

  test("except for a rollback that plan.yaml might declare unnecessary", async () => {
    const folder = await planOf(
      "titel: Orders\nmigrations:\n  - { folder: 013_labels, rollback: restore }\n",
    );
    await rm(join(folder, "013_labels/rollback.sql"));
    expect(await mistakesOf(folder)).toEqual([expect.stringContaining('unknown key "titel"')]);
  });

  test("and a missing file's message names the files that exist", async () => {
    const folder = await planOf(undefined);
    await mkdir(join(folder, "014_up"));
    await writeFile(join(folder, "014_up/up.sql"), "SELECT 1;");
    await writeFile(join(folder, "plan.yaml"), "migrations: [014_up]\n");
    expect(await mistakesOf(folder)).toEqual([
      expect.stringMatching(/^014_up\/migrate\.sql: file: missing in .*Its folder has up\.sql/),
      expect.stringMatching(/^014_up\/rollback\.sql: file: missing in /),
    ]);
  });
});

describe("YAML's own traps give one clear line", () => {
  test.each([
    [
      "anchors and aliases",
      "title: &t Orders\ncontents:\n  <<: *t\n",
      /^plan\.yaml: line 1: anchors and aliases are not allowed \(&t, \*t\)/,
    ],
    ["a second document", "title: a\n---\ntitle: b\n", /^plan\.yaml: line 2: a second document begins here/],
    ["a key twice", "title: a\nprotect: []\ntitle: b\n", /^plan\.yaml: line 3: this key is there twice/],
    [
      "a tab",
      "gates:\n\topen: { question: a }\n",
      /^plan\.yaml: line 2: a tab, where YAML takes only spaces/,
    ],
    ["a tag", "title: !ruby/object x\n", /^plan\.yaml: line 1: .*plain text, numbers/],
    [
      "a colon in a value",
      "title: Orders: labels\n",
      /^plan\.yaml: line 1: a colon .*Put the value in quotes$/,
    ],
    [
      "an unquoted sign",
      "title: @home\n",
      /^plan\.yaml: line 1: .*character that has a meaning in YAML\. Put the value in quotes/,
    ],
    [
      "a comparison",
      "watch:\n  metrics:\n    - { name: a, alert: >5 }\n",
      /^plan\.yaml: line 3: .*Put the value in quotes/,
    ],
    [
      "a comparison on a line",
      "watch:\n  alert: >5000\n",
      /^plan\.yaml: line 2: .*begins with > or \|.*Put the value in quotes/,
    ],
    ["a star", "title: *\n", /^plan\.yaml: line 1: .*Put the value in quotes/],
    ["a quote that is not closed", 'title: "x\nprotect: []\n', /^plan\.yaml: line \d: a quote is not closed/],
    ["a list", "- a\n- b\n", /^plan\.yaml: \(top level\): takes keys of its own, not a list$/],
    ["text", "orders\n", /^plan\.yaml: \(top level\): takes keys of its own, not orders$/],
  ])("%s", async (_what, yaml, message) => {
    expect(await mistakesOf(await planOf(yaml))).toEqual([expect.stringMatching(message)]);
  });
});

test("the schema in docs is plan.yaml's: write it again with `npx vitest run --project unit plan/plan-yaml --update`", async () => {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "plan.yaml of a Sluice plan",
    ...planJsonSchema(),
  };
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot("../../../docs/plan.schema.json");
});
