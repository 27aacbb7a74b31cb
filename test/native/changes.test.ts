import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { docName, type ProofDoc } from "../../lambdas/shared/documents.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import { CHANGES_PLAN, CHANGES_WORDS } from "../support/changes-plan.ts";
import { databases, type NativeDatabase, onServer, tinyDatabase } from "../support/native.ts";
import { runPlan, TINY_PLAN, temporaryFolder } from "../support/rehearsal.ts";

let database: NativeDatabase;
beforeEach(async () => {
  database = await tinyDatabase();
});
afterEach(async () => {
  const ours = (await databases()).filter(
    (name) => name.startsWith(database.name) || name.startsWith("sluice-"),
  );
  for (const name of ours) await onServer((s) => s.exec(`DROP DATABASE "${name}" WITH (FORCE)`));
});

const run = (sql: string) => withPgSession({ connectionString: database.url }, (s) => s.exec(sql));

/** What the gate of the rehearsal showed, and how the run ended. */
async function applied(plan: string, { noGo = [] as string[], meanwhile = "" } = {}) {
  let shown: string[] = [];
  const ran = await runPlan({
    plan,
    databaseUrl: database.url,
    apply: true,
    noGo,
    onEvent: async (event) => {
      if (event.type !== "gate" || event.gate.doc.kind !== "rehearsal") return;
      shown = event.gate.summary.flatMap(({ lines }) => lines);
      if (meanwhile) await run(meanwhile);
    },
  });
  return { ...ran, shown };
}

/** The tiny plan's frame around other migrations, all with the same title and a check that always passes. */
async function planOf(migrations: readonly { up: string; down: string }[]): Promise<string> {
  const folder = join(await temporaryFolder(), "plan");
  const put = async (file: string, text: string) => {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  };
  await cp(join(TINY_PLAN, "baseline"), join(folder, "baseline"), { recursive: true });
  const entries: string[] = [];
  for (const [place, { up, down }] of migrations.entries()) {
    const name = `${String(place + 2).padStart(3, "0")}_change`;
    entries.push(`  - { folder: ${name}, title: Change, expectedMinutes: 1 }`);
    await put(`${name}/migrate.sql`, up);
    await put(`${name}/rollback.sql`, down);
    await put(
      `${name}/validate.sql`,
      `-- sluice: check "it is there"\nSELECT true AS passed, 'yes' AS expected, 'yes' AS seen;`,
    );
  }
  const frame = await readFile(join(CHANGES_PLAN, "plan.yaml"), "utf8");
  await put(
    "plan.yaml",
    frame
      .replace(/(?<=migrations:\n)(?: {2}- .*\n)+/, `${entries.join("\n")}\n`)
      .replaceAll("people_app", "notes_app")
      .replaceAll("people_owner", "notes_owner"),
  );
  return folder;
}

test("each kind of migration that changes data succeeds, with what it does in words at the gate", async () => {
  const baseline = await readFile(join(CHANGES_PLAN, "baseline/schema.sql"), "utf8");
  await onServer((s) =>
    s.exec(`DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'people_app') THEN
      CREATE ROLE people_app NOLOGIN; END IF; GRANT people_app TO notes_owner; END $$`),
  );
  await run(`DROP TABLE note, versions CASCADE; ${baseline.replace("CREATE ROLE people_app NOLOGIN;", "")}`);
  const { end, shown, evidence } = await applied(CHANGES_PLAN);
  expect(end).toMatchObject({ end: "Succeeded", cause: expect.stringContaining("all others are unchanged") });
  for (const [version, words] of Object.entries(CHANGES_WORDS))
    expect(shown).toContain(`${version} ${words}`);
  expect((await evidence.require(docName<ProofDoc>("proofs/production-data"))).differences).toEqual([]);
});

test("what several migrations do to one table, and what came since the snapshot, is no difference", async () => {
  await run(`
    CREATE TABLE person (id int PRIMARY KEY, email text);
    INSERT INTO person SELECT n, 'E' || n FROM generate_series(1, 100) n;
    CREATE TABLE kind (id int PRIMARY KEY, name text);
    INSERT INTO kind SELECT n, 'kind ' || n FROM generate_series(1, 100) n;
    CREATE TYPE state AS ENUM ('open', 'closed');
    CREATE TABLE ticket (id int PRIMARY KEY, now_is state, title text);
    INSERT INTO ticket SELECT n, 'open', 'title' FROM generate_series(1, 100) n;
    CREATE TABLE empty_so_far (id int PRIMARY KEY, name text);
    CREATE TABLE counted (id serial PRIMARY KEY, name text);
    INSERT INTO counted (name) SELECT 'c' || n FROM generate_series(1, 100) n;
    CREATE TABLE session (id int PRIMARY KEY, ends timestamptz);
    INSERT INTO session VALUES (1, 'yesterday'), (2, 'tomorrow');
    CREATE TABLE later (id int PRIMARY KEY, legacy text DEFAULT 'x');
    INSERT INTO later SELECT n FROM generate_series(1, 100) n;
    CREATE TABLE going (id int PRIMARY KEY, name text);
    CREATE TABLE worded (id int PRIMARY KEY, word varchar(20), much int);
    INSERT INTO worded SELECT n, 'w' || n, n FROM generate_series(1, 20) n;
    CREATE TABLE happened (id int, on_day date, what text) PARTITION BY RANGE (on_day);
    CREATE TABLE happened_1 PARTITION OF happened FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE TABLE happened_2 PARTITION OF happened FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
    INSERT INTO happened SELECT n, '2026-01-05', 'H' || n FROM generate_series(1, 50) n;
    INSERT INTO going SELECT n, 'g' || n FROM generate_series(1, 100) n;`);
  const plan = await planOf([
    {
      up: "ALTER TABLE person ADD COLUMN slug text; UPDATE person SET slug = 'x' || id;",
      down: "ALTER TABLE person DROP COLUMN IF EXISTS slug;",
    },
    {
      up: "UPDATE person SET email = lower(email) WHERE id <= 10;",
      down: "UPDATE person SET email = upper(email) WHERE id <= 10;",
    },
    {
      up: `-- sluice: step "wider" rewrites\nALTER TABLE kind ALTER COLUMN id TYPE bigint;`,
      down: `-- sluice: step "narrower" rewrites\nALTER TABLE kind ALTER COLUMN id TYPE int;`,
    },
    { up: "INSERT INTO kind VALUES (1000, 'new');", down: "DELETE FROM kind WHERE id = 1000;" },
    {
      up: "ALTER TYPE state RENAME VALUE 'open' TO 'opened';",
      down: `DO $$ BEGIN IF EXISTS (SELECT FROM pg_enum WHERE enumlabel = 'opened') THEN
        ALTER TYPE state RENAME VALUE 'opened' TO 'open'; END IF; END $$;`,
    },
    {
      up: "UPDATE ticket SET title = 'Title' WHERE id <= 10;",
      down: "UPDATE ticket SET title = 'title' WHERE id <= 10;",
    },
    {
      up: "ALTER TABLE empty_so_far ADD COLUMN slug text; UPDATE empty_so_far SET slug = name;",
      down: "ALTER TABLE empty_so_far DROP COLUMN IF EXISTS slug;",
    },
    {
      up: "CREATE TABLE counted_kept AS TABLE counted; TRUNCATE counted RESTART IDENTITY; INSERT INTO counted (name) VALUES ('a'), ('b');",
      down: `DO $$ BEGIN IF to_regclass('counted_kept') IS NOT NULL THEN
        DELETE FROM counted; INSERT INTO counted TABLE counted_kept; PERFORM setval('counted_id_seq', 100);
        DROP TABLE counted_kept; END IF; END $$;`,
    },
    {
      up: `CREATE TABLE session_kept AS SELECT * FROM session WHERE ends < now() - CASE
          WHEN has_database_privilege('notes_app', current_database(), 'CONNECT') THEN interval '0' ELSE interval '-2 days' END;
        DELETE FROM session WHERE id IN (SELECT id FROM session_kept);`,
      down: `DO $$ BEGIN IF to_regclass('session_kept') IS NOT NULL THEN
        INSERT INTO session TABLE session_kept; DROP TABLE session_kept; END IF; END $$;`,
    },
    {
      up: `-- sluice: step "wider" rewrites\nALTER TABLE worded ALTER word TYPE text, ALTER much TYPE bigint; UPDATE worded SET word = 'longer' WHERE id = 3;`,
      down: `-- sluice: step "narrower" rewrites\nUPDATE worded SET word = 'w3' WHERE id = 3; ALTER TABLE worded ALTER word TYPE varchar(20), ALTER much TYPE int;`,
    },
    { up: "UPDATE happened SET what = lower(what);", down: "UPDATE happened SET what = upper(what);" },
    {
      up: "ALTER TABLE later DROP COLUMN legacy;",
      down: "ALTER TABLE later ADD COLUMN IF NOT EXISTS legacy text DEFAULT 'x';",
    },
    {
      up: "CREATE TABLE going_kept AS TABLE going; DROP TABLE going;",
      down: `DO $$ BEGIN IF to_regclass('going_kept') IS NOT NULL THEN
        CREATE TABLE going (id int PRIMARY KEY, name text); INSERT INTO going TABLE going_kept;
        DROP TABLE going_kept; END IF; END $$;`,
    },
  ]);
  const { end, shown, evidence } = await applied(plan, {
    noGo: ["open"],
    meanwhile:
      "INSERT INTO empty_so_far VALUES (1, 'a'), (2, 'b'); INSERT INTO happened VALUES (51, '2026-02-01', 'H51');",
  });
  expect(shown.join("\n")).toContain("009 replaces 100 of 100 rows of counted by 2");
  // Of another type, yet the same values but for those that were written.
  expect(shown.join("\n")).toMatch(
    /changes worded.word in 20 of 20 rows, changes the type of worded.word from .* to text/,
  );
  expect(shown.join("\n")).not.toContain("changes worded.much");
  expect(shown.join("\n")).toContain("sets counted_id_seq back");
  expect((await evidence.require(docName<ProofDoc>("proofs/production-data"))).differences).toEqual([]);
  // A table that the rehearsal did not write to comes back, too, and this is proven.
  expect(end).toMatchObject({ end: "RolledBack", cause: expect.stringContaining("proven back") });
});
