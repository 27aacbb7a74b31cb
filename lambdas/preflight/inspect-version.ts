import {
  readVersions,
  type VersionRows,
  type VersionTable,
  versionTable,
} from "../migrate/schema-version.ts";
import type { PreflightCheck } from "../shared/documents.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import { needRow, type Session } from "../shared/session.ts";
import { AS_NUMBER } from "../shared/version.ts";
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
        "Nothing says from which version the plan starts, and no table of yours learns of it: Sluice's ledger alone does.",
      ),
    ];
  const { table: named, expectedVersion } = schema;
  const { found } = await needRow<{ found: boolean }>(
    session,
    "SELECT to_regclass($1) IS NOT NULL AS found",
    [named],
  );
  const expected = `${expectedVersion} as the newest in ${named}`;
  if (!found)
    return [
      problem(
        VERSION,
        expected,
        [`there is no table ${named}`],
        "Name the table in `schema` of the plan, with its schema; where there is none yet, make one.",
      ),
    ];
  const table = await versionTable(session, named);
  const rows = await readVersions(session, table);
  return [
    newestVersion(schema, table, rows),
    ...failedVersions(named, rows),
    ...(await inspected(WRITTEN, () =>
      writingVersions(session, plan, {
        table: table.name,
        holder: `its column, of type ${table.type},`,
        there: alreadyThere(plan, table, rows),
      }),
    )),
  ];
}

function newestVersion(
  { table: named, expectedVersion }: NonNullable<CompiledPlan["schema"]>,
  table: VersionTable,
  { newest, versions }: VersionRows,
): PreflightCheck {
  const check = { name: VERSION, expected: `${expectedVersion} as the newest in ${named}` };
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

function failedVersions(named: string, { failed }: VersionRows): PreflightCheck[] {
  if (failed.length === 0) return [];
  return [
    problem(
      FAILED,
      `no row in ${named} of a migration that failed`,
      failed,
      "What such a migration has left is unknown. Bring the schema in order, and mend the row, as the tool that wrote it says.",
    ),
  ];
}

function alreadyThere(
  { migrations }: CompiledPlan,
  { order }: VersionTable,
  { versions }: VersionRows,
): string[] {
  return migrations
    .map(({ version }) => version)
    .filter((version) => versions.some((other) => order.same(other, version)));
}
