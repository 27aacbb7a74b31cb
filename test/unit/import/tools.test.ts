import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Tool } from "../../../lib/import/imported.ts";
import { byVersion, checksumOf } from "../../../lib/import/tools/flyway.ts";
import { bare, drafted, type Files, said } from "../../support/imported.ts";

const sha = (kind: string, text: string) => createHash(kind).update(text).digest("hex");

interface Case {
  /** Versions of the migrations, in order. */
  makes?: string[];
  /** The first migration's steps up, and down; null: the way back is the restore. */
  up?: string;
  down?: string | null;
  row?: object;
  /** Each is found in one of the lines. */
  notes?: RegExp[];
  never?: RegExp[];
  doubts?: RegExp[];
}

const CASES: readonly [tool: Tool, rule: string, files: Files, expected: Case][] = [
  [
    "dbmate",
    "splits a file at its marks, and reads a version's digits as text",
    {
      "001_a.sql": "-- migrate:up\nCREATE TABLE a ();\n\n--\tmigrate:down\nDROP TABLE IF EXISTS a;\n",
      "01_b.sql": "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 1;",
    },
    {
      makes: ["001", "01"],
      up: "CREATE TABLE a ();",
      down: "DROP TABLE IF EXISTS a;",
      row: { version: "001" },
    },
  ],
  [
    "dbmate",
    "runs the part after an indented or capital mark as up",
    { "1_a.sql": "-- migrate:up\nCREATE TABLE a ();\n  -- migrate:down\nDROP TABLE a;" },
    { doubts: [/^1_a\.sql:3 is no mark for dbmate.*belongs to the part above/] },
  ],
  [
    "dbmate",
    "takes a mark in a body for a mark",
    { "1_a.sql": "-- migrate:up\nDO $$\n-- migrate:down\nBEGIN END $$;\n" },
    { doubts: [/:3 is inside a string, a body or a comment/, /parser refuses it/] },
  ],
  [
    "dbmate",
    "reads only the option transaction:false, and lists the others that it ignores",
    {
      "1_a.sql":
        "-- migrate:up transaction:FALSE\nCREATE TABLE a ();\n-- migrate:down\nDROP TABLE IF EXISTS a;",
    },
    {
      notes: [
        /1_a\.sql:1 does not have transaction:false in this exact spelling.*in a transaction, and so does the plan/,
      ],
    },
  ],
  [
    "dbmate",
    "refuses two up marks, and SQL before the first",
    { "1_a.sql": "SELECT 1;\n-- migrate:up\nSELECT 1;\n-- migrate:up\nSELECT 1;\n-- migrate:down\n" },
    { doubts: [/has SQL before/, /:4 is the second mark of its kind/] },
  ],
  [
    "dbmate",
    "without a transaction sends one message, so that several statements are one",
    {
      "1_a.sql": "-- migrate:up transaction:false\nCREATE TABLE a ();\nCREATE TABLE b ();\n-- migrate:down\n",
    },
    {
      up: "CREATE TABLE a ();\nCREATE TABLE b ();",
      down: null,
      notes: [/has only the restore as its way back \(rollback: restore\): 1_a\.sql has an empty down part/],
    },
  ],
  [
    "node-pg-migrate",
    "reads its marks in any case and spacing",
    {
      "1700000000000_a.sql":
        "--up  MIGRATION\nCREATE TABLE a ();\n  --- Down Migration\nDROP TABLE IF EXISTS a;",
    },
    {
      makes: ["1700000000000_a"],
      up: "CREATE TABLE a ();",
      down: "DROP TABLE IF EXISTS a;",
      row: { name: "1700000000000_a" },
    },
  ],
  [
    "node-pg-migrate",
    "runs the whole file as up under other marks",
    { "1_a.sql": "-- Up\nCREATE TABLE a ();\n-- Down\nDROP TABLE a;" },
    { doubts: [/1_a\.sql:3 is no mark for node-pg-migrate \(-- Down\), which also runs what follows as up/] },
  ],
  [
    "node-pg-migrate",
    "runs the down part as up without an up mark",
    { "1_a.sql": "CREATE TABLE a ();\n-- Down Migration\nDROP TABLE a;" },
    { doubts: [/:2 has -- Down Migration but no -- Up Migration: .*including the down part/] },
  ],
  [
    "node-pg-migrate",
    "reads two files as two migrations, and names a README that makes the folder fail",
    { "1_a.up.sql": "CREATE TABLE a ();", "1_a.down.sql": "DROP TABLE a;", "README.md": "" },
    {
      doubts: [/1_a\.down\.sql is its own migration/, /1_a\.up\.sql is its own migration/],
      notes: [/README\.md has no number in front/],
    },
  ],
  [
    "node-pg-migrate",
    "counts 14 digits as a number, which comes after 13, and 17 as a timestamp",
    {
      "20260128115414_c.sql": "SELECT 1;",
      "1700000000000_b.sql": "SELECT 1;",
      "20200101000000000_a.sql": "SELECT 1;",
    },
    { makes: ["20200101000000000_a", "1700000000000_b", "20260128115414_c"] },
  ],
  [
    "golang-migrate",
    "runs any file with up or down in its name, whatever its ending, and lists those that it ignores",
    {
      "2_b.up.sql.bak": "CREATE TABLE b ();",
      "01_a.up.sql": "CREATE TABLE a ();",
      "01_a.down.sql": "DROP TABLE a;",
      "3_c.sql": "SELECT 1;",
    },
    {
      makes: ["1", "2"],
      up: "CREATE TABLE a ();",
      down: "DROP TABLE IF EXISTS a;",
      row: { version: "1" },
      notes: [
        /2_b\.up\.sql\.bak is a migration for golang-migrate, despite/,
        /3_c\.sql is not imported: golang-migrate ignores it silently/,
      ],
    },
  ],
  [
    "golang-migrate",
    "has no way back without a down file, and reports nothing about it",
    { "1_a.up.sql": "CREATE TABLE a ();" },
    { down: null, notes: [/`migrate down` would silently lower the version and leave the objects/] },
  ],
  [
    "golang-migrate",
    "reads 1 and 01 as one version",
    { "1_a.up.sql": "SELECT 1;", "01_b.up.sql": "SELECT 1;" },
    { doubts: [/1_a\.up\.sql has the version 1, and so has 01_b\.up\.sql/] },
  ],
  [
    "goose",
    "splits a file at its annotations, in any case, and leaves StatementBegin out",
    {
      "00001_a.sql":
        "-- +goose up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\nSELECT 1;\n$$;\n-- +goose StatementEnd\n-- +goose Down\nDROP FUNCTION f();\n",
    },
    {
      makes: ["1"],
      up: "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\nSELECT 1;\n$$;",
      down: "DROP FUNCTION IF EXISTS f();",
      row: { version_id: "1" },
    },
  ],
  [
    "goose",
    "has a down part from its template that undoes nothing",
    { "1_a.sql": "-- +goose Up\nCREATE TABLE a ();\n-- +goose Down\nSELECT 'down SQL query';\n" },
    { down: null, notes: [/the down part of 1_a\.sql only selects a text, and undoes nothing/] },
  ],
  [
    "goose",
    "splits a body without StatementBegin",
    {
      "1_a.sql":
        "-- +goose Up\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\nSELECT 1;\n$$;\n-- +goose Down\n",
    },
    { doubts: [/1_a\.sql:3 ends with a semicolon inside a string or a body: goose splits/] },
  ],
  [
    "goose",
    "fails while a file without a version is in the folder",
    { "3.sql": "-- +goose Up\n", "0_z.sql": "-- +goose Up\n", "1_a.sql": "-- +goose Up\nSELECT 1;\n" },
    { doubts: [/0_z\.sql .*every goose command fails/, /3\.sql .*every goose command fails/] },
  ],
  [
    "goose",
    "splits without a transaction, in both directions, and runs Go by itself",
    {
      "1_a.sql":
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (id int);\nCREATE INDEX CONCURRENTLY i ON a (id);\n-- +goose Down\nDROP TABLE a;\n",
      "2_b.go": "package x",
    },
    {
      doubts: [/2_b\.go cannot be imported: goose runs it as Go/],
      up: '-- sluice: step "1: CREATE TABLE a (id int)"\nCREATE TABLE a (id int);\n-- sluice: step "2: CREATE INDEX CONCURRENTLY i ON a (id)" outside transaction\nCREATE INDEX CONCURRENTLY i ON a (id);',
    },
  ],
  [
    "goose",
    "ignores an annotation with text after it",
    { "1_a.sql": "-- +goose Up;\nSELECT 1;\n" },
    {
      doubts: [
        /:1 is an annotation that goose does not know: -- \+goose Up;/,
        /has no line `-- \+goose Up`/,
        /is SQL before/,
      ],
    },
  ],
  [
    "tern",
    "splits a file at its separator",
    { "001_a.sql": "CREATE TABLE a ();\n---- create above / drop below ----\nDROP TABLE a;\n" },
    { makes: ["1"], up: "CREATE TABLE a ();", down: "DROP TABLE IF EXISTS a;", row: { version: "1" } },
  ],
  [
    "tern",
    "runs both parts as up under another separator",
    { "001_a.sql": "CREATE TABLE a ();\n--- Create above / drop below ---\nDROP TABLE a;\n" },
    { doubts: [/001_a\.sql:2 is no separator for tern .*runs both parts as up/] },
  ],
  [
    "tern",
    "accepts no gap, and no timestamps",
    { "001_a.sql": "SELECT 1;", "20260128115414_b.sql": "SELECT 1;" },
    { doubts: [/migration 2 is missing before it: tern refuses the folder.*stamps are too large/] },
  ],
  [
    "tern",
    "runs only the marked part without a transaction, and fills templates",
    {
      "001_a.sql":
        "---- tern: disable-tx ----\nCREATE INDEX CONCURRENTLY i ON {{.table}} (id);\n---- create above / drop below ----\nDROP TABLE a;\n",
    },
    {
      doubts: [
        /001_a\.sql:2 tern replaces the template \{\{\.table\}\} by a value that is not in the folder. Give it: --value table=/,
      ],
    },
  ],
  [
    "sqlx",
    "mixes up-only files with pairs, and identifies a file by the hash of its bytes",
    { "1_a_b.sql": "CREATE TABLE a ();\r\n", "2_c.up.sql": "SELECT 1;", "2_c.down.sql": "SELECT 1;" },
    {
      makes: ["1", "2"],
      down: null,
      row: { version: "1", description: "a b", checksum: sha("sha384", "CREATE TABLE a ();\r\n") },
      notes: [/1_a_b\.sql has lines that end with CR LF/],
    },
  ],
  [
    "sqlx",
    "looks for its mark only at the first byte",
    { "1_a.sql": "\n-- no-transaction\nCREATE TABLE a ();" },
    { notes: [/its first bytes are not `-- no-transaction`: sqlx runs it in a transaction/] },
  ],
  [
    "flyway",
    "reads versions as numbers, and lists the files that it ignores or runs by itself",
    {
      "V5.sql": "CREATE TABLE five ();",
      "V1_10__b.sql": "SELECT 1;",
      "V1.9__a b.SQL": "SELECT 1;",
      "v1__a.sql": "SELECT 1;",
      "V2_a.sql": "SELECT 1;",
      "R__views.sql": "SELECT 1;",
      "afterMigrate.sql": "SELECT 1;",
    },
    {
      makes: ["1.9", "1.10", "5"],
      down: null,
      row: { version: "1.9", description: "a b", script: "V1.9__a b.SQL", checksum: checksumOf("SELECT 1;") },
      notes: [
        /v1__a\.sql is not imported: Flyway ignores it silently/,
        /V2_a\.sql is not imported/,
        /R__views\.sql is repeatable/,
        /afterMigrate\.sql is a callback/,
      ],
    },
  ],
  [
    "flyway",
    "names placeholders, in comments too",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Flyway's placeholder
    { "V1__a.sql": "-- for ${tenant}\nCREATE TABLE a ();" },
    {
      doubts: [
        /V1__a\.sql:1 Flyway replaces \$\{tenant\} by a value that is not in the folder\. Give it: --value tenant=/,
      ],
    },
  ],
  [
    "flyway",
    "runs its baseline instead of earlier migrations, on an empty database",
    {
      "V1__a.sql": "SELECT 1;",
      "V3__c.sql": "SELECT 3;",
      "B3__base.sql": "CREATE TABLE base ();",
      "V4__d.sql": "SELECT 4;",
    },
    { makes: ["B3", "4"], up: "CREATE TABLE base ();" },
  ],
  [
    "flyway",
    "runs no U file in its open edition, which is still a way back",
    { "V1__a.sql": "CREATE TABLE a ();", "U1__a.sql": "DROP TABLE a;" },
    {
      down: "DROP TABLE IF EXISTS a;",
      notes: [/U1__a\.sql becomes the way back of V1__a\.sql\. Only the paid editions/],
    },
  ],
  [
    "flyway",
    "leaves what was done before a failure if its .conf turns the transaction off",
    {
      "V1__a.sql": "CREATE TABLE a (id int);\nCREATE INDEX CONCURRENTLY i ON a (id);",
      "V1__a.sql.conf": "executeInTransaction = false\n",
    },
    {
      notes: [/leaves the first one applied and writes no row/],
      up: '-- sluice: step "1: CREATE TABLE a (id int)"\nCREATE TABLE a (id int);\n-- sluice: step "2: CREATE INDEX CONCURRENTLY i ON a (id)" outside transaction\nCREATE INDEX CONCURRENTLY i ON a (id);',
    },
  ],
  [
    "flyway",
    "uses no transaction for a statement that cannot run in one, and fails if both are mixed",
    {
      "V1__a.sql": "CREATE INDEX CONCURRENTLY i ON a (id);",
      "V2__b.sql": "CREATE TABLE b (id int);\nCREATE INDEX CONCURRENTLY j ON b (id);",
    },
    {
      notes: [
        /V2__b\.sql:2 CREATE INDEX CONCURRENTLY cannot run in the transaction in which Flyway runs this/,
      ],
      never: [/V1__a\.sql:1 CREATE INDEX CONCURRENTLY cannot run/],
    },
  ],
  [
    "liquibase",
    "identifies a changeset by author, id and file, and joins its rollback lines",
    {
      "c.sql":
        "--liquibase formatted sql\n--changeset ann:1\nCREATE TABLE a (id int);\n--rollback DROP TABLE\n--rollback   a;\n--changeset ann:2 runInTransaction:false\nCREATE INDEX CONCURRENTLY i ON a (id);\n--rollback empty\n",
    },
    {
      makes: ["ann:1", "ann:2"],
      up: "CREATE TABLE a (id int);",
      down: "DROP TABLE\n  IF EXISTS a;",
      row: { id: "1", author: "ann", filename: "c.sql" },
      notes: [/has --rollback empty, with which Liquibase changes nothing/],
    },
  ],
  [
    "liquibase",
    "follows the changelog's order, and prints the changes that are no SQL",
    {
      "db.changelog-master.xml":
        '<databaseChangeLog><include file="b.sql"/><changeSet id="x" author="bob"><createTable/></changeSet><include file="a.sql"/></databaseChangeLog>',
      "a.sql": "--liquibase formatted sql\n--changeset ann:1\nSELECT 1;\n",
      "b.sql":
        "--liquibase formatted sql\n--changeset ann:1\nSELECT 2;\n--changeset bob:2 dbms:mysql\nSELECT 3;\n",
    },
    {
      makes: ["b.sql::1::ann", "a.sql::1::ann"],
      up: "SELECT 2;",
      doubts: [/cannot be imported: its changeset is not SQL\. `liquibase update-sql`/],
      notes: [/b\.sql:4 is only for mysql/],
    },
  ],
  [
    "liquibase",
    "runs a plain file that its changelog lists as one changeset",
    {
      "log.yaml": "databaseChangeLog:\n  - include: {file: sql/1_first.sql}\n",
      "sql/1_first.sql": "CREATE TABLE a ();\nCREATE TABLE b ();",
    },
    {
      makes: ["includeAll:raw"],
      up: "CREATE TABLE a ();\nCREATE TABLE b ();",
      down: null,
      row: { id: "raw", author: "includeAll", filename: "sql/1_first.sql" },
      notes: [/^sql\/1_first\.sql is plain SQL: Liquibase runs it as one changeset/],
    },
  ],
  [
    "liquibase",
    "leaves out its delimiters GO and /, and replaces another by a semicolon",
    {
      "c.sql":
        "--liquibase formatted sql\n--changeset ann:1 endDelimiter:@@\nSELECT 1@@\nSELECT 2@@\n--changeset ann:2\nSELECT 1\nGO\nSELECT 2;\n",
    },
    { up: "SELECT 1;\nSELECT 2;", notes: [/c\.sql:7 is a delimiter of Liquibase/] },
  ],
  [
    "liquibase",
    "splits a body at its semicolons unless the changeset forbids it",
    {
      "c.sql":
        "--liquibase formatted sql\n--changeset ann:1\nDO $$ BEGIN IF true THEN NULL; END IF; END $$;\n--changeset ann:2 splitStatements:false\nDO $$ BEGIN IF true THEN NULL; END IF; END $$;\n",
    },
    { notes: [/c\.sql:2 has a body with semicolons/], never: [/c\.sql:4 has a body/] },
  ],
  [
    "liquibase",
    "queries the database before a changeset with preconditions",
    { "c.sql": "--liquibase formatted sql\n--changeset ann:1\n--preconditions onFail:MARK_RAN\nSELECT 1;\n" },
    { doubts: [/c\.sql:3 makes the changeset depend on the database's contents/] },
  ],
  [
    "sqitch",
    "takes changes from its plan, with BEGIN and COMMIT of their own, and its verify scripts as checks",
    {
      "sqitch.plan":
        "%syntax-version=1.0.0\n%project=shop\n\na 2026-01-28T11:54:14Z Ann <ann@example.org> # first\n",
      "deploy/a.sql": "-- Deploy\nBEGIN;\nCREATE TABLE a ();\nCOMMIT;\n",
      "revert/a.sql": "BEGIN;\nDROP TABLE a;\nCOMMIT;\n",
      "verify/a.sql": "BEGIN;\nSELECT id FROM a WHERE FALSE;\nROLLBACK;\n",
    },
    {
      makes: ["a"],
      up: "-- Deploy\nCREATE TABLE a ();",
      down: "DROP TABLE IF EXISTS a;",
      notes: [/BEGIN and COMMIT are left out/],
    },
  ],
  [
    "sqitch",
    "runs psql, whose commands and variables are not run here",
    {
      "sqitch.plan": "%project=p\na 2026-01-28T11:54:14Z A <a@b>\n",
      "deploy/a.sql": "\\set ON_ERROR_STOP 1\n\\i other.sql\nSELECT :'name', 'x:y', now()::text;\n",
    },
    {
      doubts: [
        /deploy\/a\.sql:2 psql's own commands do not work here: \\i other/,
        /deploy\/a\.sql:3 PostgreSQL's parser refuses it.*If it is a variable of psql/,
      ],
      notes: [/deploy\/a\.sql:1 is a command of psql, which the plan leaves out/],
    },
  ],
  [
    "prisma",
    "identifies a folder by its name and its file by its hash",
    {
      "migration_lock.toml": 'provider = "postgresql"',
      "20260128115414_a/migration.sql": "CREATE TABLE a ();",
      "20260128115414_a/down.sql": "DROP TABLE a;",
    },
    {
      makes: ["20260128115414_a"],
      down: "DROP TABLE IF EXISTS a;",
      row: { migration_name: "20260128115414_a", checksum: sha("sha256", "CREATE TABLE a ();") },
      notes: [/Prisma itself never runs it/],
    },
  ],
  [
    "prisma",
    "is not for another database",
    { "migration_lock.toml": 'provider = "mysql"', "1_a/migration.sql": "SELECT 1;" },
    { doubts: [/migration_lock\.toml names the provider mysql, not PostgreSQL/] },
  ],
  [
    "drizzle",
    "follows its journal, and always skips a migration that was merged late",
    {
      "meta/_journal.json": JSON.stringify({
        dialect: "postgresql",
        entries: [
          { idx: 0, when: 10, tag: "0000_a" },
          { idx: 1, when: 30, tag: "0001_b" },
          { idx: 2, when: 20, tag: "0002_c" },
        ],
      }),
      "0000_a.sql": "CREATE TABLE a ();\n--> statement-breakpoint\nCREATE TABLE b ();",
      "0001_b.sql": "SELECT 1;",
      "0002_c.sql": "SELECT 1;",
      "0003_d.sql": "SELECT 1;",
    },
    {
      makes: ["0000_a", "0001_b", "0002_c"],
      up: "CREATE TABLE a ();\nCREATE TABLE b ();",
      down: null,
      row: {
        hash: sha("sha256", "CREATE TABLE a ();\n--> statement-breakpoint\nCREATE TABLE b ();"),
        created_at: "10",
      },
      doubts: [/0002_c\.sql is older in the journal than 0001_b.*skips this one forever/],
      notes: [/0003_d\.sql is not imported: Drizzle ignores it silently/],
    },
  ],
  [
    "graphile-migrate",
    "refuses a file whose predecessor is not the one before it",
    {
      "committed/000001.sql": `--! Previous: sha1:x\n--! Hash: sha1:${sha("sha1", "SELECT 1;\n")}\n\nSELECT 1;\n`,
    },
    { doubts: [/^committed\/000001\.sql:1 does not follow the file before it/] },
  ],
  [
    "graphile-migrate",
    "seals each file with the hash of the one before it",
    {
      // The tool itself wrote it, from a public repository's migration.
      "committed/000001.sql": `--! Previous: -\n--! Hash: sha1:${sha("sha1", "select 1;\n")}\n\nselect 1;\n`,
      "current.sql": "select 2;",
    },
    {
      makes: ["000001"],
      up: "select 1;",
      row: { filename: "000001.sql", hash: `sha1:${sha("sha1", "select 1;\n")}`, previous_hash: null },
      notes: [/current\.sql is not committed/],
    },
  ],
  [
    "graphile-migrate",
    "refuses a file that was changed after it was committed",
    {
      "committed/000001.sql":
        "--! Previous: -\n--! Hash: sha1:945ca4dc7582db640b09f81ef1b35ddb0439d30a\n\nselect 1;\n",
    },
    { doubts: [/does not match its --! Hash/] },
  ],
  [
    "graphile-migrate",
    "names its placeholders, and no cast",
    {
      "committed/000001.sql": `--! Previous: -\n--! Hash: sha1:${sha("sha1", "grant connect on database :DATABASE_NAME to x; select 1::TEXT;\n")}\n\ngrant connect on database :DATABASE_NAME to x; select 1::TEXT;\n`,
    },
    { doubts: [/replaces :DATABASE_NAME by a value/] },
  ],
  [
    "atlas",
    "reads its transaction mode only above a blank line",
    {
      "1_a.sql": "-- atlas:txmode none\nCREATE TABLE a (id int);",
      "2_b.sql": "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY i ON a (id);",
    },
    { makes: ["1", "2"], down: null, notes: [/1_a\.sql:1 counts for Atlas only if a blank line follows/] },
  ],
  [
    "atlas",
    "refuses a file that was changed after it was sealed",
    { "1_a.sql": "CREATE TABLE a (id int);", "atlas.sum": "h1:x\n1_a.sql h1:x\n" },
    { doubts: [/^1_a\.sql does not match atlas\.sum: .*Atlas refuses the folder/] },
  ],
  [
    "alembic",
    "takes the output of --sql, one revision each, without Alembic's own table",
    {
      "up.sql":
        "BEGIN;\n\nCREATE TABLE alembic_version (\n    version_num VARCHAR(32) NOT NULL\n);\n\n-- Running upgrade  -> a1\n\nCREATE TABLE a (id int);\n\nINSERT INTO alembic_version (version_num) VALUES ('a1') RETURNING alembic_version.version_num;\n\n-- Running upgrade a1 -> b2\n\nCOMMIT;\n\nCREATE INDEX CONCURRENTLY i ON a (id);\n\nBEGIN;\n\nUPDATE alembic_version SET version_num='b2' WHERE alembic_version.version_num = 'a1';\n\nCOMMIT;\n",
      "down.sql":
        "BEGIN;\n\n-- Running downgrade a1 -> \n\nDROP TABLE a;\n\nDELETE FROM alembic_version WHERE alembic_version.version_num = 'a1';\n\nCOMMIT;\n",
    },
    {
      makes: ["a1", "b2"],
      up: "CREATE TABLE a (id int);",
      down: "DROP TABLE IF EXISTS a;",
      row: { version_num: "a1", down_revision: null },
      notes: [/no file has the downgrade of b2: alembic downgrade b2:a1 --sql/],
    },
  ],
  [
    "alembic",
    "is in the order of its revisions, whatever the printed files are called",
    {
      "a.sql": "-- Running upgrade a1 -> b2\nSELECT 2;\n",
      "b.sql": "-- Running upgrade  -> a1\nCREATE TABLE a ();\n",
    },
    { makes: ["a1", "b2"], up: "CREATE TABLE a ();" },
  ],
  [
    "alembic",
    "cannot be read as Python, and names the command that prints it",
    {
      "versions/b_x.py": '"""second"""\nrevision: str = "b2"\ndown_revision: Union[str, None] = "a1"\n',
      "versions/a_x.py": '"""first"""\nrevision = "a1"\ndown_revision = None\n',
    },
    {
      doubts: [
        /a_x\.py cannot be imported: it is Python.*alembic upgrade base:a1 --sql/,
        /b_x\.py cannot be imported.*alembic upgrade a1:b2 --sql/,
      ],
    },
  ],
  [
    "django",
    "loses steps that are written in Python, without a message",
    {
      "shop.0001_initial.sql":
        "BEGIN;\n--\n-- Raw Python operation\n--\n-- THIS OPERATION CANNOT BE WRITTEN AS SQL\nCOMMIT;\n",
      "shop.0001_initial.backwards.sql": "BEGIN;\nDROP TABLE a;\nCOMMIT;\n",
    },
    {
      doubts: [/shop\.0001_initial\.sql:3 has an operation in Python \(RunPython\)/],
      row: { app: "shop", name: "0001_initial" },
      notes: [/may do less than Django does backwards/],
    },
  ],
  [
    "django",
    "identifies several apps by their names, whose order must be given",
    { "a.0001_x.sql": "SELECT 1;", "b.0001_x.sql": "SELECT 1;" },
    { doubts: [/belong to several apps \(a, b\), and their names do not show the order/] },
  ],
  [
    "postgrator",
    "skips a missing undo file",
    { "001.do.a.sql": "CREATE TABLE a ();", "1.undo.a.sql": "DROP TABLE a;", "002.do.b.sql": "SELECT 1;" },
    {
      makes: ["1", "2"],
      down: "DROP TABLE IF EXISTS a;",
      row: { version: "1", name: "a", md5: sha("md5", "CREATE TABLE a ();") },
      notes: [/002\.do\.b\.sql.*postgrator would skip it and leave its row/],
    },
  ],
  [
    "yoyo",
    "puts dependencies first",
    {
      "0002_b.sql": "-- depends: 0003_a\nSELECT 2;",
      "0003_a.sql": "CREATE TABLE a ();",
      "0003_a.rollback.sql": "DROP TABLE a;",
      "0004_c.py": "steps = []",
    },
    {
      makes: ["0003_a", "0002_b"],
      down: "DROP TABLE IF EXISTS a;",
      row: { migration_id: "0003_a" },
      doubts: [/0004_c\.py cannot be imported: it is Python/],
    },
  ],
  [
    "yoyo",
    "refuses circular dependencies, and missing ones",
    { "1_a.sql": "-- depends: 2_b\nSELECT 1;", "2_b.sql": "-- depends: 1_a 3_c\nSELECT 1;" },
    {
      doubts: [
        /^2_b\.sql depends on itself through 1_a, 2_b/,
        /^2_b\.sql depends on 3_c, which does not exist/,
      ],
    },
  ],
  [
    "numbered",
    "is one part if SQL stands above its first mark",
    { "1_a.sql": "CREATE TABLE a ();\n-- up\nSELECT 1;\n-- down\nDROP TABLE a;" },
    { doubts: [/^1_a\.sql:4 -- down looks like the mark of a way back/] },
  ],
  [
    "numbered",
    "reads the directions from names and folders",
    {
      "1_a.up.sql": "CREATE TABLE a ();",
      "1_a.down.sql": "DROP TABLE a;",
      "2026-01-28-115414_b/up.sql": "SELECT 1;",
      "2026-01-28-115414_b/down.sql": "SELECT 1;",
      "down/10.sql": "SELECT 1;",
      "up/10.sql": "SELECT 1;",
      "notes.sql": "",
    },
    {
      makes: ["1", "10", "2026-01-28-115414"],
      up: "CREATE TABLE a ();",
      down: "DROP TABLE IF EXISTS a;",
      notes: [/notes\.sql is not imported: it has no number/],
    },
  ],
  [
    "numbered",
    "splits a file with one mark for each direction, from any tool",
    {
      "1_a.sql": "-- +migrate Up\nCREATE TABLE a ();\n\n-- +migrate Down\nDROP TABLE a;\n",
      "2_b.sql": "-- !Ups\nDO $$ BEGIN\n-- down\nNULL; END $$;\n-- !Downs\nDO $$ BEGIN NULL; END $$;\n",
    },
    {
      makes: ["1", "2"],
      up: "-- +migrate Up\nCREATE TABLE a ();",
      down: "-- +migrate Down\nDROP TABLE IF EXISTS a;",
      notes: [
        /^1_a\.sql is read in two parts: the up part below -- \+migrate Up, and the way back below -- \+migrate Down \(line 4\)/,
        /^2_b\.sql is read in two parts: .*-- !Downs \(line 5\)/,
      ],
    },
  ],
  [
    "numbered",
    "reads the number of a file within its release, and no number of a plain name",
    {
      "00.05.00_02_drop_b.sql": "SELECT 1;",
      "00.05.00_01_drop_a.sql": "SELECT 1;",
      "00.10.00_01_c.sql": "SELECT 1;",
      "11_2_phase_commit.sql": "SELECT 1;",
    },
    { makes: ["00.05.00_01", "00.05.00_02", "00.10.00_01", "11"] },
  ],
  [
    "numbered",
    "splits a file of MyBatis at its mark",
    { "20260128_a.sql": "-- // a\nCREATE TABLE a ();\n-- //@UNDO\nDROP TABLE a;\n" },
    { up: "-- // a\nCREATE TABLE a ();", down: "-- //@UNDO\nDROP TABLE IF EXISTS a;" },
  ],
  [
    "numbered",
    "reads a timestamp to its end, blanks after a number, and endings in capitals",
    {
      "2026-01-29T11:54:14_b.sql": "SELECT 1;",
      "2026-01-29T09:00_a.sql": "SELECT 1;",
      "001 first table.SQL": "SELECT 1;",
    },
    { makes: ["001", "2026-01-29T09:00", "2026-01-29T11:54:14"] },
  ],
  [
    "numbered",
    "never runs the part below a down mark as up",
    {
      "1_a.sql": "CREATE TABLE a ();\n--- DOWN\nDROP TABLE a;\n",
      "2_b.sql": "CREATE TABLE b ();\n-- down\n-- DROP TABLE b;\n",
    },
    { doubts: [/^1_a\.sql:2 --- DOWN looks like the mark of a way back/] },
  ],
  [
    "flyway",
    "is in doubt if a mark of another tool begins a way back",
    { "V1__a.sql": "-- migrate:up\nCREATE TABLE a ();\n-- migrate:down\nDROP TABLE a;" },
    {
      doubts: [/^V1__a\.sql:3 -- migrate:down looks like the mark of a way back, which Flyway does not know/],
    },
  ],
  [
    "sqlx",
    "is in doubt if the way back is no SQL",
    { "1_a.up.sql": "CREATE TABLE a ();", "1_a.down.sql": "DROP INDEX IF EXIST a_i;" },
    {
      down: null,
      doubts: [
        /^1_a\.down\.sql:1 PostgreSQL's parser refuses it: .*"EXIST"\. Imported unchanged, its way back is the restore/,
      ],
    },
  ],
  [
    "numbered",
    "names placeholders that somebody replaces before it is SQL",
    { "1_a.sql": "CREATE TABLE :APP_SCHEMA.a (at timestamptz DEFAULT '2026-01-01 10:00:00Z'::TIMESTAMPTZ);" },
    { doubts: [/^1_a\.sql:1 .*replaces :APP_SCHEMA by .* --value APP_SCHEMA=\.\.\./] },
  ],
];

describe("the folder of another tool is read as that tool reads it:", () => {
  test.each(CASES)("%s %s", async (tool, _, files, expected) => {
    const draft = await drafted(tool, files);
    const [first] = draft.migrations;
    if (expected.makes) expect(draft.migrations.map(({ version }) => version)).toEqual(expected.makes);
    if (expected.up !== undefined) expect(bare(first?.files.migrate)).toBe(expected.up);
    if (expected.down === null) expect(first?.noWayBack).toBeDefined();
    else if (expected.down !== undefined) expect(bare(first?.files.rollback)).toBe(expected.down);
    if (expected.row) expect(first?.row).toEqual(expected.row);
    for (const found of expected.notes ?? [])
      expect(said(draft.notes)).toContainEqual(expect.stringMatching(found));
    for (const found of expected.never ?? [])
      expect(said(draft.notes)).not.toContainEqual(expect.stringMatching(found));
    // An unexpected doubt would keep a sound folder out.
    const doubts = said(draft.doubts);
    for (const found of expected.doubts ?? []) expect(doubts).toContainEqual(expect.stringMatching(found));
    expect(doubts.filter((one) => !(expected.doubts ?? []).some((found) => found.test(one)))).toEqual([]);
  });
});

describe("Flyway", () => {
  test("compares versions part by part", () => {
    expect(["1.10", "1.9", "2", "1"].sort(byVersion)).toEqual(["1", "1.9", "1.10", "2"]);
    expect(byVersion("1.0", "1")).toBe(0);
  });

  test("computes a file's checksum by lines, whatever their line ends", () => {
    expect(checksumOf("\uFEFFSELECT 1;\r\nSELECT 2;\r\n")).toBe(checksumOf("SELECT 1;\nSELECT 2;"));
    expect(checksumOf("SELECT 1;\nSELECT 2;")).not.toBe(checksumOf("SELECT 1; \nSELECT 2;"));
  });
});
