import { hasSqlDetails, parseSync } from "libpg-query";
import type { Check, CheckFile, SqlFile, Statement, Step } from "../../lambdas/shared/plan.ts";
import { PlanError } from "./plan-error.ts";

// The marks of docs/plan-format.md. They are SQL comments, so that psql runs the same file.
const MARK = /^--[ \t]*sluice:[ \t]*(.*?)[ \t]*$/;
const STEP = /^step "([^"]+)"(?: (outside transaction))?$/;
const CHECK = /^check "([^"]+)"(?: as (?:(each application role)|([A-Za-z_][\w$]*)))?$/;

interface Section<Head> {
  head: Head | undefined;
  /** Line of the section's first character of text. */
  line: number;
  text: string;
}

/**
 * Cuts a migrate or rollback file into its steps.
 * @throws PlanError with file and line for a mark that is not understood, SQL before the first mark, an empty step,
 * an `outside transaction` step with more than one statement, or a statement that begins or ends a transaction.
 */
export function parseSqlFile(path: string, text: string): SqlFile {
  const sections = cut(path, text, (mark, line) => {
    const match = STEP.exec(mark);
    if (!match)
      throw new PlanError(
        path,
        `line ${line}`,
        `not understood: "${mark}". A step is marked: -- sluice: step "name" [outside transaction]`,
      );
    return { name: String(match[1]), line, transaction: match[2] === undefined };
  });
  const steps = sections.flatMap((section): Step[] => {
    const statements = split(
      path,
      section,
      "a step is a transaction already: it commits with its ledger row",
    );
    if (section.head === undefined) {
      if (statements.length === 0) return [];
      if (sections.length > 1)
        throw new PlanError(
          path,
          `line ${statements[0]?.line}`,
          "SQL before the first step mark. Put it under a mark of its own",
        );
      return [{ name: "all", line: section.line, transaction: true, statements }];
    }
    if (statements.length === 0)
      throw new PlanError(path, `line ${section.head.line}`, `step "${section.head.name}" is empty`);
    const step: Step = { ...section.head, statements };
    if (step.transaction) return [step];
    if (statements.length > 1)
      throw new PlanError(
        path,
        `line ${step.line}`,
        `step "${step.name}" is outside a transaction and so may hold one statement only; it holds ${statements.length}`,
      );
    return [{ ...step, index: concurrentIndex(statements) }];
  });
  const names = steps.map((step) => step.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new PlanError(path, `step "${twice}"`, "two steps have this name");
  return { path, steps };
}

/**
 * Cuts a validate file into its checks.
 * @throws PlanError as parseSqlFile, and for a file with no check.
 */
export function parseCheckFile(path: string, text: string): CheckFile {
  const sections = cut(path, text, (mark, line) => {
    const match = CHECK.exec(mark);
    if (!match)
      throw new PlanError(
        path,
        `line ${line}`,
        `not understood: "${mark}". A check is marked: -- sluice: check "name" [as ROLE | as each application role]`,
      );
    const as = match[2] ? ("each" as const) : match[3] ? { role: match[3] } : undefined;
    return { name: String(match[1]), line, as };
  });
  const checks = sections.flatMap((section): Check[] => {
    const statements = split(
      path,
      section,
      "a check is a transaction already: what it writes is rolled back",
    );
    if (section.head) {
      if (statements.length === 0)
        throw new PlanError(path, `line ${section.head.line}`, `check "${section.head.name}" is empty`);
      return [{ ...section.head, statements }];
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

/** Where Postgres's own parser says that the text is not SQL; undefined where it is. */
export function syntaxProblem(
  statement: Statement,
): { line: number; column: number; message: string } | undefined {
  try {
    parseSync(statement.sql);
    return undefined;
  } catch (error) {
    const at = hasSqlDetails(error) ? Number(error.sqlDetails?.cursorPosition ?? 0) : 0;
    const before = statement.sql.slice(0, at).split("\n");
    return {
      line: statement.line + before.length - 1,
      column: (before.at(-1)?.length ?? 0) + 1,
      message: error instanceof Error ? error.message : String(error),
    };
  }
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

/**
 * Statements of a text, with the lines they start at. A text that Postgres cannot parse stays whole, as one statement:
 * the database that runs it is the one to say what is wrong with it, and syntaxProblem() tells it beforehand.
 * @throws PlanError for BEGIN, COMMIT, SAVEPOINT and their like, which would end the transaction that it runs in.
 */
function split(
  path: string,
  { text, line: firstLine }: Pick<Section<unknown>, "text" | "line">,
  noTransaction: string,
): Statement[] {
  if (leadingTrivia(text) === text.length) return [];
  // The parser counts in bytes.
  const bytes = Buffer.from(text, "utf8");
  let parsed: ReturnType<typeof parseSync>;
  try {
    parsed = parseSync(text);
  } catch {
    return [{ sql: text.trimEnd(), line: firstLine }];
  }
  return (parsed.stmts ?? []).map((raw) => {
    const start = raw.stmt_location ?? 0;
    const end = raw.stmt_len ? start + raw.stmt_len : bytes.length;
    const before = bytes.subarray(0, start).toString("utf8");
    const whole = bytes.subarray(start, end).toString("utf8");
    const lead = leadingTrivia(whole);
    const sql = whole.slice(lead).trimEnd();
    const line = firstLine + countNewlines(before) + countNewlines(whole.slice(0, lead));
    if (raw.stmt && "TransactionStmt" in raw.stmt)
      throw new PlanError(path, `line ${line}`, `${noTransaction}. Take this out: ${sql}`);
    return { sql, line };
  });
}

/** Length of the white space and comments that stand before a statement, so that its line is where its SQL starts. */
function leadingTrivia(sql: string): number {
  return /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(sql)?.[0].length ?? 0;
}

function countNewlines(text: string): number {
  return text.split("\n").length - 1;
}

function concurrentIndex(statements: readonly Statement[]): Step["index"] {
  const [first] = statements;
  if (!first || syntaxProblem(first)) return undefined;
  const node = parseSync(first.sql).stmts?.[0]?.stmt as
    | { IndexStmt?: { concurrent?: boolean; idxname?: string; relation?: { schemaname?: string } } }
    | undefined;
  const index = node?.IndexStmt;
  return index?.concurrent && index.idxname
    ? { schema: index.relation?.schemaname, name: index.idxname }
    : undefined;
}
