import { Mistakes } from "./plan-error.ts";
import { refusedCommand, withoutCommands } from "./psql.ts";
import { type CopyData, Lines, leadOf, scan } from "./scan.ts";

/** Rows of COPY in one INSERT: many enough for few statements, few enough for small messages. */
const ROWS_AT_A_TIME = 500;

/** What pg_dump writes and only a superuser may run. Here one role owns everything, and it is no superuser. */
const OF_SUPERUSER = /^(?:COMMENT\s+ON\s+EXTENSION\b|ALTER\s[\s\S]*\sOWNER\s+TO\s+(?:"[^"]+"|[\w$]+)\s*;$)/i;

/** What pg_dump --create writes before it connects to the database that it makes. */
const OF_DATABASE =
  /^(?:(?:CREATE|ALTER|DROP)\s+DATABASE|COMMENT\s+ON\s+DATABASE|(?:GRANT|REVOKE)\s[^;]*\sON\s+DATABASE)\s/i;
const CONNECT = /^\\(?:c|connect)\s/;
const DUMPED = /^-- PostgreSQL database (?:cluster )?dump$/m;

/**
 * Rewrites a file of a baseline so that any client can send it. psql's display commands are left out, and rows that COPY
 * would read from the client become INSERT. From pg_dump's output it leaves out owners, as --no-owner does, and the
 * database itself; the search_path is reset at the end. Every line keeps its number.
 * @throws PlanErrors with file and line for psql's other commands, and for COPY without its rows
 */
export function baselineSql(path: string, text: string): string {
  const mistakes = new Mistakes();
  const { pieces, commands, data } = scan(text);
  const isDump = DUMPED.test(text);
  // A file that connects to several databases is a dump of a whole server.
  const connects = commands.filter(({ start, end }) => CONNECT.test(text.slice(start, end)));
  const makesDatabase = isDump && connects.length === 1;
  const lines = new Lines(text);
  for (const command of commands) {
    const reason = makesDatabase && connects[0] === command ? undefined : refusedCommand(text, command);
    if (reason !== undefined) mistakes.add(path, `line ${lines.of(command.start)}`, reason);
  }
  const rowsOf = new Map(data.map((rows) => [rows.statement.start, rows]));
  const parts: string[] = [];
  const sql = withoutCommands(text, commands);
  const numbers = new Lines(text);
  let at = 0;
  for (const { start, end } of pieces) {
    const rows = rowsOf.get(start);
    const lead = leadOf(sql.slice(start, end));
    const statement = sql.slice(start + lead, end);
    const line = numbers.of(start + lead);
    if (rows) {
      parts.push(sql.slice(at, start + lead), inserts(path, line, statement, text, rows, mistakes));
      at = rows.end;
    } else if (/^copy\b/i.test(statement) && /\bfrom\s+stdin\b/i.test(statement)) {
      mistakes.add(path, `line ${line}`, "COPY FROM stdin without its rows. Rows end with a line \\.");
    } else if (isDump && (OF_SUPERUSER.test(statement) || (makesDatabase && OF_DATABASE.test(statement)))) {
      parts.push(sql.slice(at, start + lead), "\n".repeat(statement.split("\n").length - 1));
      at = end;
    }
  }
  mistakes.refuse();
  parts.push(sql.slice(at));
  const whole = parts.join("");
  return /set_config\('search_path', '', false\)/.test(whole) ? `${whole}\nRESET search_path;\n` : whole;
}

const COPY = /^copy\s+([\s\S]+?)\s+from\s+stdin\s*;$/i;

function inserts(
  path: string,
  line: number,
  statement: string,
  text: string,
  { start, end }: CopyData,
  mistakes: Mistakes,
): string {
  const into = COPY.exec(statement)?.[1];
  if (into === undefined) {
    mistakes.add(
      path,
      `line ${line}`,
      "COPY FROM stdin with options is not supported: use COPY's text format without options, or INSERT",
    );
    return "";
  }
  const rows = text.slice(start, end).split("\n").slice(0, -1);
  const made: string[] = [];
  for (let from = 0; from < rows.length; from += ROWS_AT_A_TIME) {
    const values = rows
      .slice(from, from + ROWS_AT_A_TIME)
      .map((row) => `(${row.split("\t").map(value).join(", ")})`);
    made.push(`INSERT INTO ${into} OVERRIDING SYSTEM VALUE VALUES ${values.join(", ")};`);
  }
  // Keeps the number of lines, so that later lines keep their numbers.
  const newlines = (of: string) => of.split("\n").length - 1;
  const inserted = made.join(" ");
  const gone = newlines(statement) + newlines(text.slice(start - 1, end)) - newlines(inserted);
  return `${inserted}${"\n".repeat(Math.max(0, gone))}`;
}

const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** A field of COPY's text format, as a literal. */
function value(field: string): string {
  if (field === "\\N") return "NULL";
  const plain = field.replace(/\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|([\s\S]))/g, (_, hex, octal, other) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    return ESCAPES[other] ?? other;
  });
  if (!/[\\\n\r]/.test(plain)) return `'${plain.replaceAll("'", "''")}'`;
  const escaped = plain.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return `E'${escaped.replaceAll("'", "''")}'`;
}
