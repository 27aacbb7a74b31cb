import { isPostgresError, messageOf } from "../shared/errors.ts";
import type { SqlFile, Statement, Step } from "../shared/plan.ts";

/** Says where in the file a statement failed, shows the line, and gives the server's own words. */
export function describeStatementError(
  path: string,
  what: string,
  statement: Statement,
  error: unknown,
): string {
  if (!isPostgresError(error)) return `${path}:${statement.line}: ${what}: ${messageOf(error)}`;
  const position = Number(error.position ?? 0);
  const before = statement.sql.slice(0, Math.max(0, position - 1)).split("\n");
  const line = position > 0 ? statement.line + before.length - 1 : statement.line;
  const column = position > 0 ? (before.at(-1)?.length ?? 0) + 1 : 1;
  const text = statement.sql.split("\n")[line - statement.line] ?? "";
  const words = [
    `${path}:${line}: ${what}: ${error.message} (${error.code})`,
    `  ${String(line).padStart(4)} | ${text}`,
    ...(position > 0 ? [`       ${" ".repeat(column)}^`] : []),
    ...(error.detail ? [`  Detail: ${error.detail}`] : []),
    ...(error.hint ? [`  Hint: ${error.hint}`] : []),
    ...(error.where ? [`  Where: ${error.where.split("\n")[0]}`] : []),
  ];
  return words.join("\n");
}

/** As `006_knowledge_graph/migrate.sql:12`. */
export function placeOf(file: SqlFile, step: Step): string {
  return `${file.path}:${step.line}`;
}
