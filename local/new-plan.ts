import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { isPostgresError, messageOf } from "../lambdas/shared/errors.ts";
import { neededExtensions } from "../lambdas/shared/plan.ts";
import { PACKAGE_FOLDER } from "../lib/package.ts";
import { BASELINE, loadPlan } from "../lib/plan/compile.ts";
import { inWords } from "../lib/plan/folder-name.ts";
import { LOCAL_OWNER } from "../lib/plan/schema.ts";
import { portable } from "../lib/portable.ts";
import { EmbeddedInstance } from "./embedded-instance.ts";
import { UsageError } from "./events.ts";
import { addressIn } from "./server/address.ts";

/** For editors, which show the meaning of keys and complete them. */
const SCHEMA = join(PACKAGE_FOLDER, "docs/plan.schema.json");

const MIGRATE = `-- The migration. A file without marks is one step, which is one transaction.
-- docs/plan-format.md shows how to split a file into several steps.
CREATE TABLE first_example (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
`;
const ROLLBACK = `-- Brings back the state from before. It must also work after half of the migration, and twice in a row.
DROP TABLE IF EXISTS first_example;
`;

/**
 * Makes the folder of a plan that can be rehearsed at once.
 * @param fromDatabase URL of the database with the schema that rehearsals start from
 * @returns what was made and what to do next, in lines
 * @throws UsageError if something is there already, or the database's schema cannot be read
 */
export async function newPlan(dir: string, fromDatabase: string | undefined): Promise<string[]> {
  const folder = resolve(dir);
  const name = basename(folder);
  if (name === "")
    throw new UsageError(`${dir} is no folder for a plan. Give it a name, such as order-labels.`);
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error.code === "ENOTDIR" ? new UsageError(`${dir} is a file. Give another name.`) : error;
  });
  if (there.length > 0)
    throw new UsageError(
      `${dir} already has ${there.slice(0, 3).join(", ")}. Give another name. Nothing was written.`,
    );
  const taken =
    fromDatabase === undefined
      ? undefined
      : await (await import("./schema-of.ts")).schemaOf(addressIn(fromDatabase, "--from-database"));
  const files = {
    "plan.yaml": planYaml(folder, name, taken),
    ...(taken ? { [BASELINE]: taken.sql } : {}),
    "001_first/migrate.sql": MIGRATE,
    "001_first/rollback.sql": ROLLBACK,
  };
  for (const [path, text] of Object.entries(files)) {
    const place = join(folder, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, text, { flag: "wx" });
  }
  const wrong = taken && (await whyNotTaken(folder));
  return [
    `Made ${dir}:`,
    ...Object.keys(files).map((path) => `  ${path}`),
    ...(taken ? [`The baseline is the schema of ${taken.of}, without its rows.`, ...taken.notes] : []),
    ...(wrong === undefined
      ? []
      : [
          wrong,
          `Fix ${BASELINE}, or rehearse on a server of yours: npx sluice rehearse --plan ${dir} --database-url ...`,
        ]),
    "",
    "Next:",
    "  write your migration into 001_first, and name the folder after it",
    `  npx sluice check ${dir}`,
    `  npx sluice rehearse --plan ${dir}`,
  ];
}

function planYaml(
  folder: string,
  name: string,
  taken: { owner: string; extensions: readonly string[]; applicationRoles: readonly string[] } | undefined,
): string {
  const lines = [
    `# yaml-language-server: $schema=${portable(relative(folder, SCHEMA))}`,
    "# No key is required; docs/plan-format.md explains each.",
    `title: ${JSON.stringify(inWords(name))}`,
  ];
  if (taken && taken.extensions.length > 0)
    lines.push("extensions:", ...taken.extensions.map((one) => `  - name: ${JSON.stringify(one)}`));
  if (taken && taken.applicationRoles.length > 0)
    lines.push(
      "# Found in the database: roles that may log in, own nothing, and have rights on tables. Remove those that are not the application's.",
      `applicationRoles: ${JSON.stringify(taken.applicationRoles)}`,
    );
  if (taken && taken.owner !== LOCAL_OWNER)
    lines.push("local:", `  owner: ${JSON.stringify(taken.owner)}`, `  baseline: [${BASELINE}]`);
  return `${lines.join("\n")}\n`;
}

/** The embedded PostgreSQL's error about the baseline; undefined if it accepts it. */
async function whyNotTaken(folder: string): Promise<string | undefined> {
  try {
    const { plan, local } = await loadPlan(folder);
    if (!local) return undefined;
    const needed = neededExtensions(plan);
    await (await EmbeddedInstance.fromBaseline(local.owner, local.baseline, needed)).close();
    return undefined;
  } catch (error) {
    return isPostgresError(error) ? `${error.message} (${error.code})` : messageOf(error);
  }
}
