import { messageOf, nameTransient, RETRYABLE, SluiceError } from "../shared/errors.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { PreflightCheck } from "../shared/ports.ts";
import { needRow, type Session, StatementFailed, withRolledBackTransaction } from "../shared/session.ts";
import { type Noted, noteOf } from "../version-table/note.ts";
import { versionTables } from "../version-table/tables.ts";
import { triggersThatReach } from "./inspect-outside.ts";
import { note, problem } from "./note.ts";

export const WRITTEN = "writing versions";

/**
 * Each of the plan's versions is noted and taken back as a run would do it, in a transaction that is rolled back.
 * @param table as people know it
 * @param holder what holds a version there, such as `its column, of type varchar(5),`
 */
export async function writingVersions(
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
      there.map((version) => `${version} is there already`),
      "What was applied must be in the plan no more; a row that no migration stands for must go first.",
    );
  const reaching: string[] = [];
  for (const written of await versionTables(session, plan.schema))
    reaching.push(...(await triggersThatReach(session, written)));
  if (reaching.length > 0)
    return note(WRITTEN, check.expected, [`not tried: ${reaching.join(", ")} reaches outside`], OUTSIDE);
  const why = await withRolledBackTransaction(session, () => whyNotWritten(session, plan, holder));
  if (why === undefined) return { ...check, passed: true, seen: "so it is", mend: "" };
  return problem(
    WRITTEN,
    check.expected,
    [why],
    `Let ${table} take it, with the migrating role's rights. It was tried in a transaction that was rolled back.`,
  );
}

const OUTSIDE =
  "Its trigger fires for each version that is noted, on staging too. Disable it for the run, or read what it does.";

async function alreadyThere(session: Session, plan: CompiledPlan): Promise<string[]> {
  const found: string[] = [];
  for (const { version } of plan.migrations) {
    const look = howMany(await noteOf(session, plan, version));
    // What cannot even be looked for is not there; why it cannot be noted shows when that is tried.
    const looked = await attempt(() => needRow<{ n: number }>(session, look));
    if ("done" in looked && looked.done.n > 0) found.push(version);
  }
  return found;
}

async function whyNotWritten(
  session: Session,
  plan: CompiledPlan,
  holder: string,
): Promise<string | undefined> {
  // Whoever holds the table meanwhile is not to be held up for long by one who only tries.
  await session.exec("SET LOCAL lock_timeout = '3s'");
  for (const { version } of plan.migrations) {
    const noted = await noteOf(session, plan, version);
    const look = howMany(noted);
    const tried = await attempt(() => session.together([look, ...noted.apply, look]));
    if ("refused" in tried) return `${version} cannot be noted: ${tried.refused}`;
    if (tried.done[0]?.[0]?.n !== 0)
      return `${version} is the same to ${holder} as a version noted before it`;
    if (tried.done.at(-1)?.[0]?.n !== noted.rows.length)
      return `${version} was noted and is not there: ${holder} holds another value, or a trigger or rule keeps it out`;
  }
  const deferred = await attempt(() => session.exec("SET CONSTRAINTS ALL IMMEDIATE"));
  if ("refused" in deferred) return `a deferred constraint refuses them: ${deferred.refused}`;
  for (const { version } of plan.migrations.toReversed()) {
    const noted = await noteOf(session, plan, version);
    const tried = await attempt(() => session.together([...noted.rollBack, howMany(noted)]));
    if ("refused" in tried) return `${version} cannot be taken back: ${tried.refused}`;
    if (tried.done.at(-1)?.[0]?.n !== 0)
      return `${version} was taken back and is still there: a trigger or rule keeps it`;
  }
  const atEnd = await attempt(() => session.exec("SET CONSTRAINTS ALL IMMEDIATE"));
  return "refused" in atEnd ? `a deferred constraint refuses to take them back: ${atEnd.refused}` : undefined;
}

/** How many of its rows are there. */
function howMany({ rows }: Noted): string {
  return `SELECT ${rows.map(({ table, is }) => `EXISTS (SELECT FROM ${table} WHERE ${is})::int`).join(" + ")} AS n`;
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
