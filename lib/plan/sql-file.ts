import { createHash } from "node:crypto";
import type { Check, CheckFile, SqlFile, Statement, Step } from "../../lambdas/shared/plan.ts";
import { picksByTime } from "./by-time.ts";
import { inBatches } from "./in-batches.ts";
import {
  isQuery,
  mayChangeRows,
  refusedAnywhere,
  refusedInTransaction,
  tablesMade,
} from "./in-transaction.ts";
import { leavesRole } from "./leaves-role.ts";
import { reach, reachesOutside, reachingMade } from "./outside.ts";
import { indexBuild, outsideTransaction } from "./outside-transaction.ts";
import { PlanError } from "./plan-error.ts";
import { relationsOf } from "./relations.ts";
import { revokesConnect } from "./revokes-connect.ts";
import { domainsMade, rewritesTable, tablesEmptied } from "./rewrites.ts";
import { extensionsMade, rightsOf } from "./rights.ts";
import { fieldsOf, nameOf, type ParsedStatement, splitStatements } from "./statements.ts";

// The marks of docs/plan-format.md. They are SQL comments, so that psql runs the same file.
const MARK = /^--[ \t]*sluice:[ \t]*(.*?)[ \t]*$/;
const STEP = /^step "([^"]+)"(?: (outside transaction|in batches))?((?: rewrites| outside: ?allowed)*)$/;
const CHECK = /^check "([^"]+)"(?: as (?:(each application role)|([^\s"]+)|"((?:[^"]|"")+)"))?$/;

interface Section<Head> {
  head: Head | undefined;
  /** Line of the section's first character of text. */
  line: number;
  text: string;
}

type Kind = Step["kind"];
interface StepMark {
  name: string;
  line: number;
  kind: Kind;
  /** It rewrites tables, and is meant to. */
  rewrites: boolean;
  /** It reaches out of the database, and is meant to. */
  outside: boolean;
}
const KINDS: Readonly<Record<string, Kind>> = { "outside transaction": "outside", "in batches": "batches" };
/** A file without marks is one step. */
const UNMARKED = { name: "all", kind: "transaction", rewrites: false, outside: false } as const;

/** What the steps of a file so far have done that matters to the next. */
interface Before {
  settings: string[];
  /** Tables that they made. */
  tables: Set<string>;
  /** Domains with a constraint that they made. */
  domains: Set<string>;
  /** Routines that they made and that reach out of the database. */
  reaching: Set<string>;
}

/**
 * Cuts a migrate or rollback file into its steps.
 * @throws PlanError with file and line for a mark that is not understood, SQL before the first mark, an empty step, or
 * a statement that cannot run where it stands, with what to write instead.
 * @param reaching routines that the plan's files before this one made and that reach out of the database; added to
 */
export function parseSqlFile(path: string, text: string, reaching = new Set<string>()): SqlFile {
  const sections = cut(path, text, (mark, line) => {
    const match = STEP.exec(mark);
    if (!match)
      throw new PlanError(
        path,
        `line ${line}`,
        `not understood: "${mark}". A step is marked: -- sluice: step "name" [outside transaction | in batches] [rewrites] [outside: allowed]`,
      );
    const kind = KINDS[match[2] ?? ""] ?? ("transaction" as const);
    const marks = match[3] ?? "";
    const rewrites = marks.includes("rewrites");
    if (kind === "batches" && rewrites)
      throw new PlanError(
        path,
        `line ${line}`,
        `step "${match[1]}" is done in batches, which change rows and rewrite no table. Take \`rewrites\` off`,
      );
    return { name: String(match[1]), line, kind, rewrites, outside: marks.includes("outside:") };
  });
  const before: Before = { settings: [], tables: new Set(), domains: new Set(), reaching };
  const steps = sections.flatMap((section): Step[] => {
    const statements = splitStatements(section.text, section.line);
    if (section.head !== undefined && statements.length === 0)
      throw new PlanError(path, `line ${section.head.line}`, `step "${section.head.name}" is empty`);
    if (statements.length === 0) return [];
    if (section.head === undefined && sections.length > 1)
      throw new PlanError(
        path,
        `line ${statements[0]?.line}`,
        "SQL before the first step mark. Put it under a mark of its own",
      );
    return [toStep(path, section.head ?? { ...UNMARKED, line: section.line }, statements, before)];
  });
  const names = steps.map((step) => step.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new PlanError(path, `step "${twice}"`, "two steps have this name");
  return { path, checksum: checksum(steps.flatMap((step) => [step.name, step.checksum])), steps };
}

/**
 * Cuts a validate file into its checks.
 * @throws PlanError as parseSqlFile, and for a file with no check.
 */
export function parseCheckFile(
  path: string,
  text: string,
  reaching: ReadonlySet<string> = new Set(),
): CheckFile {
  const sections = cut(path, text, (mark, line) => {
    const match = CHECK.exec(mark);
    if (!match)
      throw new PlanError(
        path,
        `line ${line}`,
        `not understood: "${mark}". A check is marked: -- sluice: check "name" [as ROLE | as "role name" | as each application role]`,
      );
    const role = match[3] ?? match[4]?.replaceAll('""', '"');
    const as = match[2] ? ("each" as const) : role === undefined ? undefined : { role };
    return { name: String(match[1]), line, as };
  });
  const checks = sections.flatMap((section): Check[] => {
    const statements = splitStatements(section.text, section.line);
    for (const statement of statements) {
      refuse(path, statement, refusedAnywhere(statement) ?? checkReaching(statement, reaching));
      if (section.head?.as !== undefined) refuse(path, statement, leavesRole(statement));
    }
    if (section.head) {
      if (statements.length === 0)
        throw new PlanError(path, `line ${section.head.line}`, `check "${section.head.name}" is empty`);
      return [{ ...section.head, statements: statements.map(bare) }];
    }
    if (statements.length > 0)
      throw new PlanError(
        path,
        `line ${statements[0]?.line}`,
        'SQL outside a check. Put it under: -- sluice: check "name"',
      );
    return [];
  });
  if (checks.length === 0)
    throw new PlanError(
      path,
      "checks",
      "there are none: a migration without a check cannot be said to have worked",
    );
  return { path, checks };
}

function cut<Head>(
  path: string,
  text: string,
  readMark: (mark: string, line: number) => Head,
): Section<Head>[] {
  const sections: Section<Head>[] = [{ head: undefined, line: 1, text: "" }];
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\\/.test(line))
      throw new PlanError(path, `line ${index + 1}`, `psql's own commands do not work here: ${line}`);
    const mark = MARK.exec(line);
    if (mark) sections.push({ head: readMark(String(mark[1]), index + 1), line: index + 2, text: "" });
    else (sections.at(-1) as Section<Head>).text += `${line}\n`;
  }
  return sections;
}

function toStep(path: string, mark: StepMark, parsed: readonly ParsedStatement[], before: Before): Step {
  for (const statement of parsed) {
    refuse(path, statement, refusedAnywhere(statement));
    if (!mark.outside) refuse(path, statement, reachesOutside(statement, before.reaching));
    for (const name of reachingMade(statement, before.reaching)) before.reaching.add(name);
  }
  const relations = relationsOf(parsed);
  const base = {
    name: mark.name,
    line: mark.line,
    checksum: checksum([mark.kind, ...parsed.map(({ sql }) => sql)]),
    statements: parsed.map(bare),
    settings: [...before.settings],
    relations,
    relationsBefore: relations?.filter(({ name }) => !parsed.flatMap(tablesMade).includes(name)),
  };
  const revoked = parsed.flatMap(revokesConnect);
  const rights = rightsOf(
    parsed,
    before.settings.flatMap((sql) => splitStatements(sql, 1)),
  );
  const extensions = parsed.flatMap(extensionsMade);
  const common = {
    ...base,
    ...(revoked.length > 0 ? { revokesConnect: revoked } : {}),
    ...(rights.length > 0 ? { rights } : {}),
    ...(extensions.length > 0 ? { extensions } : {}),
    ...(mark.rewrites ? { rewrites: true as const } : {}),
    ...(mark.outside ? { outside: true as const } : {}),
    ...(parsed.some(picksByTime) ? { picksByTime: true as const } : {}),
  };
  if (mark.kind === "transaction") {
    const notRewritten = [...before.tables].map((name) => ({ name }));
    for (const statement of parsed) {
      refuse(path, statement, refusedInTransaction(statement));
      if (!mark.rewrites) refuse(path, statement, rewritesTable(statement, before));
      for (const table of tablesMade(statement)) before.tables.add(table);
      for (const domain of domainsMade(statement)) before.domains.add(domain);
      notRewritten.push(...tablesEmptied(statement).map(nameOf));
      if (setsForSession(statement)) before.settings.push(statement.sql);
    }
    const builds = parsed.flatMap(({ node }, index) => indexBuild(node, index) ?? []);
    const queries = parsed.flatMap((statement, index) => (isQuery(statement) ? [index] : []));
    const rest = notRewritten.length > 0 ? { notRewritten } : {};
    return {
      ...common,
      kind: "transaction",
      changesRows: parsed.some(mayChangeRows),
      queries,
      builds,
      ...rest,
    };
  }
  const statement = onlyOne(path, mark, parsed);
  if (mark.kind === "outside") {
    const outside = outsideTransaction(statement);
    if ("refused" in outside) throw refusal(path, statement, outside.refused);
    if (!mark.rewrites) refuse(path, statement, rewritesTable(statement, before));
    return { ...common, kind: "outside", ...outside };
  }
  const batches = inBatches(statement);
  if ("refused" in batches) throw refusal(path, statement, batches.refused);
  return { ...common, kind: "batches", batches };
}

/** A check is run several times, on copies and on production, and is rolled back: what it does outside is not. */
function checkReaching(statement: ParsedStatement, reaching: ReadonlySet<string>): string | undefined {
  const what = reach(statement, reaching);
  return what && `${what}, and a check is run again and again. Take this out`;
}

function onlyOne(
  path: string,
  { name, line, kind }: StepMark,
  statements: readonly ParsedStatement[],
): ParsedStatement {
  const [statement, ...more] = statements;
  if (!statement || more.length > 0)
    throw new PlanError(
      path,
      `line ${line}`,
      `step "${name}" is ${kind === "outside" ? "outside a transaction" : "done in batches"} and so may hold one statement only; it holds ${statements.length}`,
    );
  return statement;
}

function refuse(path: string, statement: Statement, reason: string | undefined): void {
  if (reason !== undefined) throw refusal(path, statement, reason);
}

function refusal(path: string, { sql, line }: Statement, reason: string): PlanError {
  return new PlanError(path, `line ${line}`, `${reason}. It says: ${excerpt(sql)}`);
}

function excerpt(sql: string): string {
  const [first = ""] = sql.split("\n");
  return first.length < sql.length || first.length > 100 ? `${first.slice(0, 100)} ...` : first;
}

function bare({ sql, line }: ParsedStatement): Statement {
  return { sql, line };
}

/** A SET that the steps after this one rely on, as they would where psql runs the file in one session. */
function setsForSession({ node }: ParsedStatement): boolean {
  const set = fieldsOf<{ is_local?: boolean }>(node, "VariableSetStmt");
  return set !== undefined && !set.is_local;
}

function checksum(parts: readonly string[]): string {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(`${part.length}\0${part}`);
  return digest.digest("hex");
}
