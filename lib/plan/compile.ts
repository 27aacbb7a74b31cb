import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { loadModule } from "libpg-query";
import { type Document, parseDocument } from "yaml";
import {
  type CompiledPlan,
  type GateText,
  type Migration,
  RESTORE,
  type SqlFile,
  type Statement,
  stepFiles,
} from "../../lambdas/shared/plan.ts";
import { bound } from "../../lambdas/shared/plan-document.ts";
import { slug } from "../../lambdas/shared/task.ts";
import { AS_TEXT, firstOutOfOrder, whyNoVersion } from "../../lambdas/shared/version.ts";
import { versionOf } from "./folder-version.ts";
import { askedAfter } from "./gates-after.ts";
import { isQuery } from "./in-transaction.ts";
import { leavesOf } from "./leaves.ts";
import { limitProblems } from "./limits.ts";
import { reach } from "./outside.ts";
import { PlanError } from "./plan-error.ts";
import { type PlanFile, planFile } from "./schema.ts";
import { parseCheckFile, parseSqlFile } from "./sql-file.ts";
import { splitStatements, syntaxProblem } from "./statements.ts";
import { compileWatch } from "./watch.ts";

export interface LoadedPlan {
  plan: CompiledPlan;
  /** Only for local runs: the baseline's SQL files in order, and the application that stands in for the real one. */
  local: LocalPlan | undefined;
  /** SQL that Postgres's parser refuses: file, line, column and reason. A deployment refuses it, a rehearsal shows it. */
  syntaxProblems: PlanError[];
}

export interface LocalPlan {
  /** Role that owns the database, as RDS's master user would: no superuser. */
  owner: string;
  baseline: readonly { path: string; sql: string }[];
  application: NonNullable<PlanFile["local"]>["application"];
}

/**
 * The plan for a deployment.
 * @throws PlanError for the first mistake of any kind, SQL that does not parse included, or for a limit that it exceeds.
 */
export async function compilePlan(directory: string): Promise<CompiledPlan> {
  const loaded = await loadPlan(directory);
  const [problem] = whyNotDeployed(loaded);
  if (problem) throw problem;
  return loaded.plan;
}

/** What keeps a plan that can be read from being deployed or published; empty: nothing. */
export function whyNotDeployed({ plan, syntaxProblems }: LoadedPlan): PlanError[] {
  return [
    ...syntaxProblems,
    ...limitProblems(plan).map((problem) => new PlanError("plan.yaml", "(all of it)", problem)),
  ];
}

/**
 * The plan for a rehearsal.
 * @throws PlanError for the first mistake in plan.yaml or in the marks of its SQL files.
 */
export async function loadPlan(directory: string): Promise<LoadedPlan> {
  await loadModule();
  const digest = createHash("sha256");
  const read = async (path: string): Promise<string> => {
    const text = await readText(directory, path);
    digest.update(`${path}\0${text.length}\0${text}\0`);
    return text;
  };
  const file = parsePlanFile(await read("plan.yaml"));
  checkOrder(file.migrations);
  const asked = askedAfter(file);
  checkQuestions(file, asked);

  const migrations: Migration[] = [];
  const reaching = new Set<string>();
  for (const [index, given] of file.migrations.entries()) {
    const { folder, title, expectedMinutes, checklist, changes } = given;
    const path = (name: string) => `${folder}/${name}.sql`;
    const leaves = leftByRollback(given, index);
    migrations.push({
      version: versionOf(folder),
      folder,
      title,
      expectedMinutes,
      checklist,
      ...(asked.has(folder) ? {} : { unasked: true as const }),
      ...(changes === undefined ? {} : { changes }),
      migrate: nonEmpty(parseSqlFile(path("migrate"), await read(path("migrate")), reaching)),
      validate: parseCheckFile(path("validate"), await read(path("validate")), reaching),
      rollback:
        given.rollback === RESTORE
          ? await withoutFile(directory, path("rollback"))
          : await wayBack(path("rollback"), () => read(path("rollback")), reaching),
      ...(leaves === undefined ? {} : { leaves }),
    });
  }
  const benchmarks = [];
  for (const { query, baseline, ...rest } of file.benchmarks)
    benchmarks.push({
      ...rest,
      query: await read(query),
      ...(baseline === undefined ? {} : { baseline: await read(baseline) }),
    });
  const watch = file.watch && (await compileWatch(file, file.watch, read));
  const stagingData: SqlFile[] = [];
  for (const path of file.stagingData) stagingData.push(parseSqlFile(path, await read(path), reaching));

  const plan = bound({
    name: basename(directory),
    sources: digest.digest("hex"),
    title: file.title,
    schema: file.schema,
    server: file.server,
    extensions: file.extensions,
    applicationRoles: file.applicationRoles,
    protect: file.protect,
    contents: file.contents,
    rollbackSloMinutes: file.rollbackSloMinutes,
    ...(file.acceptNoWayBack ? { acceptNoWayBack: true as const } : {}),
    migrations,
    gates: { ...file.gates, after: textOf(file.gates.after) },
    benchmarks,
    application: file.application,
    afterOpening: file.afterOpening.map(({ outside, ...task }) =>
      outside === undefined ? task : { ...task, outside: true },
    ),
    ...(watch ? { watch } : {}),
    reminders: file.reminders,
    expectedMinutes: file.expectedMinutes,
    stagingData,
  });
  checkRoles(plan);
  checkReadsOnly(plan);
  checkReaching(plan, reaching);
  return { plan, local: await localPlan(directory, file), syntaxProblems: syntaxProblems(plan) };
}

const UNREADABLE: Readonly<Record<string, (directory: string) => string>> = {
  ENOENT: (directory) => `missing in ${directory}`,
  EISDIR: (directory) => `a folder in ${directory}, and must be a file`,
  EACCES: (directory) => `may not be read by this process: look at its rights in ${directory}`,
  ELOOP: (directory) => `symbolic links that lead in a circle, in ${directory}`,
  EMFILE: () => "not opened, as this process has too many files open. Raise the limit: ulimit -n 4096",
};

async function readText(directory: string, path: string): Promise<string> {
  try {
    return await readFile(join(directory, path), "utf8");
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw new PlanError(path, "file", UNREADABLE[code]?.(directory) ?? `cannot be read: ${message}`);
  }
}

function parsePlanFile(text: string): PlanFile {
  const document = parseDocument(text, { uniqueKeys: true });
  const [mistake] = document.errors;
  if (mistake) {
    const line = mistake.linePos?.[0].line ?? 1;
    throw new PlanError("plan.yaml", `line ${line}`, mistake.message.split("\n")[0] ?? "not YAML");
  }
  const parsed = planFile.safeParse(contentOf(document));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const key =
    issue?.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("") ?? "";
  throw new PlanError("plan.yaml", key.replace(/^\./, "") || "(top level)", issue?.message ?? "not a plan");
}

/** The library counts what aliases of aliases would make, and gives up on it. */
function contentOf(document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new PlanError(
      "plan.yaml",
      "(top level)",
      `not taken: ${(error as Error).message}. Write out what its aliases (*name) stand for`,
    );
  }
}

/**
 * Versions rise where their digits say which is newer; of others the order is the plan's own. Whether a table of versions
 * holds two for one, as one of numbers does with 1 and 001, only the database knows: preflight asks it.
 */
function checkOrder(migrations: PlanFile["migrations"]): void {
  const versions = migrations.map(({ folder }) => versionOf(folder));
  const refuse = (index: number, reason: string) =>
    new PlanError("plan.yaml", `migrations[${index}].folder`, reason);
  const standing = new Map<string, number>();
  for (const [index, version] of versions.entries()) {
    const why = whyNoVersion(version);
    if (why !== undefined) throw refuse(index, why);
    // Evidence is kept under it, and not every disk tells letters by their case.
    const name = slug(version);
    const former = standing.get(name);
    standing.set(name, index);
    if (former === undefined) continue;
    const [before, now] = [migrations[former]?.folder, migrations[index]?.folder];
    throw refuse(
      index,
      versions[former] === version
        ? `version ${version} stands twice: ${before}, ${now}`
        : `versions ${versions[former]} and ${version} must differ in more than case and signs: ${before}, ${now}`,
    );
  }
  const late = firstOutOfOrder(AS_TEXT, versions);
  if (late !== undefined)
    throw refuse(
      late,
      `${migrations[late]?.folder} stands after ${migrations[late - 1]?.folder}: versions must rise`,
    );
}

/** When it asks is said of each migration. */
function textOf({ ask: _, ...text }: PlanFile["gates"]["after"]): GateText {
  return text;
}

/** People know by its question which gate they answer, so each must read differently. */
function checkQuestions({ gates, migrations }: PlanFile, askedAfter: ReadonlySet<string>): void {
  const asked = new Map<string, string>();
  const kinds = ["readiness", "rehearsal", "after", "open", "keep", "restore"] as const;
  for (const kind of kinds) {
    const { question } = gates[kind];
    const versions =
      kind === "after"
        ? migrations.filter(({ folder }) => askedAfter.has(folder)).map(({ folder }) => versionOf(folder))
        : [""];
    for (const version of versions) {
      const name = slug(question.replaceAll("{version}", version));
      const before = asked.get(name);
      asked.set(name, kind);
      if (before === undefined) continue;
      const reason =
        before === kind
          ? `"${question}" is asked after each migration: let {version} tell them apart`
          : `"${question}" reads like gates.${before}.question: letters and digits must tell them apart`;
      throw new PlanError("plan.yaml", `gates.${kind}.question`, reason);
    }
  }
}

function nonEmpty(file: SqlFile, mend = ""): SqlFile {
  if (file.steps.length === 0) throw new PlanError(file.path, "file", `holds no SQL${mend}`);
  return file;
}

/** Said wherever a migration has no rollback that works: there are two ways back. */
const TWO_WAYS = `. A migration has a rollback.sql that brings everything back, or, where nothing can, \`rollback: ${RESTORE}\` in plan.yaml: then the way back is the restore of the snapshot`;

/** @throws PlanError where it is missing or empty, with what to do instead */
async function wayBack(path: string, read: () => Promise<string>, reaching: Set<string>): Promise<SqlFile> {
  const text = await read().catch((error: unknown) => {
    const missing = error instanceof PlanError && error.reason.startsWith("missing");
    throw missing ? new PlanError(path, "file", `${error.reason}${TWO_WAYS}`) : error;
  });
  return nonEmpty(parseSqlFile(path, text, reaching), TWO_WAYS);
}

/** A rollback that would never be run must not look as if it were. */
async function withoutFile(directory: string, path: string): Promise<typeof RESTORE> {
  const there = await stat(join(directory, path)).catch(() => undefined);
  if (there)
    throw new PlanError(
      path,
      "file",
      `is there, and plan.yaml says \`rollback: ${RESTORE}\` for it, so that it would never be run. Take away one of the two`,
    );
  return RESTORE;
}

/** @throws PlanError for what names no difference, and where there is no rollback that could leave anything */
function leftByRollback(
  { leaves, rollback }: PlanFile["migrations"][number],
  index: number,
): string[] | undefined {
  if (leaves === undefined) return undefined;
  const refuse = (reason: string) => new PlanError("plan.yaml", `migrations[${index}].leaves`, reason);
  if (rollback === RESTORE)
    throw refuse(
      `is for a rollback of its own, and the way back is the restore: it leaves nothing. Take away one of the two`,
    );
  const named = leaves.flatMap((text) => {
    const found = leavesOf(text);
    if (found === undefined)
      throw refuse(
        `"${text}" names nothing that a rollback could leave. Name it as the proof of a rollback does, by what it is and its full name: "extension vector", or with the line that is left: "enum public.state: label: archived"`,
      );
    return found;
  });
  const twice = named.find((name, at) => named.indexOf(name) !== at);
  if (twice !== undefined) throw refuse(`"${twice}" stands twice`);
  return named;
}

function checkRoles(plan: CompiledPlan): void {
  for (const [index, { as, name }] of plan.benchmarks.entries())
    if (as !== undefined && !plan.applicationRoles.includes(as))
      throw new PlanError(
        "plan.yaml",
        `benchmarks[${index}].as`,
        `${name} runs as ${as}, which is no application role`,
      );
}

/** Whatever runs beside the migrations is one query each. What it calls cannot write either: see withReadOnlyTransaction. */
function checkReadsOnly(plan: CompiledPlan): void {
  const queries = [
    ...plan.benchmarks.flatMap(({ query, baseline, needs }, index) =>
      Object.entries({ query, baseline, needs }).map(([key, sql]) => ({
        where: `benchmarks[${index}].${key}`,
        sql,
      })),
    ),
    ...(plan.watch?.metrics ?? []).map(({ source }, index) => ({
      where: `watch.metrics[${index}].query`,
      sql: source.kind === "query" ? source.sql : undefined,
    })),
  ];
  for (const { where, sql } of queries) {
    if (sql === undefined) continue;
    const statements = splitStatements(sql, 1);
    // What does not parse is told as that.
    if (statements.some(({ node }) => node === undefined)) continue;
    const [first, ...more] = statements;
    if (!first || more.length > 0 || !isQuery(first))
      throw new PlanError(
        "plan.yaml",
        where,
        `is ${first ? (more.length > 0 ? `${statements.length} statements` : "no SELECT that only reads") : "empty"}. It runs beside the migrations, where nothing may be written: let it be one query`,
      );
  }
}

/** Whatever runs beside the migrations runs on staging too; of it only a post-migration task may reach outside. */
function checkReaching(plan: CompiledPlan, reaching: ReadonlySet<string>): void {
  const queries = [
    ...plan.afterOpening.map(({ sql, outside }, index) => ({
      where: `afterOpening[${index}].sql`,
      sql: outside ? undefined : sql,
      meant:
        ". It is rehearsed on staging, and reaches the real world from there too. Where it is meant, add to it: outside: allowed",
    })),
    ...plan.benchmarks.flatMap(({ query, baseline, needs }, index) =>
      Object.entries({ query, baseline, needs }).map(([key, sql]) => ({
        where: `benchmarks[${index}].${key}`,
        sql,
        meant: ", and a benchmark is run again and again. Take it out",
      })),
    ),
    ...(plan.watch?.metrics ?? []).map(({ source }, index) => ({
      where: `watch.metrics[${index}].query`,
      sql: source.kind === "query" ? source.sql : undefined,
      meant: ", and a metric is read again and again. Take it out",
    })),
  ];
  for (const { where, sql, meant } of queries) {
    if (sql === undefined) continue;
    for (const statement of splitStatements(sql, 1)) {
      const what = reach(statement, reaching);
      if (what !== undefined) throw new PlanError("plan.yaml", where, `${what}${meant}`);
    }
  }
}

function syntaxProblems(plan: CompiledPlan): PlanError[] {
  const files = plan.migrations.flatMap((migration) => [
    ...stepFiles(migration).flatMap(({ path, steps }) =>
      steps.map(({ statements }) => ({ path, statements })),
    ),
    ...migration.validate.checks.map(({ statements }) => ({ path: migration.validate.path, statements })),
  ]);
  for (const { path, steps } of plan.stagingData)
    files.push(...steps.map(({ statements }) => ({ path, statements })));
  const inFiles = files.flatMap(({ path, statements }) =>
    statements.flatMap((statement) => problemOf(statement, path)),
  );
  const inPlan = plan.afterOpening.flatMap(({ sql }, index) =>
    problemOf({ sql, line: 1 }, "plan.yaml", `afterOpening[${index}].sql: `),
  );
  const watched = (plan.watch?.metrics ?? []).flatMap(({ name, source }) =>
    source.kind === "query" ? problemOf({ sql: source.sql, line: 1 }, `the query of metric ${name}`) : [],
  );
  return [...inFiles, ...inPlan, ...watched];
}

function problemOf(statement: Statement, path: string, key = ""): PlanError[] {
  const problem = syntaxProblem(statement);
  return problem
    ? [new PlanError(path, `${key}line ${problem.line}, column ${problem.column}`, problem.message)]
    : [];
}

async function localPlan(directory: string, file: PlanFile): Promise<LocalPlan | undefined> {
  if (!file.local) return undefined;
  const baseline = [];
  for (const path of file.local.baseline) baseline.push({ path, sql: await readText(directory, path) });
  return { owner: file.local.owner, baseline, application: file.local.application };
}
