import type { PreflightCheck } from "../shared/documents.ts";
import { messageOf, nameTransient, SluiceError } from "../shared/errors.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import { type Session, withRolledBackTransaction } from "../shared/session.ts";
import type { Tool } from "../shared/tool-rows.ts";
import { missingColumns, readApplied } from "../version-table/applied.ts";
import { noteApplied, noteRolledBack, rowsThere } from "../version-table/note.ts";
import { type VersionTable, versionTable } from "../version-table/tables.ts";

/** Of what a check tells about. */
const MOST_NAMED = 5;

/** What the tool's own table says, and whether the run will be able to write to it. */
export async function inspectToolTable(
  session: Session,
  plan: CompiledPlan,
  tool: Tool,
): Promise<PreflightCheck[]> {
  const { table: named, expectedVersion } = plan.schema;
  const check = {
    name: "schema version",
    expected: `${expectedVersion} as the newest that ${tool} has in ${named}`,
    mend: `Bring the schema to ${expectedVersion} with ${tool} first; if it is newer, this plan was applied already.`,
  };
  const table = await versionTable(session, plan.schema);
  if (!table)
    return [
      {
        ...check,
        passed: false,
        seen: `there is no table ${named}`,
        mend: `${tool} makes it when it is first run. If it has another name here, say so: schema: { tool: ${tool}, table: NAME }.`,
      },
    ];
  const missing = await missingColumns(session, table, tool);
  if (missing.length > 0)
    return [
      {
        ...check,
        passed: false,
        seen: `${table.name} has no column ${missing.join(", ")}: it is not ${tool}'s`,
        mend: "Name the right tool or table under `schema` in the plan.",
      },
    ];
  const { version, expected, unfinished } = await readApplied(session, table, tool, plan);
  const there = await alreadyThere(session, table, plan);
  return [
    {
      ...check,
      passed: expected && there.length === 0,
      seen: there.length === 0 ? version : `${version}, and the table has ${there.join(", ")} already`,
    },
    {
      name: "unfinished migrations",
      passed: unfinished.length === 0,
      expected: `none that ${tool} would not go on from`,
      seen: unfinished.length === 0 ? "none" : `${table.name}: ${unfinished.slice(0, MOST_NAMED).join("; ")}`,
      mend: `Find out what became of it, and settle it with ${tool} itself.`,
    },
    await canBeWritten(session, plan, tool),
  ];
}

async function alreadyThere(session: Session, table: VersionTable, plan: CompiledPlan): Promise<string[]> {
  const found: string[] = [];
  for (const { version, folder } of plan.migrations) {
    const there = rowsThere(table, plan, version).map(
      ({ table: of, is }) => `EXISTS (SELECT FROM ${of} WHERE ${is})`,
    );
    if (there.length === 0) continue;
    const [row] = await session.query<{ there: boolean }>(`SELECT ${there.join(" OR ")} AS there`);
    if (row?.there) found.push(folder);
  }
  return found;
}

/** What the run will write at each migration's end is written, and never seen by anybody. */
async function canBeWritten(session: Session, plan: CompiledPlan, tool: Tool): Promise<PreflightCheck> {
  const check = {
    name: "schema version can be noted",
    expected: `the migrating role may write ${tool}'s rows, and take them back`,
    mend: `Grant it INSERT and DELETE on ${tool}'s table, and USAGE on its sequence; or correct \`row\` in the plan.`,
  };
  try {
    await withRolledBackTransaction(session, async () => {
      for (const { version } of plan.migrations)
        for (const statement of await noteApplied(session, plan, version, "now()"))
          await session.query(statement);
      for (const { version } of [...plan.migrations].reverse())
        for (const statement of await noteRolledBack(session, plan, version)) await session.query(statement);
    });
  } catch (caught) {
    const error = nameTransient(caught);
    if (error instanceof SluiceError) throw error;
    return { ...check, passed: false, seen: messageOf(error) };
  }
  return { ...check, passed: true, seen: "written, and rolled back" };
}
