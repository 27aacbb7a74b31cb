import { messageOf, nameTransient, RETRYABLE, SluiceError } from "../shared/errors.ts";
import type { CompiledPlan, SchemaVersion } from "../shared/plan.ts";
import type { PreflightCheck } from "../shared/ports.ts";
import { requireRow, type Session, StatementFailed, withRolledBackTransaction } from "../shared/session.ts";
import type { Tool } from "../shared/tool-rows.ts";
import { AS_NUMBER } from "../shared/version.ts";
import { missingColumns, readApplied } from "../version-table/applied.ts";
import { type Noted, noteOf } from "../version-table/note.ts";
import { readVersions, type VersionRows, type VersionTable, versionTable } from "../version-table/plain.ts";
import { type ToolTable, toolTable, versionTables } from "../version-table/tables.ts";
import { triggersThatReach } from "./inspect-outside.ts";
import { inspected, note, problem, some } from "./inspected.ts";

const VERSION = "schema version";
const FAILED = "failed versions";

/**
 * Checks that the schema is at the version that the plan starts from, and that its versions can be noted and taken
 * back.
 */
export async function inspectVersion(session: Session, plan: CompiledPlan): Promise<PreflightCheck[]> {
  const { schema } = plan;
  if (!schema)
    return [
      note(
        VERSION,
        "named in `schema` of the plan",
        ["not checked"],
        "The plan does not state the version that it starts from. Sluice notes its migrations only in its own ledger.",
      ),
    ];
  const { table: named, tool } = schema;
  const table = await toolTable(session, schema);
  if (!table)
    return [
      problem(
        VERSION,
        expected(schema),
        [`table ${named} does not exist`],
        tool === undefined
          ? "Name the table in `schema` of the plan, with its schema; if there is none yet, create one."
          : `${tool} creates it on its first run. If the table has another name here, set schema: { tool: ${tool}, table: NAME }.`,
      ),
    ];
  return tool === undefined
    ? await inspectPlainTable(session, plan, schema)
    : await inspectToolTable(session, plan, { schema, table, tool });
}

function expected({ table, expectedVersion, tool }: SchemaVersion): string {
  return `${expectedVersion} as the newest version ${tool === undefined ? "" : `of ${tool} `}in ${table}`;
}

/** Inspects a table with a column `version`, whatever tool keeps it. */
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
      `no row in ${schema.table} of a failed migration`,
      rows.failed,
      "What a failed migration left is unknown. Repair the schema, and correct the row as the tool's documentation describes.",
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
        ? `${named}.version is of type ${table.type}, where these differ: write expectedVersion in \`schema\` of the plan exactly as the table has it.`
        : `Bring the schema to ${expectedVersion} first; if it is newer, this plan has already been applied.`,
    };
  if (versions.length === 0)
    return {
      ...check,
      passed: false,
      seen: "no row",
      mend: `Insert the schema's version into ${named} first.`,
    };
  return {
    ...check,
    passed: false,
    seen: `${versions.length} versions, and the newest cannot be determined: ${some(versions)}`,
    mend: `Give ${named} one column with the time at which each was applied, or keep only the newest row.`,
  };
}

/** Inspects a tool's own table by the tool's rules. */
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
        [`${table.name} has no column ${missing.join(", ")}: it is not a table of ${tool}`],
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
      mend: `Bring the schema to ${schema.expectedVersion} with ${tool} first; if it is newer, this plan has already been applied.`,
    },
    ...failedVersions(
      `nothing in ${table.name} that ${tool} would refuse to continue from`,
      applied.unfinished,
      `Find out what happened to it, and resolve it with ${tool} itself.`,
    ),
    ...(await inspected(WRITTEN, () =>
      writingVersions(session, plan, { table: table.name, holder: table.name }),
    )),
  ];
}

function failedVersions(wanted: string, failed: readonly string[], mend: string): PreflightCheck[] {
  return failed.length === 0 ? [] : [problem(FAILED, wanted, failed, mend)];
}

export const WRITTEN = "writing versions";

/**
 * Notes each of the plan's versions and takes it back as a run would, in a transaction that is rolled back.
 * @param table its name in messages
 * @param holder what holds a version there, for example `its column, of type varchar(5),`
 */
async function writingVersions(
  session: Session,
  plan: CompiledPlan,
  { table, holder }: { table: string; holder: string },
): Promise<PreflightCheck> {
  const check = { name: WRITTEN, expected: `each of the plan's versions can be noted in ${table}` };
  const there = await alreadyThere(session, plan);
  if (there.length > 0)
    return problem(
      WRITTEN,
      check.expected,
      there.map((version) => `${version} is already there`),
      "Remove applied migrations from the plan; delete a row that belongs to no migration.",
    );
  const reaching: string[] = [];
  for (const written of await versionTables(session, plan.schema))
    reaching.push(...(await triggersThatReach(session, written)));
  if (reaching.length > 0)
    return note(WRITTEN, check.expected, [`not tested: ${reaching.join(", ")} reaches outside`], OUTSIDE);
  const why = await withRolledBackTransaction(session, () => whyNotWritten(session, plan, holder));
  if (why === undefined) return { ...check, passed: true, seen: "as expected", mend: "" };
  return problem(
    WRITTEN,
    check.expected,
    [why],
    `Make ${table} accept it from the migrating role. Preflight tested this in a transaction that it rolled back.`,
  );
}

const OUTSIDE =
  "The trigger fires for each noted version, on staging too. Disable it for the run, or read what it does.";

async function alreadyThere(session: Session, plan: CompiledPlan): Promise<string[]> {
  const found: string[] = [];
  for (const { version } of plan.migrations) {
    const look = howMany(await noteOf(session, plan, version));
    // If the lookup fails, count the version as absent: the attempt to note it shows the reason.
    const looked = await attempt(() => requireRow<{ n: number }>(session, look));
    if ("done" in looked && looked.done.n > 0) found.push(version);
  }
  return found;
}

async function whyNotWritten(
  session: Session,
  plan: CompiledPlan,
  holder: string,
): Promise<string | undefined> {
  // Wait briefly: sessions that hold the table must not queue behind a test.
  await session.exec("SET LOCAL lock_timeout = '3s'");
  for (const { version } of plan.migrations) {
    const noted = await noteOf(session, plan, version);
    const look = howMany(noted);
    const tried = await attempt(() => session.together([look, ...noted.apply, look]));
    if ("refused" in tried) return `${version} cannot be noted: ${tried.refused}`;
    if (tried.done[0]?.[0]?.n !== 0) return `${version} is the same as an earlier version to ${holder}`;
    if (tried.done.at(-1)?.[0]?.n !== noted.rows.length)
      return `${version} was noted but is missing: ${holder} holds another value, or a trigger or rule rejects it`;
  }
  const deferred = await attempt(() => session.exec("SET CONSTRAINTS ALL IMMEDIATE"));
  if ("refused" in deferred) return `a deferred constraint refuses them: ${deferred.refused}`;
  for (const { version } of plan.migrations.toReversed()) {
    const noted = await noteOf(session, plan, version);
    const tried = await attempt(() => session.together([...noted.rollBack, howMany(noted)]));
    if ("refused" in tried) return `${version} cannot be taken back: ${tried.refused}`;
    if (tried.done.at(-1)?.[0]?.n !== 0)
      return `${version} was taken back but is still there: a trigger or rule keeps it`;
  }
  const atEnd = await attempt(() => session.exec("SET CONSTRAINTS ALL IMMEDIATE"));
  return "refused" in atEnd ? `a deferred constraint refuses to take them back: ${atEnd.refused}` : undefined;
}

/** SQL that counts the rows of this note that are present. */
function howMany({ rows }: Noted): string {
  return `SELECT ${rows.map(({ table, is }) => `EXISTS (SELECT FROM ${table} WHERE ${is})::int`).join(" + ")} AS n`;
}

/** @throws SluiceError ConnectionLost or LockTimeout: the caller may simply try again */
async function attempt<T>(work: () => Promise<T>): Promise<{ done: T } | { refused: string }> {
  try {
    return { done: await work() };
  } catch (error) {
    const cause = nameTransient(error instanceof StatementFailed ? error.cause : error);
    if (cause instanceof SluiceError && RETRYABLE.includes(cause.name)) throw cause;
    return { refused: messageOf(cause) };
  }
}
