import type { PreflightCheck } from "../shared/documents.ts";
import type { CompiledPlan, SchemaVersion } from "../shared/plan.ts";
import { needRow, type Session } from "../shared/session.ts";
import type { Tool } from "../shared/tool-rows.ts";
import { missingColumns, readApplied } from "../version-table/applied.ts";
import { noteOf } from "../version-table/note.ts";
import { toolTable } from "../version-table/tables.ts";
import { inspected } from "./inspected.ts";
import { problem } from "./note.ts";
import { WRITTEN, writingVersions } from "./writing-versions.ts";

const VERSION = "schema version";
const FAILED = "failed versions";

/** What the tool's own table says, and whether the run will be able to write to it. */
export async function inspectToolTable(
  session: Session,
  plan: CompiledPlan,
  schema: SchemaVersion,
  tool: Tool,
): Promise<PreflightCheck[]> {
  const { table: named, expectedVersion } = schema;
  const expected = `${expectedVersion} as the newest that ${tool} has in ${named}`;
  const table = await toolTable(session, schema);
  if (!table)
    return [
      problem(
        VERSION,
        expected,
        [`there is no table ${named}`],
        `${tool} makes it when it is first run. If it has another name here, say so: schema: { tool: ${tool}, table: NAME }.`,
      ),
    ];
  const missing = await missingColumns(session, table, tool);
  if (missing.length > 0)
    return [
      problem(
        VERSION,
        expected,
        [`${table.name} has no column ${missing.join(", ")}: it is not ${tool}'s`],
        "Name the right tool or table under `schema` in the plan.",
      ),
    ];
  const applied = await readApplied(session, table, tool, { schema, migrations: plan.migrations });
  return [
    {
      name: VERSION,
      passed: applied.expected,
      expected,
      seen: applied.version,
      mend: `Bring the schema to ${expectedVersion} with ${tool} first; if it is newer, this plan was applied already.`,
    },
    ...(applied.unfinished.length === 0
      ? []
      : [
          problem(
            FAILED,
            `nothing in ${table.name} that ${tool} would not go on from`,
            applied.unfinished,
            `Find out what became of it, and settle it with ${tool} itself.`,
          ),
        ]),
    ...(await inspected(WRITTEN, async () =>
      writingVersions(session, plan, {
        table: table.name,
        holder: table.name,
        there: await alreadyThere(session, plan),
      }),
    )),
  ];
}

async function alreadyThere(session: Session, plan: CompiledPlan): Promise<string[]> {
  const found: string[] = [];
  for (const { version } of plan.migrations) {
    const { rows } = await noteOf(session, plan, version);
    const some = rows.map(({ table, is }) => `EXISTS (SELECT FROM ${table} WHERE ${is})`).join(" OR ");
    const { there } = await needRow<{ there: boolean }>(session, `SELECT ${some} AS there`);
    if (there) found.push(version);
  }
  return found;
}
