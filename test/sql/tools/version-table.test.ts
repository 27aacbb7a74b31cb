import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inspectVersion } from "../../../lambdas/preflight/inspect-version.ts";
import type { CompiledPlan, SchemaVersion } from "../../../lambdas/shared/plan.ts";
import { NONE, TOOL_TABLES, TOOLS, type Tool, toolRow } from "../../../lambdas/shared/tool-rows.ts";
import { noteOf } from "../../../lambdas/version-table/note.ts";
import { versionTables } from "../../../lambdas/version-table/tables.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { planOf } from "../../support/plans.ts";
import { TOOL_TABLES_MADE, type ToolTable } from "../../support/tool-tables.ts";

const session = useEmbedded();
const EMPTY = `DO $$ DECLARE s text; BEGIN
  FOR s IN SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
  LOOP EXECUTE format('DROP SCHEMA %I CASCADE', s); END LOOP; CREATE SCHEMA public; END $$`;
afterEach(() => session.exec(EMPTY));

function planFor(
  tool: Tool,
  change: Partial<SchemaVersion> = {},
  rows?: object[],
): CompiledPlan & { schema: SchemaVersion } {
  const { expectedVersion, rows: both } = TOOL_TABLES_MADE[tool];
  const plan = planOf((rows ?? both).length);
  return {
    ...plan,
    schema: { tool, table: TOOL_TABLES[tool], expectedVersion, ...change },
    migrations: plan.migrations.map((migration, place) => ({
      ...migration,
      rows: [toolRow.parse({ ...(rows ?? both)[place], tool })],
    })),
  };
}

const versions = (plan: CompiledPlan) => plan.migrations.map(({ version }) => version);

async function apply(plan: CompiledPlan, ...some: string[]): Promise<void> {
  for (const version of some)
    await session.together(["BEGIN", ...(await noteOf(session, plan, version)).apply, "COMMIT"]);
}

async function rollBack(plan: CompiledPlan, ...some: string[]): Promise<void> {
  for (const version of some)
    await session.together(["BEGIN", ...(await noteOf(session, plan, version)).rollBack, "COMMIT"]);
}

/** Every row of every table that the run may write to. */
async function contents(plan: CompiledPlan): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const table of await versionTables(session, plan.schema))
    all[table] = await session.query(`SELECT to_jsonb(t)::text AS row FROM ${table} t ORDER BY 1`);
  return all;
}

const problems = async (plan: CompiledPlan) =>
  (await inspectVersion(session, plan)).filter(({ passed }) => passed !== true);

describe.each(TOOLS.map((tool): [Tool, ToolTable] => [tool, TOOL_TABLES_MADE[tool]]))("%s", (tool, made) => {
  const plan = planFor(tool);
  beforeEach(() => session.exec(`${made.ddl}; ${made.applied}`));

  test("reads the applied version by the tool's own rules, and finds that its rows can be written", async () => {
    const before = await contents(plan);
    expect(await problems(plan)).toEqual([]);
    expect(await contents(plan)).toEqual(before);
  });

  test("writes what the tool would have written, and once", async () => {
    await apply(plan, ...versions(plan), ...versions(plan).slice(1));
    expect(await session.query(made.shown)).toEqual(made.becomes);
  });

  test("a rollback brings every row back, also twice, and also where nothing was noted yet", async () => {
    const [first = "", second = ""] = versions(plan);
    const before = await contents(plan);
    await rollBack(plan, first);
    expect(await contents(plan)).toEqual(before);
    await apply(plan, first);
    const between = await contents(plan);
    expect(between).not.toEqual(before);
    await rollBack(plan, second);
    await apply(plan, second);
    await rollBack(plan, second, second);
    expect(await contents(plan)).toEqual(between);
    await rollBack(plan, first, first);
    expect(await contents(plan)).toEqual(before);
  });

  test("a version other than the expected one is refused and named", async () => {
    const other = planFor(tool, { expectedVersion: "99" });
    expect(await problems(other)).toMatchObject([{ name: "schema version" }]);
    await apply(plan, ...versions(plan).slice(0, 1));
    const [found] = await problems(plan);
    expect(found).toMatchObject({ name: "schema version", passed: false });
    expect(found?.seen).not.toBe(made.expectedVersion);
  });

  test("a table of another shape is refused as not the tool's", async () => {
    await session.exec(`${EMPTY}; CREATE SCHEMA IF NOT EXISTS ${made.ddl.match(/CREATE SCHEMA (\w+)/)?.[1] ?? "public"};
      CREATE TABLE ${TOOL_TABLES[tool]} (stage int)`);
    expect(await problems(plan)).toMatchObject([
      { seen: expect.stringContaining(`it is not a table of ${tool}`) },
    ]);
    await session.exec(`DROP TABLE ${TOOL_TABLES[tool]}`);
    expect(await problems(plan)).toMatchObject([
      { seen: `table ${TOOL_TABLES[tool]} does not exist`, mend: expect.stringContaining(tool) },
    ]);
  });

  test("a role that may not write is found out before anything runs", async () => {
    await session.exec(`CREATE ROLE reader; GRANT USAGE ON SCHEMA public TO reader;
      DO $$ DECLARE s text; BEGIN FOR s IN SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'
        LOOP EXECUTE format('GRANT USAGE ON SCHEMA %I TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA %I TO reader', s, s); END LOOP; END $$;
      SET ROLE reader`);
    const found = await problems(plan);
    await session.exec("RESET ROLE; DROP OWNED BY reader; DROP ROLE reader");
    expect(found).toMatchObject([
      { name: "writing versions", seen: expect.stringContaining("permission denied") },
    ]);
  });
});

describe("a state from which the tool itself would not continue is refused by name:", () => {
  test.each(
    TOOLS.flatMap((tool) => {
      const { unfinished } = TOOL_TABLES_MADE[tool];
      return unfinished ? [[tool, ...unfinished] as const] : [];
    }),
  )("%s", async (tool, sql, named) => {
    const { ddl, applied } = TOOL_TABLES_MADE[tool];
    await session.exec(`${ddl}; ${applied}; ${sql}`);
    const found = await problems(planFor(tool));
    expect(found.find(({ name }) => name === "failed versions")?.seen).toContain(named);
  });
});

describe("a table without a version", () => {
  test.each<[Tool, string, string]>([
    ["dbmate", "", "schema_migrations"],
    ["golang-migrate", "", "schema_migrations"],
    ["tern", "INSERT INTO schema_version VALUES (0)", "schema_version"],
    ["goose", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true)", "goose_db_version"],
    ["postgrator", "INSERT INTO schemaversion (version) VALUES (0)", "schemaversion"],
    ["alembic", "", "alembic_version"],
    ["flyway", "", "flyway_schema_history"],
  ])("of %s is one that a plan can start from", async (tool, sql) => {
    await session.exec(`${TOOL_TABLES_MADE[tool].ddl}; ${sql}`);
    const plan = planFor(
      tool,
      { expectedVersion: NONE },
      tool === "alembic" ? [{ version_num: "a", down_revision: null }] : undefined,
    );
    const before = await contents(plan);
    expect(await problems(plan)).toEqual([]);
    await apply(plan, ...versions(plan));
    await rollBack(plan, ...versions(plan).reverse());
    expect(await contents(plan)).toEqual(before);
  });
});

test("existing rows of the plan are refused, each with its migration", async () => {
  const { ddl, applied } = TOOL_TABLES_MADE.goose;
  await session.exec(
    `${ddl}; ${applied}; INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, true), (2, true)`,
  );
  await session.exec("DELETE FROM goose_db_version WHERE id = 5");
  const plan = planFor("goose");
  expect(await problems(plan)).toMatchObject([
    { name: "writing versions", seen: `${plan.migrations[0]?.version} is already there` },
  ]);
});

test("Alembic's branches: a revision takes the place of what it follows, and a second one stands beside it", async () => {
  await session.exec(`${TOOL_TABLES_MADE.alembic.ddl}; INSERT INTO alembic_version VALUES ('a')`);
  const plan = planFor("alembic", { expectedVersion: "a" }, [
    { version_num: "b", down_revision: "a" },
    { version_num: "c", down_revision: "a" },
    { version_num: "d", down_revision: ["b", "c"] },
  ]);
  const heads = async () =>
    (await session.query<{ h: string }>("SELECT version_num AS h FROM alembic_version ORDER BY 1")).map(
      ({ h }) => h,
    );
  const seen = [];
  for (const version of versions(plan)) {
    await apply(plan, version);
    seen.push(await heads());
  }
  for (const version of versions(plan).reverse()) {
    await rollBack(plan, version);
    seen.push(await heads());
  }
  expect(seen).toEqual([["b"], ["b", "c"], ["d"], ["b", "c"], ["b"], ["a"]]);
});

test("a tool's table under another name, in another schema, in capitals", async () => {
  await session.exec(
    `CREATE SCHEMA "Ops"; CREATE TABLE "Ops"."Migrations" (id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL)`,
  );
  const plan = planFor("node-pg-migrate", { table: '"Ops"."Migrations"', expectedVersion: NONE });
  expect(await problems(plan)).toEqual([]);
  await apply(plan, ...versions(plan));
  expect(await session.query(`SELECT name FROM "Ops"."Migrations" ORDER BY id`)).toEqual([
    { name: "003_c" },
    { name: "004_d" },
  ]);
});

test("a repeatable migration of Flyway's is known by what it last was", async () => {
  const { ddl } = TOOL_TABLES_MADE.flyway;
  const view = (checksum: number) => ({
    version: null,
    description: "views",
    script: "R__views.sql",
    checksum,
  });
  await session.exec(ddl);
  const plan = planFor("flyway", { expectedVersion: NONE }, [view(1), view(2), view(1)]);
  const checksums = async () =>
    (
      await session.query<{ c: number }>(
        "SELECT checksum AS c FROM flyway_schema_history ORDER BY installed_rank",
      )
    ).map(({ c }) => c);
  await apply(plan, ...versions(plan));
  expect(await checksums()).toEqual([1, 2, 1]);
  await rollBack(plan, versions(plan)[2] ?? "", versions(plan)[2] ?? "");
  expect(await checksums()).toEqual([1, 2]);
});
