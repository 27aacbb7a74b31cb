import {
  adding,
  is,
  readVersions,
  removing,
  type VersionRows,
  type VersionTable,
  versionTable,
} from "../migrate/schema-version.ts";
import type { PreflightCheck } from "../shared/documents.ts";
import { messageOf, nameTransient, RETRYABLE, SluiceError } from "../shared/errors.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import { needRow, type Session, StatementFailed, withRolledBackTransaction } from "../shared/session.ts";
import { AS_NUMBER } from "../shared/version.ts";
import { triggersThatReach } from "./inspect-outside.ts";
import { inspected } from "./inspected.ts";
import { note, problem, some } from "./note.ts";

const VERSION = "schema version";
const FAILED = "failed versions";
const WRITTEN = "writing versions";

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
    ...(await inspected(WRITTEN, () => writing(session, { ...plan, schema }, table, rows))),
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

/** Each of the plan's versions is noted and taken back as a run would do it, in a transaction that is rolled back. */
async function writing(
  session: Session,
  { migrations, schema }: Pick<CompiledPlan, "migrations"> & { schema: { table: string } },
  table: VersionTable,
  { versions }: VersionRows,
): Promise<PreflightCheck> {
  const check = { name: WRITTEN, expected: `each of the plan's versions can be noted in ${table.name}` };
  const there = migrations.filter(({ version }) =>
    versions.some((other) => table.order.same(other, version)),
  );
  if (there.length > 0)
    return problem(
      WRITTEN,
      check.expected,
      there.map(({ version }) => `${version} is there already`),
      "What was applied must be in the plan no more; a row that no migration stands for must go first.",
    );
  const reaching = await triggersThatReach(session, schema.table);
  if (reaching.length > 0)
    return note(WRITTEN, check.expected, [`not tried: ${reaching.join(", ")} reaches outside`], OUTSIDE);
  const why = await withRolledBackTransaction(session, () => whyNotWritten(session, migrations, table));
  if (why === undefined) return { ...check, passed: true, seen: "so it is", mend: "" };
  return problem(
    WRITTEN,
    check.expected,
    [why],
    `Let ${table.name} take it, with the migrating role's rights. It was tried in a transaction that was rolled back.`,
  );
}

const OUTSIDE =
  "Its trigger fires for each version that is noted, on staging too. Disable it for the run, or read what it does.";

async function whyNotWritten(
  session: Session,
  migrations: CompiledPlan["migrations"],
  table: VersionTable,
): Promise<string | undefined> {
  // Whoever holds the table meanwhile is not to be held up for long by one who only tries.
  await session.exec("SET LOCAL lock_timeout = '3s'");
  for (const { version, title } of migrations) {
    const count = `SELECT count(*)::int AS n FROM ${table.name} WHERE ${is(version)}`;
    const tried = await attempt(() => session.together([count, adding(table, version, title), count]));
    if ("refused" in tried) return `${version} cannot be noted: ${tried.refused}`;
    const [before, , after] = tried.done.map(([row]) => row?.n);
    if (before !== 0)
      return `${version} is the same to its column, of type ${table.type}, as a version noted before it`;
    if (after !== 1)
      return `${version} was noted and is not there: its column, of type ${table.type}, holds another value, or a trigger or rule keeps it out`;
  }
  const deferred = await attempt(() => session.exec("SET CONSTRAINTS ALL IMMEDIATE"));
  if ("refused" in deferred) return `a deferred constraint refuses them: ${deferred.refused}`;
  for (const { version } of migrations.toReversed()) {
    const count = `SELECT count(*)::int AS n FROM ${table.name} WHERE ${is(version)}`;
    const tried = await attempt(() => session.together([removing(table, version), count]));
    if ("refused" in tried) return `${version} cannot be taken back: ${tried.refused}`;
    if (tried.done[1]?.[0]?.n !== 0)
      return `${version} was taken back and is still there: a trigger or rule keeps it`;
  }
  const atEnd = await attempt(() => session.exec("SET CONSTRAINTS ALL IMMEDIATE"));
  return "refused" in atEnd ? `a deferred constraint refuses to take them back: ${atEnd.refused}` : undefined;
}

/** @throws SluiceError ConnectionLost or LockTimeout: after these it may simply be done again. */
async function attempt<T>(work: () => Promise<T>): Promise<{ done: T } | { refused: string }> {
  try {
    return { done: await work() };
  } catch (error) {
    const cause = nameTransient(error instanceof StatementFailed ? error.cause : error);
    if (cause instanceof SluiceError && RETRYABLE.includes(cause.name)) throw cause;
    return { refused: messageOf(cause) };
  }
}
