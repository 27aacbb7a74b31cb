import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import { BIN_VARIABLE } from "../../local/copies/programs.ts";
import { newPlan } from "../../local/new-plan.ts";
import { onServer, urlOf } from "../support/native.ts";
import { nativePrograms } from "../support/programs.ts";
import { runPlan, temporaryFolder } from "../support/rehearsal.ts";

const name = `sluice_new_${randomBytes(4).toString("hex")}`;
const [owner, app, group] = [`${name}_owner`, `${name}_App`, `${name}_group`];

let programs: Awaited<ReturnType<typeof nativePrograms>>;
beforeAll(async () => {
  programs = await nativePrograms();
  if (programs) process.env[BIN_VARIABLE] = programs.bin;
  await onServer(async (session) => {
    for (const [role, how] of [
      [owner, "LOGIN"],
      [app, "LOGIN"],
      [group, ""],
    ])
      await session.exec(`CREATE ROLE "${role}" ${how}`);
    await session.exec(`GRANT "${group}" TO "${app}"`);
    await session.exec(`CREATE DATABASE ${name} OWNER "${owner}"`);
  });
  await withPgSession({ connectionString: urlOf(name) }, (session) =>
    session.exec(`
      CREATE EXTENSION pgcrypto;
      SET ROLE "${owner}";
      CREATE SCHEMA shop;
      CREATE TYPE shop.state AS ENUM ('new', 'paid');
      CREATE TABLE shop.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state shop.state DEFAULT 'new',
        note text DEFAULT 'grün \u{1f680}', code bytea DEFAULT public.digest('x', 'sha256'));
      INSERT INTO shop.orders (note) VALUES ('secret');
      CREATE FUNCTION shop.two() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;
      CREATE FUNCTION shop.text() RETURNS text LANGUAGE plpgsql AS $f$ BEGIN RETURN E'x;
\\\\q is no command
-- sluice: step "none"'; END $f$;
      CREATE MATERIALIZED VIEW shop.counted AS SELECT count(*) FROM shop.orders;
      ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
      CREATE POLICY mine ON shop.orders TO "${group}" USING (true);
      GRANT USAGE ON SCHEMA shop TO "${group}"; GRANT SELECT, INSERT ON shop.orders TO "${group}";
      ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO "${group}";
      COMMENT ON TABLE shop.orders IS 'it''s -- sluice: step "x"';`),
  );
});
afterAll(async () => {
  await onServer(async (session) => {
    await session.exec(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    for (const role of [app, group, owner]) await session.exec(`DROP ROLE IF EXISTS "${role}"`);
  });
  delete process.env[BIN_VARIABLE];
  await programs?.remove();
});

test("a database's schema becomes a plan's baseline, without its rows, and goes through a whole run", async () => {
  const folder = join(await temporaryFolder(), "order-labels");
  const said = (await newPlan(folder, urlOf(name))).join("\n");
  expect(said).toContain(`The baseline is the schema of postgres@`);
  expect(said).toContain(`Application roles, as found there: ${app}.`);
  expect(said).not.toContain("does not take");
  const baseline = await readFile(join(folder, "baseline.sql"), "utf8");
  expect(baseline).toContain(`GRANT ${group} TO "${app}";`);
  expect(baseline).not.toContain("secret");
  const { end } = await runPlan({ plan: folder });
  expect(end.end).toBe("Succeeded");
  expect(end.report.preflight?.checks.find(({ name }) => name === `application role ${app}`)?.passed).toBe(
    true,
  );
});

test("a schema that the embedded PostgreSQL does not take is said so, and the plan is there all the same", async () => {
  await withPgSession({ connectionString: urlOf(name) }, (session) =>
    session.exec(
      "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION e()",
    ),
  );
  const folder = join(await temporaryFolder(), "later");
  const said = (await newPlan(folder, urlOf(name))).join("\n");
  expect(said).toMatch(
    /baseline\.sql: the embedded PostgreSQL refused the baseline: permission denied to create event trigger/,
  );
  expect(await readFile(join(folder, "plan.yaml"), "utf8")).toContain('title: "Later"');
});

test("nothing is written where the database cannot be reached", async () => {
  const folder = join(await temporaryFolder(), "none");
  await expect(newPlan(folder, urlOf("no_such_database_18"))).rejects.toThrow(/no_such_database_18/);
  await expect(readFile(join(folder, "plan.yaml"))).rejects.toThrow("ENOENT");
});
