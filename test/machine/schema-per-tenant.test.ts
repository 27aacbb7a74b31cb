import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { runPlan, temporaryFolder } from "../support/rehearsal.ts";

// docs/rollout-local.md, "One schema per tenant", shows this way.

const TENANTS = ["tenant_a", "tenant_b"];

const BASELINE = `CREATE ROLE app LOGIN;
${TENANTS.map(
  (name) => `CREATE SCHEMA ${name};
CREATE TABLE ${name}.orders (id bigint PRIMARY KEY, note text);
INSERT INTO ${name}.orders VALUES (1, '${name}');
GRANT USAGE ON SCHEMA ${name} TO app;
GRANT SELECT, INSERT ON ${name}.orders TO app;`,
).join("\n")}`;

async function planOf(files: Record<string, string>): Promise<string> {
  const folder = join(await temporaryFolder(), "tenants");
  for (const [path, text] of Object.entries({ "baseline.sql": BASELINE, ...files })) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** One folder of migrations for each schema, made from the same two files. */
const files = Object.fromEntries(
  TENANTS.flatMap((schema, i) => {
    const folder = `${String(12 + i).padStart(3, "0")}_${schema}`;
    const path = `SET search_path = ${schema}, public;\n`;
    return [
      [
        `${folder}/migrate.sql`,
        `${path}ALTER TABLE orders ADD COLUMN total int;\nCREATE INDEX orders_total ON orders (total);\n`,
      ],
      [
        `${folder}/validate.sql`,
        `-- sluice: check "orders have a total"
SELECT count(*) = 1 AS passed, '1' AS expected, count(*)::text AS seen
           FROM pg_attribute WHERE attrelid = '${schema}.orders'::regclass AND attname = 'total';\n`,
      ],
      [
        `${folder}/rollback.sql`,
        `${path}DROP INDEX IF EXISTS orders_total;\nALTER TABLE orders DROP COLUMN IF EXISTS total;\n`,
      ],
    ];
  }),
);

test("a folder for each schema migrates all of them in one run with one record, and rolls all of them back", async () => {
  const plan = await planOf(files);
  const { end } = await runPlan({ plan });
  expect(end.end).toBe("Succeeded");
  expect(end.report.migrations.map(({ version }) => version)).toEqual(["012", "013"]);
  const { end: back } = await runPlan({ plan, noGo: ["open"] });
  expect(back.end).toBe("RolledBack");
});
