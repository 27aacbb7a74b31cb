import { identifier } from "../../lambdas/shared/sql-text.ts";
import { scan } from "../plan/scan.ts";
import { fieldsOf, type Node, nodesWithin } from "../plan/statements.ts";
import { type Finding, hasWayBack, type ImportedFolder, type ImportedMigration } from "./imported.ts";
import { nodesOf } from "./sql-text.ts";
import { stepsOf } from "./steps.ts";
import { versionsSql } from "./tool-tables.ts";
import { slugOf } from "./tools/common.ts";

/** PostgreSQL's own extensions that a database's owner may create. */
const TRUSTED = new Set(
  "btree_gin btree_gist citext cube dict_int fuzzystrmatch hstore intarray isn lo ltree pg_trgm pgcrypto plpgsql seg tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp".split(
    " ",
  ),
);
const EMBEDDED = new Set(["vector", "pg_trgm", "pgcrypto", "uuid-ossp", "plpgsql"]);

interface Baseline {
  /** In the order in which they run. */
  files: { name: string; text: string }[];
  extensions: string[];
  notes: Finding[];
}

/** Makes, from the applied migrations' own SQL, the database that an embedded rehearsal starts from. */
export function baselineOf(
  folder: ImportedFolder,
  applied: readonly ImportedMigration[],
  pending: readonly ImportedMigration[],
  tool: string,
): Baseline {
  const notes: Finding[] = [];
  const lacks = (file: string, why: string) =>
    notes.push({
      file,
      says: `is applied, and ${why}: without it the baseline for rehearsals on the embedded Postgres is incomplete. Rehearse on a copy of your database instead: --database-url`,
    });
  const files: { name: string; text: string }[] = [];
  const digits = Math.max(3, String(applied.length).length);
  for (const [index, one] of applied.entries()) {
    const file = one.files[0] ?? one.version;
    if (one.noSql !== undefined) {
      lacks(file, "it has no SQL");
      continue;
    }
    const steps = stepsOf(one.up, "up", tool);
    // Rows of COPY are allowed in a baseline, where nothing must happen exactly once.
    const rows = scan(one.up.text).data.length > 0;
    const [doubt] = [...one.doubts, ...(rows ? [] : steps.doubts)];
    if (doubt) lacks(doubt.file, `line ${doubt.line ?? 1} ${doubt.says}`);
    const name = `${String(index + 1).padStart(digits, "0")}_${slugOf(`${one.version} ${one.name}`)}`;
    for (const [step, text] of steps.each.entries())
      files.push({
        name: `${name}${step === 0 ? "" : `_${step + 1}`}.sql`,
        text: `-- From ${one.up.file}.\n${text}\n`,
      });
  }
  const statements = statementsIn([...applied, ...pending]);
  const created = extensionsIn(statements);
  for (const [index, { name, file }] of created.entries())
    if (!EMBEDDED.has(name) && created.findIndex((one) => one.name === name) === index)
      notes.push({
        file,
        says: `creates the extension ${name}, which the embedded Postgres does not have. Rehearse on a copy of your database instead: --database-url`,
      });
  const roles = rolesIn(statements);
  const before =
    roles.length === 0 ? [] : [{ name: `${"0".repeat(digits)}_roles.sql`, text: rolesText(roles) }];
  return {
    files: [
      ...before,
      ...files,
      { name: `${"9".repeat(digits)}_versions.sql`, text: versionsSql(folder, applied) },
    ],
    // Only an extension that is created IF NOT EXISTS may exist before.
    extensions: [
      ...new Set(created.flatMap(({ name, mayBeThere }) => (mayBeThere && !TRUSTED.has(name) ? [name] : []))),
    ].sort(),
    notes,
  };
}

interface Stated {
  file: string;
  node: Node;
}

function statementsIn(migrations: readonly ImportedMigration[]): Stated[] {
  return migrations
    .flatMap(({ up, down }) => [up, ...(hasWayBack(down) ? [down] : [])])
    .flatMap(({ file, text }) => nodesOf(text).flatMap((node) => (node ? [{ file, node }] : [])));
}

function extensionsIn(statements: readonly Stated[]): { file: string; name: string; mayBeThere: boolean }[] {
  return statements.flatMap(({ file, node }) => {
    const made = fieldsOf<{ extname?: string; if_not_exists?: boolean }>(node, "CreateExtensionStmt");
    return made?.extname === undefined
      ? []
      : [{ file, name: made.extname, mayBeThere: made.if_not_exists === true }];
  });
}

/** Roles that the SQL names and does not make: they exist in the database. */
function rolesIn(statements: readonly Stated[]): string[] {
  const made = new Set(
    statements.map(({ node }) => fieldsOf<{ role?: string }>(node, "CreateRoleStmt")?.role),
  );
  const found = new Set<string>();
  for (const { node } of statements)
    for (const { rolename } of nodesWithin(node, "RoleSpec"))
      if (typeof rolename === "string" && !made.has(rolename) && !/^pg_|^postgres$/.test(rolename))
        found.add(rolename);
  return [...found].sort();
}

function rolesText(roles: readonly string[]): string {
  const each = roles.map(
    (role) =>
      `DO $$ BEGIN CREATE ROLE ${identifier(role)}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;`,
  );
  return `-- Roles that the migrations use and do not make.\n${each.join("\n")}\n`;
}
