import { Lines, scan } from "../plan/scan.ts";
import type { Finding, Part } from "./imported.ts";
import { holdsSql } from "./sql-text.ts";

// Marks of up and down in files whose tool is not known, or does not know them. A down part that runs as part of the
// way up takes away at once what the file makes, without an error.

/** `-- +migrate Down`, `-- Down Migration`, `-- !Downs`, `--//@UNDO`: nothing but the word, and who it is for. */
const MARK =
  /^--[-\s#/!@+[]*(?:(?:migrate|migration|goose|micrate|rambler|duck|db|sql)\b[\s:.-]*)?(?:(ups?|do|apply|forwards?|migrate|upgrade)|(downs?|undo|rollback|revert|backwards?|downgrade))\b[\s:-]*(?:(?:migration|script|sql|part|section)\b)?[\s:;\]#-]*(notransaction)?\s*$/i;

interface Mark {
  way: "up" | "down";
  start: number;
  line: number;
  text: string;
  /** It says that what follows is not to run in a transaction. */
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
 * A file with one mark for each way, in two parts; undefined: it is not written so. What stands above a mark of the way
 * there may be comments alone.
 */
export function partedByMarks(part: Part): { up: Part; down: Part; says: string } | undefined {
  const marks = marksIn(part);
  const [first, second, ...more] = marks;
  // MyBatis has a mark for the way back alone.
  if (first && marks.length === 1 && /@UNDO$/.test(first.text))
    return {
      up: { ...part, text: part.text.slice(0, first.start) },
      down: { ...part, line: first.line, text: part.text.slice(first.start) },
      says: `is read in two parts: the way back is what stands below ${first.text} (line ${first.line})`,
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
    says: `is read in two parts: the way there below ${first.text}, and the way back below ${second.text} (line ${second.line})`,
  };
}

/** A mark of a way back in what is to run as the way there, with SQL below it. */
export function downWithin(up: Part, tool: string): Finding[] {
  return marksIn(up)
    .filter(({ way, start }) => way === "down" && holdsSql(up.text.slice(start)))
    .slice(0, 1)
    .map(({ line, text }) => ({
      file: up.file,
      line,
      says: `${text} looks like the mark of a way back, which ${tool} does not know: what stands below it would run as part of the way there. Move that into a file of its own, or name the tool whose mark it is: --tool NAME`,
    }));
}
