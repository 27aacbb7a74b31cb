import type { CompiledPlan, SchemaVersion } from "../shared/plan.ts";
import type { PreflightCheck } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import type { Tool } from "../shared/tool-rows.ts";
import { AS_NUMBER } from "../shared/version.ts";
import { missingColumns, readApplied } from "../version-table/applied.ts";
import { readVersions, type VersionRows, type VersionTable, versionTable } from "../version-table/plain.ts";
import { type ToolTable, toolTable } from "../version-table/tables.ts";
import { inspected } from "./inspected.ts";
import { note, problem, some } from "./note.ts";
import { WRITTEN, writingVersions } from "./writing-versions.ts";

const VERSION = "schema version";
const FAILED = "failed versions";

/** Whether the schema is at the version that the plan starts from, and whether its versions can be noted and taken back. */
export async function inspectVersion(session: Session, plan: CompiledPlan): Promise<PreflightCheck[]> {
  const { schema } = plan;
  if (!schema)
    return [
      note(
        VERSION,
        "named in `schema` of the plan",
        ["not looked at"],
        "The plan does not say from which version it starts. Sluice notes its migrations in its own ledger, and in no table of yours.",
      ),
    ];
  const { table: named, tool } = schema;
  const table = await toolTable(session, schema);
  if (!table)
    return [
      problem(
        VERSION,
        expected(schema),
        [`there is no table ${named}`],
        tool === undefined
          ? "Name the table in `schema` of the plan, with its schema; where there is none yet, make one."
          : `${tool} makes it when it is first run. If it has another name here, say so: schema: { tool: ${tool}, table: NAME }.`,
      ),
    ];
  return tool === undefined
    ? await inspectPlainTable(session, plan, schema)
    : await inspectToolTable(session, plan, { schema, table, tool });
}

function expected({ table, expectedVersion, tool }: SchemaVersion): string {
  return `${expectedVersion} as the newest ${tool === undefined ? "" : `that ${tool} has `}in ${table}`;
}

/** Of a table with a column `version`, whoever keeps it. */
async function inspectPlainTable(
  session: Session,
  plan: CompiledPlan,
  schema: SchemaVersion,
): Promise<PreflightCheck[]> {
  const table = await versionTable(session, schema.table);
  const rows = await readVersions(session, table);
  return [
    newestVersion(schema, table, rows),
    ...failedVersions(
      `no row in ${schema.table} of a migration that failed`,
      rows.failed,
      "Nobody knows what such a migration has left. Put the schema in order, and correct the row as the documentation of its tool says.",
    ),
    ...(await inspected(WRITTEN, () =>
      writingVersions(session, plan, {
        table: table.name,
        holder: `its column, of type ${table.type},`,
      }),
    )),
  ];
}

function newestVersion(
  schema: SchemaVersion,
  table: VersionTable,
  { newest, versions }: VersionRows,
): PreflightCheck {
  const { table: named, expectedVersion } = schema;
  const check = { name: VERSION, expected: expected(schema) };
  if (newest !== undefined)
    return {
      ...check,
      passed: table.order.same(newest, expectedVersion),
      seen: newest,
      mend: AS_NUMBER.same(newest, expectedVersion)
        ? `${named}.version is of type ${table.type}, where these differ: write expectedVersion in \`schema\` of the plan as it stands there.`
        : `Bring the schema to ${expectedVersion} first; if it is newer, this plan was applied already.`,
    };
  if (versions.length === 0)
    return { ...check, passed: false, seen: "no row", mend: `Note the schema's version in ${named} first.` };
  return {
    ...check,
    passed: false,
    seen: `${versions.length} versions, and nothing says which is the newest: ${some(versions)}`,
    mend: `Give ${named} one column with the time at which each was applied, or leave only the newest in it.`,
  };
}

/** Of a tool's own table, read by the tool's rules. */
async function inspectToolTable(
  session: Session,
  plan: CompiledPlan,
  { schema, table, tool }: { schema: SchemaVersion; table: ToolTable; tool: Tool },
): Promise<PreflightCheck[]> {
  const missing = await missingColumns(session, table, tool);
  if (missing.length > 0)
    return [
      problem(
        VERSION,
        expected(schema),
        [`${table.name} has no column ${missing.join(", ")}: it is not ${tool}'s`],
        "Name the right tool or table under `schema` in the plan.",
      ),
    ];
  const applied = await readApplied(session, table, tool, { schema, migrations: plan.migrations });
  return [
    {
      name: VERSION,
      passed: applied.expected,
      expected: expected(schema),
      seen: applied.version,
      mend: `Bring the schema to ${schema.expectedVersion} with ${tool} first; if it is newer, this plan was applied already.`,
    },
    ...failedVersions(
      `nothing in ${table.name} that ${tool} would not go on from`,
      applied.unfinished,
      `Find out what became of it, and settle it with ${tool} itself.`,
    ),
    ...(await inspected(WRITTEN, () =>
      writingVersions(session, plan, { table: table.name, holder: table.name }),
    )),
  ];
}

function failedVersions(wanted: string, failed: readonly string[], mend: string): PreflightCheck[] {
  return failed.length === 0 ? [] : [problem(FAILED, wanted, failed, mend)];
}
