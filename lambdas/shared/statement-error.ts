import { isPostgresError, messageOf } from "./errors.ts";
import type { SqlFile, Statement, Step } from "./plan.ts";

/** Login that no server has: a mapping that names it lets nobody in. */
export const NOBODY = "sluice_copy_may_not_connect";

/** Says where in the file a statement failed, shows the line, and gives the server's own words. */
export function describeStatementError(
  path: string,
  what: string,
  statement: Statement,
  error: unknown,
): string {
  if (!isPostgresError(error)) return `${path}:${statement.line}: ${what}: ${messageOf(error)}`;
  const position = Number(error.position ?? 0);
  // The server counts characters, of which an astral one is two here.
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
          '  User mappings are made useless on copies, so that a rehearsal reaches no real server. Where the step is meant to: -- sluice: step "name" outside: allowed',
        ]
      : []),
  ];
  return words.join("\n");
}

/** What a foreign-data wrapper says where its mapping is useless. */
const DISARMED = new RegExp(`user mapping not found|${NOBODY}`);

const TWO_COLUMNS =
  /\p{scx=Han}|\p{scx=Hira}|\p{scx=Kana}|\p{scx=Hang}|[\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const NO_COLUMN = /\p{Mn}|\p{Me}|\p{Cf}/u;

/** Blanks as wide as the text is on a terminal; a tab stays one, as it depends on where it stands. */
function blankFor(text: string): string {
  return [...text]
    .map((character) => {
      if (character === "\t") return "\t";
      if (NO_COLUMN.test(character)) return "";
      return TWO_COLUMNS.test(character) ? "  " : " ";
    })
    .join("");
}

/** As `006_knowledge_graph/migrate.sql:12`. */
export function placeOf(file: SqlFile, step: Step): string {
  return `${file.path}:${step.line}`;
}
