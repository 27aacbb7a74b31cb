import { isPostgresError, messageOf } from "./errors.ts";
import type { SqlFile, Statement, Step } from "./plan.ts";

/** Login that no server has: a user mapping to it cannot connect. */
export const NOBODY = "sluice_copy_may_not_connect";

/** Describes a failed statement: its place in the file, the line, and the server's own words. */
export function describeStatementError(
  path: string,
  what: string,
  statement: Statement,
  error: unknown,
): string {
  if (!isPostgresError(error)) return `${path}:${statement.line}: ${what}: ${messageOf(error)}`;
  const position = Number(error.position ?? 0);
  // The server counts characters; JavaScript counts an astral character as two.
  const before = [...statement.sql]
    .slice(0, Math.max(0, position - 1))
    .join("")
    .split("\n");
  const line = position > 0 ? statement.line + before.length - 1 : statement.line;
  const text = (statement.sql.split("\n")[line - statement.line] ?? "").trimEnd();
  const margin = `  ${String(line).padStart(4)} | `;
  const words = [
    `${path}:${line}: ${what}: ${error.message} (${error.code})`,
    `${margin}${text}`,
    ...(position > 0 ? [`${" ".repeat(margin.length)}${blankFor(before.at(-1) ?? "")}^`] : []),
    ...(error.detail ? [`  Detail: ${error.detail}`] : []),
    ...(error.hint ? [`  Hint: ${error.hint}`] : []),
    ...(error.where ? [`  Where: ${error.where.split("\n")[0]}`] : []),
    ...(DISARMED.test(`${error.message} ${error.detail ?? ""}`)
      ? [
          '  Sluice disables user mappings on copies, so that a rehearsal reaches no real server. If the step must reach it, write: -- sluice: step "name" outside: allowed',
        ]
      : []),
  ];
  return words.join("\n");
}

/** A foreign-data wrapper's error for a disabled mapping. */
const DISARMED = new RegExp(`user mapping not found|${NOBODY}`);

const TWO_COLUMNS =
  /\p{scx=Han}|\p{scx=Hira}|\p{scx=Kana}|\p{scx=Hang}|[\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const NO_COLUMN = /\p{Mn}|\p{Me}|\p{Cf}/u;

/** Returns blanks as wide as the text on a terminal. A tab stays a tab, as its width depends on its position. */
function blankFor(text: string): string {
  return [...text]
    .map((character) => {
      if (character === "\t") return "\t";
      if (NO_COLUMN.test(character)) return "";
      return TWO_COLUMNS.test(character) ? "  " : " ";
    })
    .join("");
}

/** Returns a step's place, such as `006_knowledge_graph/migrate.sql:12`. */
export function placeOf(file: SqlFile, step: Step): string {
  return `${file.path}:${step.line}`;
}
