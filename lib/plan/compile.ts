import { createHash } from "node:crypto";
import { basename, resolve } from "node:path";
import { loadModule } from "libpg-query";
import type { CompiledPlan, GateText, Migration, SchemaVersion, SqlFile } from "../../lambdas/shared/plan.ts";
import { bound } from "../../lambdas/shared/plan-document.ts";
import { slug } from "../../lambdas/shared/task.ts";
import { TOOL_TABLES } from "../../lambdas/shared/tool-rows.ts";
import { AS_TEXT, firstOutOfOrder, whyNoVersion } from "../../lambdas/shared/version.ts";
import { baselineSql } from "./baseline.ts";
import { besideThatDoesNotParse, checkBeside } from "./beside.ts";
import { bare, type GivenPlan, givenPlan, type Inside, lookInto, noFolder, planYamlIn } from "./folder.ts";
import { inWords, versionOf } from "./folder-name.ts";
import { askedAfter } from "./gates-after.ts";
import { limitProblems } from "./limits.ts";
import { type Around, compileMigration, type Reading } from "./migration.ts";
import { Mistakes, PlanError, PlanErrors } from "./plan-error.ts";
import type { PlanYaml } from "./plan-yaml.ts";
import { readText } from "./read-text.ts";
import { LOCAL_OWNER, type PlanFile } from "./schema.ts";
import { type Noted, parseSqlFile } from "./sql-file.ts";
import { compileWatch } from "./watch.ts";

export interface LoadedPlan {
  plan: CompiledPlan;
  /** Only for local runs: the baseline's SQL files in order, and the stand-in for the application. */
  local: LocalPlan | undefined;
  /** SQL that Postgres's parser refuses: file, line, column and reason. A deployment refuses it; a rehearsal shows the server's error. */
  syntaxProblems: PlanError[];
}

export interface LocalPlan {
  /** Role that owns the database. Like RDS's master user, it is no superuser. */
  owner: string;
  baseline: readonly { path: string; sql: string }[];
  application: NonNullable<PlanFile["local"]>["application"];
}

/**
 * Compiles a plan for a deployment.
 * @throws PlanErrors with every mistake, including SQL that does not parse and limits that the plan exceeds.
 */
export async function compilePlan(directory: string): Promise<CompiledPlan> {
  const loaded = await loadPlan(directory);
  const problems = whyNotDeployed(loaded);
  if (problems.length > 0) throw new PlanErrors(problems);
  return loaded.plan;
}

/** What keeps a readable plan from being deployed or published; empty if nothing does. */
export function whyNotDeployed({ plan, syntaxProblems }: LoadedPlan): PlanError[] {
  return [
    ...syntaxProblems,
    ...limitProblems(plan).map((problem) => new PlanError("plan.yaml", "(all of it)", problem)),
  ];
}

/**
 * Loads a plan for a rehearsal.
 * @param rollbacks "none": rollbacks are not read, may be missing, and have no steps
 * @throws PlanErrors with every mistake in plan.yaml and in the SQL files. SQL that does not parse is added to other
 * mistakes; alone it is no error
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
  const yaml = await mistakes.within(() => planYamlIn(directory, inside, read));
  const given = yaml && givenPlan(directory, yaml.file, inside, mistakes);

  const migrations: Migration[] = [];
  const reaching = new Set<string>();
  const asked = given && mistakes.in(() => askedAfter(given));
  if (given) {
    const before = mistakes.found.length;
    mistakes.in(() => checkOrder(given.migrations));
    if (asked && mistakes.found.length === before) mistakes.in(() => checkQuestions(given, asked));
  }
  const around: Around = {
    schema: given?.schema,
    asked,
    // An unreadable plan.yaml does not show which migrations have no rollback.
    rollbacks: rollbacks === "none" ? "none" : given ? "each" : "present",
  };
  const reading: Reading = { directory, read, reaching, noted, mistakes };
  // Mistakes in the SQL are reported even where plan.yaml cannot be read.
  const entries = given?.migrations ?? bare(inside.migrations);
  for (const [place, entry] of entries.entries()) {
    const { folder } = entry;
    if (!inside.folders.includes(folder)) {
      mistakes.add("plan.yaml", `migrations[${place}].folder`, noFolder(directory, folder, inside));
      continue;
    }
    const migration = await compileMigration(entry, place, around, reading);
    if (migration) migrations.push(migration);
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
    ...(given.backup === undefined ? {} : { backup: given.backup }),
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
  checkBeside(plan, reaching, mistakes);
  if (mistakes.found.length > 0) return refused(mistakes, noted, yaml);
  return { plan, local, syntaxProblems: [...noted.syntax, ...besideThatDoesNotParse(plan)] };
}

function tableOf({ tool, table, expectedVersion }: NonNullable<PlanFile["schema"]>): SchemaVersion {
  return {
    table: table ?? (tool === undefined ? "schema_migrations" : TOOL_TABLES[tool]),
    expectedVersion,
    ...(tool === undefined ? {} : { tool }),
  };
}

/** @throws PlanErrors always: the mistakes in the plan's files, in the order in which they were found */
function refused(mistakes: Mistakes, { syntax }: Noted, yaml: PlanYaml | undefined): never {
  const all = [...mistakes.found, ...syntax];
  throw new PlanErrors(yaml ? all.map((mistake) => yaml.placed(mistake)) : all);
}

/**
 * Versions must rise where their digits show which is newer; otherwise the plan's order counts. Only the database shows
 * whether a version table treats two as one, as numbers do with 1 and 001: preflight checks that.
 */
function checkOrder(migrations: GivenPlan["migrations"]): void {
  const versions = migrations.map(({ folder }) => versionOf(folder));
  const refuse = (index: number, reason: string) =>
    new PlanError("plan.yaml", `migrations[${index}].folder`, reason);
  const standing = new Map<string, number>();
  for (const [index, version] of versions.entries()) {
    const why = whyNoVersion(version);
    if (why !== undefined) throw refuse(index, why);
    // Evidence is kept under the slug, and some disks ignore case.
    const name = slug(version);
    const former = standing.get(name);
    standing.set(name, index);
    if (former === undefined) continue;
    const [before, now] = [migrations[former]?.folder, migrations[index]?.folder];
    throw refuse(
      index,
      versions[former] === version
        ? `version ${version} is there twice: ${before}, ${now}`
        : `versions ${versions[former]} and ${version} must differ in more than case and punctuation: ${before}, ${now}`,
    );
  }
  const late = firstOutOfOrder(AS_TEXT, versions);
  if (late !== undefined)
    throw refuse(
      late,
      `${migrations[late]?.folder} comes after ${migrations[late - 1]?.folder}: versions must rise`,
    );
}

/** Without `ask`: each migration has its own. */
function textOf({ ask: _, ...text }: GivenPlan["gates"]["after"]): GateText {
  return text;
}

/** Approvers recognize a gate by its question, so questions must differ. */
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
          ? `"${question}" would be the question after each migration: use {version} to make the questions differ`
          : `"${question}" reads like gates.${before}.question: the two must differ in letters or digits`;
      throw new PlanError("plan.yaml", `gates.${kind}.question`, reason);
    }
  }
}

/** Without `local` in plan.yaml, a rehearsal starts from baseline.sql if there is one. */
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

/** What rehearsals on the embedded PostgreSQL start from by default. */
export const BASELINE = "baseline.sql";
