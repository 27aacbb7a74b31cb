import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readSource, textOf } from "../../../lib/import/source.ts";
import { drafted, folderOf, said, toolsOf } from "../../support/imported.ts";

describe("the tool of a folder", () => {
  test.each([
    [["dbmate"], { "1_a.sql": "-- migrate:up\n" }],
    [["goose"], { "1_a.sql": "-- +goose Up\n" }],
    [["tern"], { "1_a.sql": "SELECT 1;\n---- create above / drop below ----\n" }],
    [["node-pg-migrate"], { "1_a.sql": "-- Up Migration\n" }],
    [["flyway"], { "sub/V1__a.sql": "" }],
    [["sqitch"], { "sqitch.plan": "" }],
    [["prisma"], { "20260128115414_a/migration.sql": "" }],
    [["drizzle"], { "meta/_journal.json": "{}", "0000_a.sql": "" }],
    [["atlas"], { "atlas.sum": "", "1_a.sql": "" }],
    [["graphile-migrate"], { "committed/000001.sql": "--! Previous: -\n" }],
    [["liquibase"], { "a.sql": "\n--liquibase formatted sql\n" }],
    [["alembic"], { "a.sql": "BEGIN;\n-- Running upgrade  -> a\n" }],
    [["alembic"], { "versions/a.py": 'revision = "a"\ndown_revision = None\n' }],
    [["django"], { "0001_initial.py": "class Migration(migrations.Migration):\n" }],
    [["django"], { "shop.0001_initial.sql": "BEGIN;\n--\n-- Create model Order\n--\n" }],
    [["postgrator"], { "1.do.sql": "" }],
    [["yoyo"], { "1_a.sql": "-- depends: 0\n" }],
    [["sqlx"], { "1_a.up.sql": "-- no-transaction\n", "1_a.down.sql": "" }],
    [["numbered"], { "001_a.sql": "" }],
    [["numbered"], { "001 first table.SQL": "" }],
    [["numbered"], { "2026_a/up.sql": "", "2026_a/down.sql": "" }],
    [[], { "schema.sql": "" }],
  ])("is recognized by what only that tool has: %s", (tools, files) => {
    expect(toolsOf(files)).toEqual(tools);
  });

  test("is in doubt if several tools name files alike, and if files belong to several tools", () => {
    expect(toolsOf({ "1_a.up.sql": "", "1_a.down.sql": "" })).toEqual(["golang-migrate", "sqlx", "numbered"]);
    expect(toolsOf({ "1_a.sql": "-- migrate:up\n", "2_b.sql": "-- +goose Up\n" })).toEqual([
      "dbmate",
      "goose",
    ]);
  });
});

describe("a file's bytes", () => {
  const read = (bytes: Buffer) => textOf(folderOf({ "a.sql": bytes }), "a.sql");

  test("must be UTF-8, and the error names the line where they are not", () => {
    expect(() =>
      read(Buffer.concat([Buffer.from("SELECT 'é';\nSELECT '"), Buffer.from([0xe9]), Buffer.from("';")])),
    ).toThrow(/^a\.sql: line 2: the file is not UTF-8/);
    expect(() => read(Buffer.from("\ufeffSELECT 1;", "utf16le"))).toThrow(/the file is UTF-16/);
  });

  test("hold no NUL, since PostgreSQL reads nothing after it", () => {
    expect(() => read(Buffer.from("SELECT 1;\n\n\0DROP"))).toThrow(/^a\.sql: line 3: a NUL byte/);
  });

  test("lose a byte order mark and CR LF, with a note", () => {
    const { text, notes } = read(Buffer.from("\ufeffSELECT 1;\r\nSELECT 2;\r\n"));
    expect(text).toBe("SELECT 1;\nSELECT 2;\n");
    expect(said(notes)).toEqual([
      "a.sql:1 begins with a byte order mark, which the plan leaves out",
      "a.sql has lines that end with CR LF; the plan's end with LF",
    ]);
  });
});

describe("pending", () => {
  const THREE = {
    "01_a.sql": "-- migrate:up\nCREATE TABLE a ();\n-- migrate:down\nDROP TABLE a;",
    "02_b.sql": "-- migrate:up\nCREATE TABLE b ();\n-- migrate:down\nDROP TABLE b;",
    "03_c.sql": "-- migrate:up\nCREATE TABLE c ();\n-- migrate:down\nDROP TABLE c;",
  };

  test.each(["02", "2", "02_b", "02_b.sql"])(
    "means everything after %s, whatever form the name has",
    async (after) => {
      const draft = await drafted("dbmate", THREE, { after });
      expect(draft.migrations.map(({ version }) => version)).toEqual(["03"]);
      expect(draft.schema).toEqual({ tool: "dbmate", expectedVersion: "02" });
      expect(draft.baseline.map(({ name }) => name)).toEqual([
        "001_01_a.sql",
        "002_02_b.sql",
        "999_versions.sql",
      ]);
    },
  );

  test("means everything if nothing is applied", async () => {
    const draft = await drafted("dbmate", THREE);
    expect(draft.migrations).toHaveLength(3);
    expect(draft.schema?.expectedVersion).toBe("none");
  });

  test("requires a version that exists", async () => {
    await expect(drafted("dbmate", THREE, { after: "04" })).rejects.toThrow(
      /^--after 04: no migration has that version\. The last ones are 01 \(01_a\.sql\), 02/,
    );
  });

  test("is refused by a name that several migrations have", async () => {
    const files = {
      "a.sql": "--liquibase formatted sql\n--changeset ann:1\nSELECT 1;\n--changeset bob:1\nSELECT 1;\n",
    };
    await expect(drafted("liquibase", files, { after: "1" })).rejects.toThrow(
      /2 migrations have that name: ann:1/,
    );
  });
});

describe("a doubt", () => {
  const DOUBT = { "1_a.sql": "-- migrate:up\nCREATE TABLE a ();\n  -- migrate:down\nDROP TABLE a;\n" };

  test("is decided by --take: as the tool takes the file", async () => {
    const draft = await drafted("dbmate", DOUBT, { take: ["1_a.sql"] });
    expect(draft.doubts).toEqual([]);
    expect(said(draft.notes)).toContainEqual(
      expect.stringMatching(/is no mark for dbmate.*\(imported unchanged\)/),
    );
    expect(draft.migrations[0]?.files.migrate).toContain("DROP TABLE a;");
  });

  test("is decided by --skip: the file is left out", async () => {
    const draft = await drafted("dbmate", DOUBT, { skip: ["1_a.sql"] });
    expect(draft).toMatchObject({ doubts: [], migrations: [], skipped: ["1_a.sql"] });
  });

  test("left out below a later one warns that the tool then counts it as applied, or never runs it", async () => {
    const files = { "1_a.up.sql": "SELECT 1;", "2_b.up.sql": "SELECT 2;" };
    const draft = await drafted("golang-migrate", files, { skip: ["1_a.up.sql"] });
    expect(said(draft.notes)).toContainEqual(
      expect.stringMatching(
        /^1_a\.up\.sql is left out, but a later one is not\. .*golang-migrate silently never runs it/,
      ),
    );
    expect(said((await drafted("golang-migrate", files, { skip: ["2"] })).notes).join()).not.toContain(
      "is left out",
    );
  });

  test("holds nothing up if the file is applied, but the baseline is incomplete", async () => {
    const draft = await drafted(
      "dbmate",
      { ...DOUBT, "2_b.sql": "-- migrate:up\nSELECT 1;\n-- migrate:down\n" },
      { after: "1" },
    );
    expect(draft.doubts).toEqual([]);
    expect(said(draft.notes)).toContainEqual(
      expect.stringMatching(/^1_a\.sql is applied, and line 3 .*the baseline .*is incomplete/),
    );
  });

  test("that matches nothing is reported for --take, --skip and --value", async () => {
    const draft = await drafted("dbmate", DOUBT, { take: ["x.sql"], values: new Map([["y", "z"]]) });
    expect(draft.unknown).toEqual([
      "x.sql is no pending migration",
      "--value y=...: no file has that placeholder",
    ]);
  });
});

test("a placeholder is replaced only by its given value", async () => {
  const files = {
    "V1__a.sql": `CREATE TABLE \${schema}.a ();
GRANT SELECT ON \${schema}.a TO \${role};`,
  };
  const draft = await drafted("flyway", files, { values: new Map([["schema", "shop"]]) });
  expect(draft.migrations[0]?.files.migrate).toContain("CREATE TABLE shop.a ();");
  expect(said(draft.doubts)).toContainEqual(
    expect.stringMatching(/^V1__a\.sql:2 Flyway replaces \$\{role\}/),
  );
  expect(said(draft.doubts).join()).not.toContain("{schema}");
});

test("the baseline has the roles that the SQL names, and the extensions that only a superuser creates", async () => {
  const draft = await drafted(
    "numbered",
    {
      "1_a.sql":
        "CREATE EXTENSION IF NOT EXISTS vector;\nCREATE EXTENSION IF NOT EXISTS citext;\nCREATE TABLE a ();\nGRANT SELECT ON a TO web, PUBLIC;",
      // Commands that only psql understands hide nothing.
      "1_a.down.sql": "\\set ON_ERROR_STOP on\nREVOKE SELECT ON a FROM desk;\nDROP TABLE a;",
      "2_b.sql": "SELECT 1;",
    },
    { after: "1" },
  );
  expect(draft.extensions).toEqual(["vector"]);
  expect(draft.baseline[0]).toMatchObject({
    name: "000_roles.sql",
    text: expect.stringMatching(/CREATE ROLE "desk"[\s\S]*CREATE ROLE "web"/),
  });
  expect(said(draft.notes)).toContainEqual(
    expect.stringMatching(/creates the extension citext, which the embedded Postgres does not have/),
  );
});

test("a Liquibase changelog finds its files from any working directory", async () => {
  const changes = "--liquibase formatted sql\n--changeset ann:1\nSELECT 1;\n";
  const files = (yaml: string) => ({
    "db.changelog.yaml": yaml,
    "sql/b.sql": changes,
    "sql/a.sql": changes,
    "z.sql": changes,
  });
  const found = async (yaml: string) =>
    (await drafted("liquibase", files(`databaseChangeLog:\n  - ${yaml}\n`))).migrations.flatMap(
      ({ sources }) => sources,
    );
  expect(await found("includeAll: {path: sql, relativeToChangelogFile: true}")).toEqual([
    "sql/a.sql",
    "sql/b.sql",
  ]);
  expect(await found("includeAll: {path: src/migrations/sql/}")).toEqual([]);
  expect(await found("includeAll: {path: migrations/sql/}")).toEqual(["sql/a.sql", "sql/b.sql"]);
  expect(await found("include: {file: resources/migrations/z.sql}")).toEqual(["z.sql"]);
});

test("a broken link is named, and so is a folder that contains itself by a link", () => {
  const root = mkdtempSync(join(tmpdir(), "sluice-links-"));
  try {
    for (const folder of ["real", "lost", "round"]) mkdirSync(join(root, folder));
    writeFileSync(join(root, "real/1_a.sql"), "SELECT 1;");
    symlinkSync(join(root, "real"), join(root, "real-too"));
    symlinkSync("nothing.sql", join(root, "lost/1_a.sql"));
    symlinkSync(".", join(root, "round/self"));
    expect(readSource(join(root, "real-too")).paths).toEqual(["1_a.sql"]);
    expect(() => readSource(join(root, "lost"))).toThrow(/lost\/1_a\.sql is a link to a missing file/);
    expect(() => readSource(join(root, "round"))).toThrow(/round\/self is a link to a folder above it/);
  } finally {
    rmSync(root, { recursive: true });
  }
});
