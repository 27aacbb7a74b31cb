import { messageOf } from "../../lambdas/shared/errors.ts";
import type { Migration, SqlFile } from "../../lambdas/shared/plan.ts";
import { requireRow, type Session, withTransaction } from "../../lambdas/shared/session.ts";
import { PlanErrors } from "../../lib/plan/plan-error.ts";
import { parseSqlFile } from "../../lib/plan/sql-file.ts";
import { UsageError } from "../events.ts";
import { type Catalog, takeCatalog } from "./catalog.ts";
import type { Copy } from "./copy.ts";
import { fileText } from "./file.ts";
import { catalogThatDiffers, contentsThatDiffer, type Moment, takeMoment } from "./moment.ts";
import { underFormerNames } from "./renames.ts";
import { runSteps, StatementRefused } from "./steps.ts";
import { undo } from "./undo.ts";
import { unknownTo } from "./unknown.ts";

export interface MadeRollback {
  path: string;
  text: string;
  statements: number;
  /** What was tried, in words. */
  tried: string[];
  /** What does not hold, in lines; empty: it passed every try. */
  wrong: string[];
  /** What it cannot bring back, in sentences. */
  unknown: string[];
  tables: number;
  rows: bigint;
}

/** Most rounds. A statement may reset what another one set, so the rest is compared again after each round. */
const ROUNDS = 4;
/** Most steps of a migration after which the rollback is tried. */
const MOST_HALVES = 6;

/**
 * Writes the rollback of a migration and tries it, as a rehearsal will. Before and after, the copy is at the version
 * before the migration.
 * @throws UsageError if the migration itself fails on the copy
 */
export async function makeRollback(
  copy: Copy,
  migration: Migration,
  roles: readonly string[],
  progress: (line: string) => void = () => undefined,
): Promise<MadeRollback> {
  const path = rollbackPath(migration);
  const was = await copy.reading((session) => takeMoment(session, roles));
  const before = await copy.withSession((session) => takeCatalog(session));
  await copy.keep();
  progress(`${migration.migrate.path}: applied, and compared after each step`);
  const { afters, renames } = await appliedStepByStep(copy, migration, before);
  const last = afters.at(-1) ?? before;
  const undone = undo(before, afters);
  const statements = [...new Set([...renames, ...undone.statements])];
  progress(`${path}: written, and tried`);
  const failed = await complete(copy, was, before, statements);
  const unknown = [
    ...unknownTo(before, last, migration),
    ...refilled(before, statements).map(
      (view) =>
        `Materialized view ${view} is made again. It then has the result of its query at that moment, not its former contents.`,
    ),
    ...undone.unwritten.map((line) => `This cannot be written: ${line}.`),
    ...was.unread.map(
      (table) =>
        `The rows of ${table} were not compared, as this role may not read all of them (FORCE ROW LEVEL SECURITY, or no right to SELECT).`,
    ),
  ];
  const text = (rewrites: boolean, wrong: readonly string[]) =>
    fileText({
      undoes: migration.migrate.path,
      step: `put back what ${migration.version} changed`,
      statements: statements.length === 0 ? ["SELECT 1"] : statements,
      rewrites,
      unknown,
      wrong,
    });
  const unmarked = parsed(path, text(false, []));
  const { tried, wrong, rewrites } = failed
    ? { tried: [], wrong: failed, rewrites: false }
    : await tryIt(copy, migration.migrate, unmarked ?? parseSqlFile(path, text(true, [])), was);
  await copy.renew();
  return {
    path,
    text: text(rewrites || unmarked === undefined, wrong),
    statements: statements.length,
    tried,
    wrong,
    unknown,
    tables: was.contents.length,
    rows: was.contents.reduce((sum, { rows }) => sum + BigInt(rows), 0n),
  };
}

/** Materialized views that the rollback fills again: their former contents may have been older. */
function refilled(before: Catalog, statements: readonly string[]): string[] {
  return [...before.objects.values()].flatMap(({ kind, name }) => {
    const made = `CREATE MATERIALIZED VIEW IF NOT EXISTS ${name} `;
    const fills = (sql: string) => sql.includes(made) && !sql.endsWith("WITH NO DATA");
    return kind === "materialized view" && statements.some(fills) ? [name] : [];
  });
}

/** Where the rollback is, or would be. */
export const rollbackPath = ({ folder }: Migration): string => `${folder}/rollback.sql`;

/** Applies a migration, or some of its steps, unchanged. @throws UsageError if they fail */
export async function applySteps(copy: Copy, migrate: SqlFile): Promise<void> {
  try {
    await runSteps(copy, migrate);
  } catch (error) {
    if (!(error instanceof StatementRefused)) throw error;
    throw new UsageError(
      `${error.message}\nThe migration fails on the copy, so no rollback can be made from it. Nothing was written.`,
      { cause: error },
    );
  }
}

async function appliedStepByStep(
  copy: Copy,
  { migrate }: Migration,
  before: Catalog,
): Promise<{ afters: Catalog[]; renames: string[] }> {
  const afters: Catalog[] = [];
  const renames: string[] = [];
  for (const step of migrate.steps) {
    await applySteps(copy, { ...migrate, steps: [step] });
    const found = await copy.withSession((session) => underFormerNames(session, before));
    afters.push(found.catalog);
    renames.push(...found.statements);
  }
  return { afters, renames };
}

/** Adds statements for what the statements themselves changed as a side effect. @returns why they fail; undefined if they do not */
async function complete(
  copy: Copy,
  was: Moment,
  before: Catalog,
  statements: string[],
): Promise<string[] | undefined> {
  let next = [...statements];
  for (let round = 0; round < ROUNDS; round++) {
    const failed = await copy.withSession((session) => runAll(session, next));
    if (failed !== undefined) return [failed];
    const left = await copy.reading((session) => catalogThatDiffers(session, was));
    if (left.length === 0) return undefined;
    const { statements: renames, catalog } = await copy.withSession((session) =>
      underFormerNames(session, before),
    );
    next = [...renames, ...undo(before, [catalog]).statements];
    if (next.length === 0) return undefined;
    statements.push(...next);
  }
  return undefined;
}

async function runAll(session: Session, statements: readonly string[]): Promise<string | undefined> {
  let at = "";
  try {
    await withTransaction(session, async () => {
      await session.exec("SET LOCAL check_function_bodies = off");
      for (const statement of statements) {
        at = statement;
        await session.exec(statement);
      }
    });
    return undefined;
  } catch (error) {
    return `it fails: ${messageOf(error)}. The statement: ${at.replace(/\s+/g, " ").slice(0, 300)}`;
  }
}

/** Undefined if the text rewrites a table: then the step needs a mark. */
function parsed(path: string, text: string): SqlFile | undefined {
  try {
    return parseSqlFile(path, text);
  } catch (error) {
    if (error instanceof PlanErrors) return undefined;
    throw error;
  }
}

/** Tries it after the whole migration, a second time, and from where the migration may break off. */
async function tryIt(
  copy: Copy,
  migrate: SqlFile,
  rollback: SqlFile,
  was: Moment,
): Promise<{ tried: string[]; wrong: string[]; rewrites: boolean }> {
  const tried: string[] = [];
  const wrong: string[] = [];
  const attempt = async (what: string, work: () => Promise<void>): Promise<boolean> => {
    tried.push(what);
    try {
      await work();
      const found = await copy.reading((session) => catalogThatDiffers(session, was));
      wrong.push(...found.map((line) => `${what}: ${line}`));
      return found.length === 0;
    } catch (error) {
      if (!(error instanceof StatementRefused)) throw error;
      wrong.push(`${what}: it fails: ${error.message}`);
      return false;
    }
  };
  await copy.renew();
  await runSteps(copy, migrate);
  const files = await copy.reading(filesOfTables);
  const whole = await attempt("from the whole migration", () => runSteps(copy, rollback));
  const now = await copy.reading(filesOfTables);
  const rewrites = files.some(({ table, file }) =>
    now.some((other) => other.table === table && other.file !== file),
  );
  if (!whole) return { tried, wrong, rewrites };
  wrong.push(
    ...(await copy.reading((session) => contentsThatDiffer(session, was))).map((line) => `rows: ${line}`),
  );
  await attempt("run a second time", () => runSteps(copy, rollback));
  for (const count of halves(migrate.steps.length)) {
    const what = `after ${count} of ${migrate.steps.length} steps`;
    await copy.renew();
    await runSteps(copy, migrate, count);
    if (!(await attempt(what, () => runSteps(copy, rollback)))) break;
    const rows = await copy.reading((session) => contentsThatDiffer(session, was));
    // A loss after the whole migration is reported already.
    wrong.push(...rows.map((line) => `rows: ${line}`).filter((line) => !wrong.includes(line)));
  }
  return { tried, wrong, rewrites };
}

/** Numbers of steps after which a long migration is tried: a few, spread over all. */
function halves(steps: number): number[] {
  const last = steps - 1;
  if (last <= MOST_HALVES) return Array.from({ length: Math.max(0, last) }, (_, index) => index + 1);
  return Array.from({ length: MOST_HALVES }, (_, index) =>
    Math.round(1 + (index * (last - 1)) / (MOST_HALVES - 1)),
  );
}

async function filesOfTables(session: Session): Promise<{ table: string; file: string }[]> {
  const { tables } = await requireRow<{ tables: { table: string; file: string }[] }>(
    session,
    `SELECT coalesce(jsonb_agg(jsonb_build_object('table', oid::text, 'file', relfilenode::text)), '[]') AS tables
       FROM pg_class WHERE relkind = 'r' AND oid >= 16384 AND relfilenode <> 0`,
  );
  return tables;
}
