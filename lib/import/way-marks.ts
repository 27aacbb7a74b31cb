import { Lines, scan } from "../plan/scan.ts";
import type { Finding, Part } from "./imported.ts";
import { holdsSql } from "./sql-text.ts";

// Marks of up and down in files whose tool is unknown, or ignores them. A down part that runs as part of the up part
// removes at once what the file makes, without an error.

/** `-- +migrate Down`, `-- Down Migration`, `-- !Downs`, `--//@UNDO`: only the word, and the tool it is for. */
const MARK =
  /^--[-\s#/!@+[]*(?:(?:migrate|migration|goose|micrate|rambler|duck|db|sql)\b[\s:.-]*)?(?:(ups?|do|apply|forwards?|migrate|upgrade)|(downs?|undo|rollback|revert|backwards?|downgrade))\b[\s:-]*(?:(?:migration|script|sql|part|section)\b)?[\s:;\]#-]*(notransaction)?\s*$/i;

interface Mark {
  way: "up" | "down";
  start: number;
  line: number;
  text: string;
  /** Whether the mark asks to run what follows outside of a transaction. */
  alone: boolean;
}

function marksIn({ text, line }: Part): Mark[] {
  const lines = new Lines(text, line);
  return scan(text, (comment) => MARK.test(comment.trim())).marks.map(({ start, end }): Mark => {
    const found = text.slice(start, end).trim();
    const [, up, , alone] = MARK.exec(found) ?? [];
    return {
      way: up === undefined ? "down" : "up",
      start,
      line: lines.of(start),
      text: found,
      alone: alone !== undefined,
    };
  });
}

/**
 * Splits a file with one mark for each direction into two parts; undefined if it has another form. Only comments may come
 * before the up mark.
 */
export function partedByMarks(part: Part): { up: Part; down: Part; says: string } | undefined {
  const marks = marksIn(part);
  const [first, second, ...more] = marks;
  // MyBatis has only a mark for the way back.
  if (first && marks.length === 1 && /@UNDO$/.test(first.text))
    return {
      up: { ...part, text: part.text.slice(0, first.start) },
      down: { ...part, line: first.line, text: part.text.slice(first.start) },
      says: `is read in two parts: the way back is the part below ${first.text} (line ${first.line})`,
    };
  if (first?.way !== "up" || second?.way !== "down" || more.length > 0) return undefined;
  if (holdsSql(part.text.slice(0, first.start))) return undefined;
  return {
    up: {
      ...part,
      text: part.text.slice(0, second.start),
      runs: first.alone ? "statements" : part.runs,
    },
    down: {
      ...part,
      line: second.line,
      text: part.text.slice(second.start),
      runs: second.alone ? "statements" : part.runs,
    },
    says: `is read in two parts: the up part below ${first.text}, and the way back below ${second.text} (line ${second.line})`,
  };
}

/** Finds a mark of a way back, with SQL below it, in an up part. */
export function downWithin(up: Part, tool: string): Finding[] {
  return marksIn(up)
    .filter(({ way, start }) => way === "down" && holdsSql(up.text.slice(start)))
    .slice(0, 1)
    .map(({ line, text }) => ({
      file: up.file,
      line,
      says: `${text} looks like the mark of a way back, which ${tool} does not know: the part below it would run as part of the migration. Move that part into its own file, or name the tool that the mark belongs to: --tool NAME`,
    }));
}
