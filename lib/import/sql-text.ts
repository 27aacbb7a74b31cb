import { withoutCommands } from "../plan/psql.ts";
import { Lines, scan } from "../plan/scan.ts";
import { type Node, splitStatements } from "../plan/statements.ts";

/** Whether a text has more than white space and comments. */
export function holdsSql(text: string): boolean {
  return scan(text).pieces.length > 0;
}

/** Numbers of the lines with a matching comment, outside of strings, bodies and other comments. */
export function commentLines(text: string, pattern: RegExp): ReadonlySet<number> {
  const lines = new Lines(text);
  return new Set(scan(text, (comment) => pattern.test(comment)).marks.map(({ start }) => lines.of(start)));
}

/** Numbers of the lines where a statement ends with its semicolon. */
export function endLines(text: string): ReadonlySet<number> {
  const lines = new Lines(text);
  return new Set(scan(text).pieces.flatMap(({ end }) => (text[end - 1] === ";" ? [lines.of(end - 1)] : [])));
}

/** Number of the line with the character at that offset. */
export function lineAt(text: string, offset: number): number {
  return new Lines(text).of(offset);
}

/** The syntax trees of a text's statements; undefined for one that PostgreSQL cannot parse. libpg-query must be loaded. */
export function nodesOf(text: string): (Node | undefined)[] {
  return splitStatements(withoutCommands(text, scan(text).commands), 1).map(({ node }) => node);
}
