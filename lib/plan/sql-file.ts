import { createHash } from "node:crypto";
import type { Check, CheckFile, SqlFile, Statement, Step } from "../../lambdas/shared/plan.ts";
import { picksByTime } from "./by-time.ts";
import { inBatches } from "./in-batches.ts";
import {
  isQuery,
  mayChangeRows,
  outsideOnly,
  refusedAnywhere,
  refusedInTransaction,
  tablesMade,
} from "./in-transaction.ts";
import { leavesRole } from "./leaves-role.ts";
import { nearest } from "./nearest.ts";
import { reach, reachesOutside, reachingMade } from "./outside.ts";
import { indexBuild, outsideTransaction } from "./outside-transaction.ts";
import { Mistakes, PlanError } from "./plan-error.ts";
import { commandName, refusedCommand, withoutCommands } from "./psql.ts";
import { relationsOf } from "./relations.ts";
import { revokesConnect } from "./revokes-connect.ts";
import { domainsMade, rewritesTable, tablesEmptied } from "./rewrites.ts";
import { extensionsMade, rightsOf } from "./rights.ts";
import { Lines, scan } from "./scan.ts";
import { fieldsOf, nameOf, type ParsedStatement, splitStatements, syntaxProblem } from "./statements.ts";
import { partsOf, transactionKind } from "./transactions.ts";

// The marks of docs/plan-format.md. They are SQL comments, so that psql can run the same file.
const MARK = /^--+\s*sluice\s*:\s*(.*?)\s*$/i;
/** A comment that looks like a mark and is none. */
const NEARLY = /^(?:--+|\/\*+)\s*sluice\s*(?::|[;.,=-]?\s*(?:step|check)\s*["'\u201c\u201e])/i;
const OF_WHAT = /^--+\s*(\w+)\s*:\s*(?:step|check)\s*"/i;

function isMark(comment: string): boolean {
  if (NEARLY.test(comment)) return true;
  const word = OF_WHAT.exec(comment)?.[1];
  return word !== undefined && nearest(word, ["sluice"]) !== undefined;
}
const STEP =
  /^step\s+"([^"]+)"(?:\s+(outside\s+transaction|in\s+batches))?((?:\s+rewrites|\s+outside:\s*allowed)*)$/i;
const CHECK = /^check\s+"([^"]+)"(?:\s+as\s+(?:(each\s+application\s+role)|([^\s"]+)|"((?:[^"]|"")+)"))?$/i;

interface Section<Head> {
  head: Head | undefined;
  /** Line where the section's text begins. */
  line: number;
  text: string;
}

type Kind = Step["kind"];
interface StepMark {
  name: string;
  line: number;
  kind: Kind;
  /** Whether it is marked as rewriting tables. */
  rewrites: boolean;
  /** Whether it is marked as reaching out of the database. */
  outside: boolean;
}
/** A file without marks is one step. */
const UNMARKED = { name: "all", kind: "transaction", rewrites: false, outside: false } as const;

/** What a file's steps so far did that matters to the next. */
interface Before {
  settings: string[];
  /** Tables that they made. */
  tables: Set<string>;
  /** Domains with a constraint that they made. */
  domains: Set<string>;
  /** Routines that they made, and that reach out of the database. */
  reaching: Set<string>;
}

/** Where a file is read differently than it is written. People see it wherever they look at the plan. */
export interface Notice {
  file: string;
  line: number;
  text: string;
}

/** What is learned about files beside their steps and checks. */
export interface Noted {
  notices: Notice[];
  /** SQL that Postgres's parser refuses. */
  syntax: PlanError[];
}

/**
 * Splits a migrate or rollback file into its steps.
 * @throws PlanErrors with file and line for each mark that is not understood, SQL before the first mark, an empty step,
 * or a statement that cannot run where it is, with what to write instead.
 * @param reaching routines that the plan's earlier files made and that reach out of the database; this file's are added
 * @param noted this file's notices and problems are added
 */
export function parseSqlFile(
  path: string,
  text: string,
  reaching = new Set<string>(),
  noted: Noted = { notices: [], syntax: [] },
): SqlFile {
  const mistakes = new Mistakes();
  const sections = cut(path, text, mistakes, noted, (mark, line) => {
    const match = STEP.exec(mark);
    if (!match) {
      mistakes.add(
        path,
        `line ${line}`,
        `not understood: "${mark}". A step is marked: -- sluice: step "name" [outside transaction | in batches] [rewrites] [outside: allowed]`,
      );
      // Its SQL is read anyway, to find the mistakes in it.
      return { name: mark, line, kind: "transaction" as const, rewrites: true, outside: true };
    }
    const kind = kindOf(match[2]);
    const marks = (match[3] ?? "").toLowerCase();
    const rewrites = marks.includes("rewrites");
    if (kind === "batches" && rewrites)
      mistakes.add(
        path,
        `line ${line}`,
        `step "${match[1]}" runs in batches, which change rows and rewrite no table. Remove \`rewrites\``,
      );
    return { name: String(match[1]), line, kind, rewrites, outside: marks.includes("outside:") };
  });
  const parsed = sections.map((section) => ({
    ...section,
    statements: splitStatements(section.text, section.line),
  }));
  for (const { statements } of parsed) noteSyntax(path, statements, noted);
  unwrapFile(path, parsed, noted);
  const before: Before = { settings: [], tables: new Set(), domains: new Set(), reaching };
  const steps = parsed.flatMap(({ head, line, statements }): Step[] => {
    if (head !== undefined && statements.length === 0)
      mistakes.add(path, `line ${head.line}`, `step "${head.name}" is empty`);
    if (statements.length === 0) return [];
    if (head === undefined && sections.length > 1)
      mistakes.add(
        path,
        `line ${statements[0]?.line}`,
        "SQL before the first step mark. Put it under its own mark",
      );
    return toSteps(path, head ?? { ...UNMARKED, line }, statements, { before, mistakes, noted });
  });
  const names = new Set<string>();
  for (const { name } of steps) {
    if (names.has(name)) mistakes.add(path, `step "${name}"`, "two steps have this name");
    names.add(name);
  }
  mistakes.refuse();
  return { path, checksum: checksum(steps.flatMap((step) => [step.name, step.checksum])), steps };
}

function kindOf(words: string | undefined): Kind {
  if (words === undefined) return "transaction";
  return words.toLowerCase().startsWith("outside") ? "outside" : "batches";
}

/**
 * Splits a validate file into its checks.
 * @throws PlanErrors as parseSqlFile, and for a file without checks.
 */
export function parseCheckFile(
  path: string,
  text: string,
  reaching: ReadonlySet<string> = new Set(),
  noted: Noted = { notices: [], syntax: [] },
): CheckFile {
  const mistakes = new Mistakes();
  const sections = cut(path, text, mistakes, noted, (mark, line) => {
    const match = CHECK.exec(mark);
    if (!match) {
      mistakes.add(
        path,
        `line ${line}`,
        `not understood: "${mark}". A check is marked: -- sluice: check "name" [as ROLE | as "role name" | as each application role]`,
      );
      return { name: mark, line, as: undefined };
    }
    const role = match[3] ?? match[4]?.replaceAll('""', '"');
    const as = match[2] ? ("each" as const) : role === undefined ? undefined : { role };
    return { name: String(match[1]), line, as };
  });
  const checks = sections.flatMap((section): Check[] => {
    const statements = splitStatements(section.text, section.line);
    noteSyntax(path, statements, noted);
    for (const statement of statements) {
      const reason =
        refusedAnywhere(statement) ??
        checkReaching(statement, reaching) ??
        (section.head?.as === undefined ? undefined : leavesRole(statement));
      refuse(mistakes, path, statement, reason);
    }
    if (section.head) {
      if (statements.length === 0)
        mistakes.add(path, `line ${section.head.line}`, `check "${section.head.name}" is empty`);
      return [{ ...section.head, statements: statements.map(bare) }];
    }
    if (statements.length > 0)
      mistakes.add(
        path,
        `line ${statements[0]?.line}`,
        'SQL outside a check. Put it under: -- sluice: check "name"',
      );
    return [];
  });
  if (checks.length === 0 && mistakes.found.length === 0)
    mistakes.add(
      path,
      "checks",
      "there are none, so nothing would show that the migration worked. Write one, or delete the file: then Sluice checks that production becomes what staging became",
    );
  mistakes.refuse();
  return { path, checks };
}

function noteSyntax(path: string, statements: readonly ParsedStatement[], { syntax }: Noted): void {
  for (const statement of statements) {
    const problem = statement.node === undefined ? syntaxProblem(statement) : undefined;
    if (problem)
      syntax.push(new PlanError(path, `line ${problem.line}, column ${problem.column}`, problem.message));
  }
}

function cut<Head>(
  path: string,
  text: string,
  mistakes: Mistakes,
  { notices }: Noted,
  readMark: (mark: string, line: number) => Head,
): Section<Head>[] {
  const { marks, commands } = scan(text, isMark);
  const lines = new Lines(text);
  const left: string[] = [];
  let firstLeft = 0;
  for (const command of commands) {
    const line = lines.of(command.start);
    const reason = refusedCommand(text, command);
    if (reason !== undefined) mistakes.add(path, `line ${line}`, reason);
    else {
      firstLeft ||= line;
      left.push(commandName(text, command));
    }
  }
  if (left.length > 0)
    notices.push({
      file: path,
      line: firstLeft,
      text: `psql's ${[...new Set(left)].join(", ")} ${left.length > 1 ? "are" : "is"} left out: nothing in the database depends on it`,
    });
  const sql = withoutCommands(text, commands);
  const sections: Section<Head>[] = [{ head: undefined, line: 1, text: sql.slice(0, marks[0]?.start) }];
  const markLines = new Lines(text);
  for (const [index, mark] of marks.entries()) {
    const line = markLines.of(mark.start);
    const where = `line ${line}`;
    const comment = text.slice(mark.start, mark.end);
    const words = MARK.exec(comment)?.[1];
    if (mark.within !== undefined)
      mistakes.add(
        path,
        where,
        `a mark within the parentheses of the statement that begins in line ${new Lines(text).of(mark.within)}. Close them before it, or remove the mark: ${comment}`,
      );
    else if (!mark.alone)
      mistakes.add(path, where, `a mark needs its own line. Put this one there: ${comment}`);
    else if (words === undefined)
      mistakes.add(
        path,
        where,
        `not understood: "${comment.split("\n")[0]}". A mark is a one-line comment: -- sluice: step "name"`,
      );
    const body = sql.slice(mark.end, marks[index + 1]?.start);
    if (words === undefined || mark.within !== undefined) (sections.at(-1) as Section<Head>).text += body;
    else sections.push({ head: readMark(words, line), line, text: body });
  }
  return sections;
}

/** BEGIN before a file's first mark and COMMIT at its end: every step is its own transaction, so the file cannot be one. */
function unwrapFile(
  path: string,
  sections: { head: StepMark | undefined; statements: ParsedStatement[] }[],
  { notices }: Noted,
): void {
  const [first, ...steps] = sections;
  const last = steps.at(-1);
  const [begin, ...others] = first?.statements ?? [];
  const commit = last?.statements.at(-1);
  if (!begin || !commit || others.length > 0) return;
  if (transactionKind(begin) !== "begin" || transactionKind(commit) !== "commit") return;
  // This BEGIN may be the one that the COMMIT belongs to.
  if (last?.statements.some((statement) => transactionKind(statement) === "begin")) return;
  first?.statements.pop();
  last?.statements.pop();
  notices.push({
    file: path,
    line: begin.line,
    text: `BEGIN and COMMIT (line ${commit.line}) around the file are left out: each of its steps is a transaction of its own`,
  });
}

interface Surroundings {
  before: Before;
  mistakes: Mistakes;
  noted: Noted;
}

/** One step, or several if a part of it cannot be in the transaction of the rest. */
function toSteps(
  path: string,
  mark: StepMark,
  statements: readonly ParsedStatement[],
  around: Surroundings,
): Step[] {
  const asOne = (one: StepMark, its: readonly ParsedStatement[]): Step[] => {
    const step = toStep(path, one, its, around);
    return step ? [step] : [];
  };
  if (mark.kind !== "transaction") return asOne(mark, statements);
  const { parts, wrapped, problems } = partsOf(statements);
  for (const { statement, reason } of problems) refuse(around.mistakes, path, statement, reason);
  const { notices } = around.noted;
  if (wrapped && parts.length <= 1)
    notices.push({
      file: path,
      line: wrapped.begin.line,
      text: `BEGIN and COMMIT (line ${wrapped.commit.line}) are left out: the step is already a transaction`,
    });
  if (parts.length === 0) {
    if (wrapped && problems.length === 0)
      around.mistakes.add(path, `line ${wrapped.begin.line}`, "there is nothing between BEGIN and COMMIT");
    return [];
  }
  const [only] = parts;
  if (parts.length === 1 && only?.kind === "transaction") return asOne(mark, only.statements);
  const unmarked = mark.name === UNMARKED.name;
  const named = parts.map((part, index) => ({
    ...mark,
    name: parts.length === 1 ? mark.name : unmarked ? `part ${index + 1}` : `${mark.name} (${index + 1})`,
    line: part.statements[0]?.line ?? mark.line,
    kind: part.kind,
  }));
  const alone = parts.find(({ kind }) => kind === "outside")?.statements[0];
  notices.push({
    file: path,
    line: (alone ?? wrapped?.begin ?? statements[0])?.line ?? mark.line,
    text:
      parts.length === 1
        ? `${alone && outsideOnly(alone)} runs outside a transaction, without a mark for it`
        : `split into ${parts.length} steps (lines ${named.map(({ line }) => line).join(", ")}): ${
            alone
              ? `${outsideOnly(alone)} cannot be in a transaction with other statements`
              : "each BEGIN ... COMMIT is a transaction"
          }`,
  });
  return parts.flatMap((part, index) => asOne(named[index] ?? mark, part.statements));
}

function toStep(
  path: string,
  mark: StepMark,
  parsed: readonly ParsedStatement[],
  { before, mistakes }: Surroundings,
): Step | undefined {
  const wrong = mistakes.found.length;
  for (const statement of parsed) {
    const reason =
      refusedAnywhere(statement) ?? (mark.outside ? undefined : reachesOutside(statement, before.reaching));
    refuse(mistakes, path, statement, reason);
    for (const name of reachingMade(statement, before.reaching)) before.reaching.add(name);
  }
  const relations = relationsOf(parsed);
  const made = new Set(parsed.flatMap(tablesMade));
  const base = {
    name: mark.name,
    line: mark.line,
    checksum: checksum([mark.kind, ...parsed.map(({ sql }) => sql)]),
    statements: parsed.map(bare),
    settings: [...before.settings],
    relations,
    relationsBefore: relations?.filter(({ name }) => !made.has(name)),
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
      const reason =
        refusedInTransaction(statement) ?? (mark.rewrites ? undefined : rewritesTable(statement, before));
      refuse(mistakes, path, statement, reason);
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
  const statement = onlyOne(mistakes, path, mark, parsed);
  // Why no step may have it is noted already.
  if (!statement || mistakes.found.length > wrong) return undefined;
  if (mark.kind === "outside") {
    const outside = outsideTransaction(statement);
    const refused = "refused" in outside ? outside.refused : undefined;
    refuse(
      mistakes,
      path,
      statement,
      refused ?? (mark.rewrites ? undefined : rewritesTable(statement, before)),
    );
    return "refused" in outside ? undefined : { ...common, kind: "outside", ...outside };
  }
  const batches = inBatches(statement);
  if (!("refused" in batches)) return { ...common, kind: "batches", batches };
  refuse(mistakes, path, statement, batches.refused);
  return undefined;
}

/** A check runs several times, on copies and on production, and is rolled back; its effects outside are not. */
function checkReaching(statement: ParsedStatement, reaching: ReadonlySet<string>): string | undefined {
  const what = reach(statement, reaching);
  return what && `${what}, and a check runs many times. Remove this`;
}

function onlyOne(
  mistakes: Mistakes,
  path: string,
  { name, line, kind }: StepMark,
  statements: readonly ParsedStatement[],
): ParsedStatement | undefined {
  if (statements.length === 1) return statements[0];
  mistakes.add(
    path,
    `line ${line}`,
    `step "${name}" runs ${kind === "outside" ? "outside a transaction" : "in batches"} and so may have only one statement; it has ${statements.length}`,
  );
  return undefined;
}

function refuse(
  mistakes: Mistakes,
  path: string,
  { sql, line }: Statement,
  reason: string | undefined,
): void {
  if (reason !== undefined) mistakes.add(path, `line ${line}`, `${reason}. The statement: ${excerpt(sql)}`);
}

function excerpt(sql: string): string {
  const [first = ""] = sql.split("\n");
  return first.length < sql.length || first.length > 100 ? `${first.slice(0, 100)} ...` : first;
}

function bare({ sql, line }: ParsedStatement): Statement {
  return { sql, line };
}

/** A SET that later steps rely on, as they could if psql ran the file in one session. */
function setsForSession({ node }: ParsedStatement): boolean {
  const set = fieldsOf<{ is_local?: boolean }>(node, "VariableSetStmt");
  return set !== undefined && !set.is_local;
}

function checksum(parts: readonly string[]): string {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(`${part.length}\0${part}`);
  return digest.digest("hex");
}
