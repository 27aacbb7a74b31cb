import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { loadModule } from "libpg-query";
import {
  type CheckFile,
  type CompiledPlan,
  type GateText,
  type Migration,
  RESTORE,
  type SchemaVersion,
  type SqlFile,
  type Statement,
} from "../../lambdas/shared/plan.ts";
import { bound } from "../../lambdas/shared/plan-document.ts";
import { slug } from "../../lambdas/shared/task.ts";
import { TOOL_TABLES } from "../../lambdas/shared/tool-rows.ts";
import { AS_TEXT, firstOutOfOrder, whyNoVersion } from "../../lambdas/shared/version.ts";
import { baselineSql } from "./baseline.ts";
import { versionOf } from "./folder-version.ts";
import { askedAfter } from "./gates-after.ts";
import { isQuery } from "./in-transaction.ts";
import { leavesOf } from "./leaves.ts";
import { limitProblems } from "./limits.ts";
import { nearest } from "./nearest.ts";
import { reach } from "./outside.ts";
import { Mistakes, PlanError, PlanErrors } from "./plan-error.ts";
import { noPlanYaml, type PlanYaml, parsePlanYaml } from "./plan-yaml.ts";
import { readText } from "./read-text.ts";
import { LOCAL_OWNER, MIGRATION_FOLDER, type PlanFile } from "./schema.ts";
import { type Noted, parseCheckFile, parseSqlFile } from "./sql-file.ts";
import { splitStatements, syntaxProblem } from "./statements.ts";
import { toolRowsOf } from "./tool-rows.ts";
import { compileWatch } from "./watch.ts";

/** plan.yaml with its migrations, or those that the folder has. */
export type GivenPlan = PlanFile & { migrations: NonNullable<PlanFile["migrations"]> };

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
 * @throws PlanErrors with every mistake of any kind, SQL that does not parse included, and limits that it exceeds.
 */
export async function compilePlan(directory: string): Promise<CompiledPlan> {
  const loaded = await loadPlan(directory);
  const problems = whyNotDeployed(loaded);
  if (problems.length > 0) throw new PlanErrors(problems);
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
 * @param rollbacks "none": they are not read, and may be missing; they have no steps then
 * @throws PlanErrors with every mistake in plan.yaml and in the SQL files, and with SQL that does not parse where there
 * are others
 */
export async function loadPlan(
  directory: string,
  { rollbacks = "read" }: { rollbacks?: "read" | "none" } = {},
): Promise<LoadedPlan> {
  await loadModule();
  const mistakes = new Mistakes();
  const noted: Noted = { notices: [], syntax: [] };
  const digest = createHash("sha256");
  const read = async (path: string): Promise<string> => {
    const text = await readText(directory, path);
    digest.update(`${path}\0${text.length}\0${text}\0`);
    return text;
  };
  const inside = await lookInto(directory);
  const yaml = await mistakes.within(() => planYaml(directory, inside, read));
  const given = yaml && givenPlan(directory, yaml.file, inside, mistakes);

  const migrations: Migration[] = [];
  const reaching = new Set<string>();
  const asked = given && mistakes.in(() => askedAfter(given));
  if (given) {
    const before = mistakes.found.length;
    mistakes.in(() => checkOrder(given.migrations));
    if (asked && mistakes.found.length === before) mistakes.in(() => checkQuestions(given, asked));
  }
  // Where plan.yaml cannot be read, the mistakes in the SQL are told all the same.
  const entries: GivenPlan["migrations"] = given?.migrations ?? bare(inside.migrations);
  for (const [index, entry] of entries.entries()) {
    const { folder, title, expectedMinutes, checklist, changes } = entry;
    if (!inside.folders.includes(folder)) {
      mistakes.add("plan.yaml", `migrations[${index}].folder`, noFolder(directory, folder, inside));
      continue;
    }
    const files = await readdir(join(directory, folder));
    const path = (name: string) => `${folder}/${name}.sql`;
    const migrate = await mistakes.within(async () =>
      nonEmpty(parseSqlFile(path("migrate"), await readOf(read, path("migrate"), files), reaching, noted)),
    );
    const validate = await mistakes.within(() => checksOf(path("validate"), files, read, reaching, noted));
    const rollback = await mistakes.within<Migration["rollback"]>(() =>
      entry.rollback === RESTORE
        ? withoutFile(directory, path("rollback"))
        : rollbacks === "none" || !(given || files.includes("rollback.sql"))
          ? // Of a plan.yaml that cannot be read nobody knows whether it asks for one.
            { path: path("rollback"), checksum: "", steps: [] }
          : wayBack(
              path("rollback"),
              () => readOf(read, path("rollback"), files),
              (text) => parseSqlFile(path("rollback"), text, reaching, noted),
            ),
    );
    const rows = mistakes.in(() => toolRowsOf(given?.schema, entry, index, versionOf(folder)));
    const leaves = mistakes.in(() => leftByRollback(entry, index));
    if (!migrate || !validate || !rollback) continue;
    migrations.push({
      version: versionOf(folder),
      folder,
      title: title ?? inWords(folder.slice(folder.indexOf("_") + 1)),
      ...(expectedMinutes === undefined ? {} : { expectedMinutes }),
      checklist,
      ...(asked?.has(folder) ? {} : { unasked: true as const }),
      ...(changes === undefined ? {} : { changes }),
      ...(rows === undefined || rows.length === 0 ? {} : { rows }),
      migrate,
      validate,
      rollback,
      ...(leaves === undefined ? {} : { leaves }),
    });
  }
  if (!given) return refused(mistakes, noted, yaml);
  const benchmarks = [];
  for (const { query, baseline, ...rest } of given.benchmarks) {
    const texts = await mistakes.within(async () => ({
      query: await read(query),
      ...(baseline === undefined ? {} : { baseline: await read(baseline) }),
    }));
    if (texts) benchmarks.push({ ...rest, ...texts });
  }
  const watched = given.watch;
  const watch = watched && (await mistakes.within(() => compileWatch(given, watched, read)));
  const stagingData: SqlFile[] = [];
  for (const path of given.stagingData) {
    const file = await mistakes.within(async () => parseSqlFile(path, await read(path), reaching, noted));
    if (file) stagingData.push(file);
  }
  const local = await mistakes.within(() => localPlan(directory, given, inside));
  if (mistakes.found.length > 0) return refused(mistakes, noted, yaml);

  const { notices } = noted;
  const plan = bound({
    name: basename(resolve(directory)),
    sources: digest.digest("hex"),
    title: given.title ?? inWords(basename(resolve(directory))),
    ...(given.schema ? { schema: tableOf(given.schema) } : {}),
    server: given.server,
    extensions: given.extensions,
    applicationRoles: given.applicationRoles ?? [],
    ...(given.applicationRoles ? {} : { findRoles: true as const }),
    ...(given.runAs === undefined ? {} : { runAs: given.runAs }),
    protect: given.protect,
    contents: given.contents,
    rollbackSloMinutes: given.rollbackSloMinutes,
    ...(given.acceptNoWayBack ? { acceptNoWayBack: true as const } : {}),
    migrations,
    gates: { ...given.gates, after: textOf(given.gates.after) },
    benchmarks,
    application: given.application,
    afterOpening: given.afterOpening.map(({ outside, ...task }) =>
      outside === undefined ? task : { ...task, outside: true },
    ),
    ...(watch ? { watch } : {}),
    reminders: given.reminders,
    ...(given.expectedMinutes ? { expectedMinutes: given.expectedMinutes } : {}),
    stagingData,
    ...(notices.length > 0 ? { notices } : {}),
  });
  checkRoles(plan, mistakes);
  checkReadsOnly(plan, mistakes);
  checkReaching(plan, reaching, mistakes);
  if (mistakes.found.length > 0) return refused(mistakes, noted, yaml);
  return { plan, local, syntaxProblems: [...noted.syntax, ...problemsOfTexts(plan)] };
}

function tableOf({ tool, table, expectedVersion }: NonNullable<PlanFile["schema"]>): SchemaVersion {
  return {
    table: table ?? (tool === undefined ? "schema_migrations" : TOOL_TABLES[tool]),
    expectedVersion,
    ...(tool === undefined ? {} : { tool }),
  };
}

/** @throws PlanErrors always: with what is wrong in its files, sorted by nothing but the order in which it was found */
function refused(mistakes: Mistakes, { syntax }: Noted, yaml: PlanYaml | undefined): never {
  const all = [...mistakes.found, ...syntax];
  throw new PlanErrors(yaml ? all.map((mistake) => yaml.placed(mistake)) : all);
}

interface Inside {
  files: readonly string[];
  folders: readonly string[];
  /** Folders that are named like a migration's and hold its SQL, in the order of their versions. */
  migrations: readonly string[];
  /** Folders with a migrate.sql that are not named so. */
  unnamed: readonly string[];
  /** Nothing in their versions says which is newer. */
  unordered: boolean;
}

async function lookInto(directory: string): Promise<Inside> {
  const names = (await readdir(directory)).sort();
  const folders: string[] = [];
  for (const name of names)
    if ((await stat(join(directory, name)).catch(() => undefined))?.isDirectory()) folders.push(name);
  const migrations: string[] = [];
  const unnamed: string[] = [];
  for (const folder of folders) {
    const inIt = await readdir(join(directory, folder));
    const migrates = inIt.some((name) => /^migrate\.sql$/i.test(name));
    if (!MIGRATION_FOLDER.test(folder)) {
      if (migrates) unnamed.push(folder);
    }
    // By a number it is known for a migration though its file has another name, which is told.
    else if (migrates || (/^\d/.test(folder) && inIt.some((name) => /\.sql$/i.test(name))))
      migrations.push(folder);
  }
  const compare = (a: string, b: string) => AS_TEXT.compare(versionOf(a), versionOf(b));
  const unordered =
    migrations.length > 1 && migrations.some((folder) => compare(folder, folder) === undefined);
  migrations.sort((a, b) => compare(a, b) ?? 0);
  return { files: names.filter((name) => !folders.includes(name)), folders, migrations, unnamed, unordered };
}

async function planYaml(
  directory: string,
  { files, folders, migrations, unnamed }: Inside,
  read: (path: string) => Promise<string>,
): Promise<PlanYaml> {
  if (files.includes("plan.yaml") || folders.includes("plan.yaml"))
    return parsePlanYaml(await read("plan.yaml"));
  const other = files.find((name) => /^plan\.ya?ml$/i.test(name));
  if (other !== undefined)
    throw new PlanError(other, "file", `not read: the plan's file is plan.yaml. Rename it, in ${directory}`);
  if (migrations.length + unnamed.length > 0) return noPlanYaml();
  const below = [];
  for (const folder of folders)
    if ((await lookInto(join(directory, folder))).migrations.length > 0) below.push(join(directory, folder));
  if (below.length > 0)
    throw new PlanError(
      "plan.yaml",
      "file",
      `missing in ${directory}. The folder of a plan is ${below.join(" or ")}`,
    );
  const loose = files.filter((name) => /\.sql$/i.test(name));
  throw new PlanError(
    "plan.yaml",
    "file",
    `missing in ${directory}, and no folder is there that is named like 012_orders and holds migrate.sql and rollback.sql.${
      loose.length > 0
        ? ` There is ${loose.slice(0, 3).join(", ")}${loose.length > 3 ? ` and ${loose.length - 3} more` : ""}: \`sluice import\` makes a plan of another tool's folder`
        : " `sluice new` makes a plan"
    }`,
  );
}

function givenPlan(
  directory: string,
  file: PlanFile,
  { migrations, unnamed, unordered }: Inside,
  mistakes: Mistakes,
): GivenPlan | undefined {
  if (file.migrations) return { ...file, migrations: file.migrations };
  for (const folder of unnamed)
    mistakes.add(
      `${folder}/migrate.sql`,
      "file",
      `not read: its folder is not named like 012_orders (a version, _, a name). Rename the folder, or list the plan's migrations in plan.yaml`,
    );
  if (unordered) {
    mistakes.add(
      "plan.yaml",
      "migrations",
      `names none, and nothing in the folders' versions says which comes first: ${migrations.slice(0, 10).join(", ")}. List them in their order`,
    );
    return undefined;
  }
  if (migrations.length + unnamed.length > 0) return { ...file, migrations: bare(migrations) };
  mistakes.add(
    "plan.yaml",
    "migrations",
    `names none, and no folder in ${directory} is named like 012_orders and holds migrate.sql and rollback.sql`,
  );
  return undefined;
}

/** Of which nothing is said but that they are there. */
function bare(folders: readonly string[]): GivenPlan["migrations"] {
  return folders.map((folder) => ({ folder, checklist: [] }));
}

function noFolder(directory: string, folder: string, { files, folders, migrations }: Inside): string {
  if (files.includes(folder)) return `${folder} is a file in ${directory}, and must be a folder`;
  const meant = nearest(folder, folders);
  const there = migrations.length > 0 ? migrations : folders;
  return [
    `there is no folder ${folder} in ${directory}.`,
    ...(meant === undefined ? [] : [`Is ${meant} meant?`]),
    there.length === 0
      ? "There is none at all."
      : `There ${there.length === 1 ? "is" : "are"} ${there.slice(0, 10).join(", ")}${there.length > 10 ? ` and ${there.length - 10} more` : ""}.`,
  ].join(" ");
}

/** As `read`; of a file that is missing it says what is there instead. */
async function readOf(
  read: (path: string) => Promise<string>,
  path: string,
  files: readonly string[],
): Promise<string> {
  try {
    return await read(path);
  } catch (error) {
    const missing = error instanceof PlanError && error.reason.startsWith("missing in ");
    if (!missing || files.includes(basename(path))) throw error;
    throw new PlanError(
      error.file,
      error.where,
      `${error.reason}. Its folder holds ${files.length === 0 ? "nothing" : files.slice(0, 10).join(", ")}`,
    );
  }
}

/** Without a file there is no check: then production must become what staging became (lambdas/validate/as-rehearsed.ts). */
async function checksOf(
  path: string,
  files: readonly string[],
  read: (path: string) => Promise<string>,
  reaching: ReadonlySet<string>,
  noted: Noted,
): Promise<CheckFile> {
  const name = basename(path);
  const almost = files.find((file) => file !== name && file.toLowerCase() === name);
  if (almost !== undefined)
    throw new PlanError(path, "file", `not read: it is named ${almost}. Rename it to ${name}`);
  if (!files.includes(name)) return { path, checks: [] };
  return parseCheckFile(path, await read(path), reaching, noted);
}

/** A title out of a name: `add_Orders-table` is `Add Orders table`. */
function inWords(name: string): string {
  const words = name.replace(/[_-]+/g, " ").trim();
  return words === "" ? name : `${words[0]?.toUpperCase()}${words.slice(1)}`;
}

/**
 * Versions rise where their digits say which is newer; of others the order is the plan's own. Whether a table of versions
 * holds two for one, as one of numbers does with 1 and 001, only the database knows: preflight asks it.
 */
function checkOrder(migrations: GivenPlan["migrations"]): void {
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
function textOf({ ask: _, ...text }: GivenPlan["gates"]["after"]): GateText {
  return text;
}

/** People know by its question which gate they answer, so each must read differently. */
function checkQuestions({ gates, migrations }: GivenPlan, askedAfter: ReadonlySet<string>): void {
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
const TWO_WAYS = `. A migration has a rollback.sql that brings everything back (\`sluice rollback\` writes one), or, where nothing can, \`rollback: ${RESTORE}\` in plan.yaml: then the way back is the restore of the snapshot`;

/** @throws PlanError where it is missing or empty, with what to do instead */
async function wayBack(
  path: string,
  read: () => Promise<string>,
  parse: (text: string) => SqlFile,
): Promise<SqlFile> {
  const text = await read().catch((error: unknown) => {
    const missing = error instanceof PlanError && error.reason.startsWith("missing");
    throw missing ? new PlanError(path, "file", `${error.reason}${TWO_WAYS}`) : error;
  });
  return nonEmpty(parse(text), TWO_WAYS);
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
  { leaves, rollback }: GivenPlan["migrations"][number],
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

function checkRoles({ benchmarks, applicationRoles, findRoles }: CompiledPlan, mistakes: Mistakes): void {
  for (const [index, { as, name }] of benchmarks.entries())
    if (as !== undefined && !applicationRoles.includes(as))
      mistakes.add(
        "plan.yaml",
        `benchmarks[${index}].as`,
        `${name} runs as ${as}, which is no application role${findRoles ? ": name it under applicationRoles" : ""}`,
      );
}

/** Whatever runs beside the migrations is one query each. What it calls cannot write either: see withReadOnlyTransaction. */
function checkReadsOnly(plan: CompiledPlan, mistakes: Mistakes): void {
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
      mistakes.add(
        "plan.yaml",
        where,
        `is ${first ? (more.length > 0 ? `${statements.length} statements` : "no SELECT that only reads") : "empty"}. It runs beside the migrations, where nothing may be written: let it be one query`,
      );
  }
}

/** Whatever runs beside the migrations runs on staging too; of it only a post-migration task may reach outside. */
function checkReaching(plan: CompiledPlan, reaching: ReadonlySet<string>, mistakes: Mistakes): void {
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
      if (what !== undefined) mistakes.add("plan.yaml", where, `${what}${meant}`);
    }
  }
}

/** SQL that stands in no file of steps or checks. */
function problemsOfTexts(plan: CompiledPlan): PlanError[] {
  const inPlan = plan.afterOpening.flatMap(({ sql }, index) =>
    problemOf({ sql, line: 1 }, "plan.yaml", `afterOpening[${index}].sql: `),
  );
  const watched = (plan.watch?.metrics ?? []).flatMap(({ name, source }) =>
    source.kind === "query" ? problemOf({ sql: source.sql, line: 1 }, `the query of metric ${name}`) : [],
  );
  return [...inPlan, ...watched];
}

function problemOf(statement: Statement, path: string, key = ""): PlanError[] {
  const problem = syntaxProblem(statement);
  return problem
    ? [new PlanError(path, `${key}line ${problem.line}, column ${problem.column}`, problem.message)]
    : [];
}

/** A plan that says nothing of it starts from baseline.sql, where there is one. */
async function localPlan(
  directory: string,
  { local }: GivenPlan,
  { files }: Inside,
): Promise<LocalPlan | undefined> {
  const paths = local?.baseline ?? (files.includes(BASELINE) ? [BASELINE] : undefined);
  if (!paths) return undefined;
  const mistakes = new Mistakes();
  const baseline = [];
  for (const path of paths) {
    const sql = await mistakes.within(async () => baselineSql(path, await readText(directory, path)));
    if (sql !== undefined) baseline.push({ path, sql });
  }
  mistakes.refuse();
  return { owner: local?.owner ?? LOCAL_OWNER, baseline, application: local?.application };
}

/** What rehearsals on the embedded PostgreSQL start from, where plan.yaml names nothing. */
export const BASELINE = "baseline.sql";
