import { outsideOnly } from "../plan/in-transaction.ts";
import { refusedCommand, withoutCommands } from "../plan/psql.ts";
import { Lines, type Scan, scan } from "../plan/scan.ts";
import { fieldsOf, type Node, placedStatements, syntaxProblem } from "../plan/statements.ts";
import { bearsTwice } from "./bears-twice.ts";
import type { Finding, Part } from "./imported.ts";
import { holdsSql } from "./sql-text.ts";

/** A part in Sluice's form. */
export interface Steps {
  /** Text of a file, without its head. */
  text: string;
  /** The same, as one text for each step: a baseline has no marks. */
  each: string[];
  /** Whether it does nothing. */
  empty: boolean;
  /** PostgreSQL's parser refuses the SQL: the text is unchanged. */
  refused?: true;
  notes: Finding[];
  doubts: Finding[];
}

interface Cut {
  /** With the comments before it, and its semicolon. */
  text: string;
  /** Without these. */
  sql: string;
  node: Node;
  line: number;
}

interface Step {
  outside: boolean;
  cuts: Cut[];
}

/**
 * Puts a part's SQL into steps that commit where the tool commits. libpg-query must be loaded.
 * @param direction a check leaves nothing behind; a way back is tried twice by the rehearsal, so it drops with IF EXISTS
 * @param tool the tool's name for people
 */
export function stepsOf(part: Part, direction: "up" | "down" | "verify", tool: string): Steps {
  const notes: Finding[] = [];
  const doubts: Finding[] = [];
  const say = (line: number, says: string) => notes.push({ file: part.file, line, says });
  const scanned = scan(part.text);
  const text = withoutPsql(part, scanned, notes, doubts);
  if (!holdsSql(text)) {
    say(part.line, "has no SQL here: the step does nothing, but the version is still recorded");
    return {
      text: `${text.trim()}\nSELECT 1;\n`.trimStart(),
      each: ["SELECT 1;"],
      empty: true,
      notes,
      doubts,
    };
  }
  // Rows for COPY are no statements, so such a file stays unchanged.
  const cuts = scanned.data.length > 0 ? undefined : cutStatements(text, part.line);
  if (cuts === undefined) {
    const problem = syntaxProblem({ sql: text, line: part.line });
    const message = problem?.message ?? "it is not SQL";
    const variable = /at or near ":"/.test(message)
      ? ". If it is a variable of psql, write its value into the file"
      : "";
    // Data rows are reported already.
    if (scanned.data.length === 0)
      doubts.push({
        file: part.file,
        ...(problem ? { line: problem.line } : {}),
        says: `PostgreSQL's parser refuses it: ${message}${variable}`,
      });
    return { text: `${text.trim()}\n`, each: [text.trim()], empty: false, refused: true, notes, doubts };
  }
  const steps = group(part, cuts.statements, direction, tool, say, doubts);
  if (steps.length === 0) {
    say(part.line, "has only BEGIN and COMMIT: the step does nothing");
    return { text: "SELECT 1;\n", each: ["SELECT 1;"], empty: true, notes, doubts };
  }
  const changed = new Set<Cut>();
  const written = steps.map(({ outside, cuts: held }) => {
    const each = held.map((cut) => {
      const now = direction === "down" ? bearsTwice(cut.sql, cut.node) : outsideForm(cut.sql, cut.node);
      if (now !== cut.sql) {
        changed.add(cut);
        say(
          cut.line,
          `${excerpt(cut.sql)} is written as ${excerpt(now)}: ${direction === "down" ? "a rollback is tried twice" : "it may run again after its worker died"}`,
        );
      }
      return cut.text.slice(0, cut.text.length - cut.sql.length) + now;
    });
    return { outside, text: each.map((one) => ended(one.replace(/^\s*\n/, ""))).join("\n") };
  });
  const last = cuts.rest.trim() === "" ? "" : `${cuts.rest.trim()}\n`;
  const [only, ...more] = written;
  if (only && more.length === 0 && !only.outside) {
    // Keeps the original text if nothing in it had to change.
    const same = changed.size === 0 && steps[0]?.cuts.length === cuts.statements.length;
    const whole = same ? text.trim() : only.text;
    return { text: `${whole}\n${same ? "" : last}`, each: [whole], empty: false, notes, doubts };
  }
  const names = namesOf(steps);
  const marked = written.map(
    ({ outside, text: sql }, index) =>
      `-- sluice: step "${names[index]}"${outside ? " outside transaction" : ""}\n${sql}\n`,
  );
  if (written.length > 1)
    say(
      part.line,
      `becomes ${written.length} steps: ${names.map((name) => `"${name}"`).join(", ")}. Each commits on its own`,
    );
  return {
    text: `${marked.join("\n")}${last}`,
    each: written.map((one) => one.text),
    empty: false,
    notes,
    doubts,
  };
}

/** Adds the semicolon, outside of a trailing comment. */
function ended(statement: string): string {
  const [, last] = /(?:^|\n)([^\n]*)$/.exec(statement) ?? [];
  return /--/.test(last ?? "") ? `${statement}\n;` : `${statement};`;
}

/** Replaces psql's own commands by spaces. */
function withoutPsql(
  { file, line, text }: Part,
  { commands, data }: Scan,
  notes: Finding[],
  doubts: Finding[],
): string {
  const lines = new Lines(text, line);
  for (const command of commands) {
    const at = { file, line: lines.of(command.start) };
    const reason = refusedCommand(text, command);
    if (reason !== undefined) doubts.push({ ...at, says: reason });
    else
      notes.push({
        ...at,
        says: `is a command of psql, which the plan leaves out: ${text.slice(command.start, command.end).trim()}`,
      });
  }
  const [rows] = data;
  if (rows)
    doubts.push({
      file,
      line: new Lines(text, line).of(rows.statement.start),
      says: "has rows for COPY ... FROM stdin, which only a client such as psql sends. Write them as INSERT",
    });
  return withoutCommands(text, commands);
}

const SEMICOLON = /\s*;/y;

/** Undefined if PostgreSQL cannot parse it. */
function cutStatements(text: string, firstLine: number): { statements: Cut[]; rest: string } | undefined {
  const statements: Cut[] = [];
  let end = 0;
  for (const { sql, line, node, ...at } of placedStatements(text, firstLine)) {
    if (!node) return undefined;
    // Text between two statements, including comments, belongs to the second.
    const before = text.slice(end, at.start).replace(/^(?:\s*;)+/, "");
    statements.push({ text: `${before}${sql}`, sql, node, line });
    SEMICOLON.lastIndex = at.end;
    end = SEMICOLON.test(text) ? SEMICOLON.lastIndex : at.end;
  }
  return { statements, rest: text.slice(end) };
}

const RUN_AS = { transaction: "transaction", message: "message", statements: "statements" } as const;

function ifPossible(cuts: readonly Cut[]): "transaction" | "statements" {
  return cuts.every(({ node }) => outsideOnly({ node }) !== undefined) ? "statements" : "transaction";
}

function group(
  part: Part,
  cuts: readonly Cut[],
  direction: "up" | "down" | "verify",
  tool: string,
  say: (line: number, says: string) => void,
  doubts: Finding[],
): Step[] {
  const ownTransactions = cuts.some(({ node }) => fieldsOf(node, "TransactionStmt") !== undefined);
  const runs = { ...RUN_AS, "transaction if possible": ifPossible(cuts) }[part.runs];
  const oneTransaction =
    runs === "transaction" || (runs === "message" && cuts.length > 1 && !ownTransactions);
  const steps: Step[] = [];
  let open: Step | undefined;
  let began = false;
  /** Comments before a BEGIN belong to the next statement. */
  let carried = "";
  for (const given of cuts) {
    const { node, line } = given;
    const kind = fieldsOf<{ kind?: string }>(node, "TransactionStmt")?.kind;
    const comments = given.text.slice(0, given.text.length - given.sql.length).trim();
    if (kind === "TRANS_STMT_BEGIN" || kind === "TRANS_STMT_START") {
      if (comments !== "") carried += `${comments}\n`;
      began = true;
      open = undefined;
      continue;
    }
    if (kind === "TRANS_STMT_COMMIT") {
      if (runs === "transaction")
        say(
          line,
          `COMMIT ends the transaction that ${tool} opened, so what follows is outside of it. Each part becomes a step`,
        );
      began = false;
      open = undefined;
      continue;
    }
    if (kind === "TRANS_STMT_ROLLBACK") {
      // A check is rolled back anyway.
      if (direction === "verify") continue;
      doubts.push({
        file: part.file,
        line,
        says: "has ROLLBACK, which would undo the statements before it. Remove what is not meant",
      });
      continue;
    }
    if (fieldsOf<{ name?: string }>(node, "VariableSetStmt")?.name === "client_min_messages") {
      say(line, `${excerpt(given.sql)} is left out: a step cannot send messages`);
      if (comments !== "") carried += `${comments}\n`;
      continue;
    }
    const cut = { ...given, text: `${carried}${carried === "" ? given.text : given.text.trimStart()}` };
    carried = "";
    const outside = outsideOnly({ node });
    if (outside !== undefined) {
      if (oneTransaction || began)
        say(
          line,
          `${outside} cannot run in the transaction in which ${began ? "the file puts it" : `${tool} runs this`}: it fails there. The plan runs it outside the transaction`,
        );
      steps.push({ outside: true, cuts: [cut] });
      open = undefined;
      continue;
    }
    if (!open) {
      open = { outside: false, cuts: [] };
      steps.push(open);
    }
    open.cuts.push(cut);
    // A new label of an enum can be used only once it is committed.
    if (!oneTransaction && !began && fieldsOf(node, "AlterEnumStmt")) open = undefined;
  }
  if (ownTransactions) say(part.line, "BEGIN and COMMIT are left out: each step is already a transaction");
  const loose = steps.filter(({ outside, cuts: held }) => !outside && held.length > 1).length;
  if (runs === "statements" && !ownTransactions && loose > 0)
    say(
      part.line,
      `${tool} commits each of its statements at once, so a failure keeps those before it. In the plan the statements of a step are committed together or not at all`,
    );
  return steps;
}

/** The form that is safe to run again: a step outside of a transaction may run twice. */
function outsideForm(sql: string, node: Node): string {
  return fieldsOf<{ concurrent?: boolean }>(node, "DropStmt")?.concurrent ? bearsTwice(sql, node) : sql;
}

function namesOf(steps: readonly Step[]): string[] {
  return steps.map(({ cuts }, index) => {
    const [first] = cuts;
    const words = (first?.sql ?? "").replace(/["\s]+/g, " ").trim();
    const short = words.length > 50 ? `${words.slice(0, 47)}...` : words;
    return `${index + 1}: ${short}${cuts.length > 1 ? ` and ${cuts.length - 1} more` : ""}`;
  });
}

function excerpt(sql: string): string {
  const words = sql.replace(/\s+/g, " ").trim();
  return words.length > 70 ? `${words.slice(0, 67)}...` : words;
}
