// Finds where statements end, by PostgreSQL's lexical rules and psql's, in one pass: the time grows linearly with the
// text. The parser decides what each statement is (statements.ts).

/** A part of a text, in UTF-16 code units. */
export interface Span {
  start: number;
  end: number;
}

export interface LineComment extends Span {
  /** Whether only white space comes before it on its line. */
  alone: boolean;
  /** Where the statement began that has it within parentheses. */
  within?: number;
}

export interface Command extends Span {
  /** Whether only white space comes before it on its line. */
  alone: boolean;
}

export interface CopyData extends Span {
  /** The COPY ... FROM stdin that these rows belong to. */
  statement: Span;
}

export interface Scan {
  /** Each with the text before it, through its semicolon; in order, and gapless except for the data of COPY. */
  pieces: readonly Span[];
  /** Comments that the caller looks for, outside of strings, bodies and other comments. */
  marks: readonly LineComment[];
  /** psql's commands: a backslash and the rest of its line, outside of strings, bodies and comments. */
  commands: readonly Command[];
  /** Rows after COPY ... FROM stdin, through the line that ends them. */
  data: readonly CopyData[];
}

const SPACE = /[ \t\n\r\f\v]+/y;
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const DIGITS = /\d+/y;
const REST_OF_LINE = /[^\n\r]*/y;
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const COMMENT_EDGE = /\/\*|\*\//g;
const ESCAPE_EDGE = /\\|'/g;
/** A string continues after white space with a line break. */
const CONTINUED = /[ \t\f\v]*[\n\r][ \t\n\r\f\v]*'/y;
/** No space, word, digit, quote, dollar, comment, bracket, semicolon or backslash. */
const OTHER = /[^\sA-Za-z_\u0080-\uffff\d'"$\-/;()\\]+/y;
const END_OF_DATA = /^\\\.[ \t]*\r?$/gm;
const FROM_STDIN = /\bfrom\s+stdin\b/i;

/** @param isMark which comments count; one on its own line ends the statement before it, even without a semicolon */
export function scan(text: string, isMark: (comment: string) => boolean = () => false): Scan {
  const pieces: Span[] = [];
  const marks: LineComment[] = [];
  const commands: Command[] = [];
  const data: CopyData[] = [];

  let at = 0;
  /** Start of the piece, and of its first character after space and comments. */
  let start = 0;
  let begun: number | undefined;
  let depth = 0;
  /** Depth of BEGIN ATOMIC ... END, and of constructs within it that have their own END. */
  let blocks = 0;
  /** The statement's first words, by which psql recognizes a routine. */
  let words: string[] = [];
  let before = "";
  let lineStart = 0;

  const match = (pattern: RegExp, from: number): number => {
    pattern.lastIndex = from;
    return pattern.test(text) ? pattern.lastIndex : from;
  };
  const alone = (from: number): boolean => /^[ \t\f\v]*$/.test(text.slice(lineStart, from));
  const newStatement = (from: number): void => {
    start = from;
    begun = undefined;
    depth = 0;
    blocks = 0;
    words = [];
    before = "";
  };
  const closePiece = (end: number): void => {
    if (begun !== undefined) pieces.push({ start, end });
  };
  /** Position after the closing quote; the end of the text if there is none. */
  const endOfString = (from: number, escapes: boolean): number => {
    let end = from;
    for (;;) {
      if (!escapes) {
        const close = text.indexOf("'", end);
        return close === -1 ? text.length : close + 1;
      }
      ESCAPE_EDGE.lastIndex = end;
      const edge = ESCAPE_EDGE.exec(text);
      if (!edge) return text.length;
      if (edge[0] === "\\") end = edge.index + 2;
      else if (text[edge.index + 1] === "'") end = edge.index + 2;
      else {
        const more = match(CONTINUED, edge.index + 1);
        if (more === edge.index + 1) return more;
        end = more;
      }
    }
  };
  const moveTo = (end: number): void => {
    const passed = text.slice(at, end);
    const newline = Math.max(passed.lastIndexOf("\n"), passed.lastIndexOf("\r"));
    if (newline !== -1) lineStart = at + newline + 1;
    at = end;
  };

  while (at < text.length) {
    const character = text[at];
    const spaces = match(SPACE, at);
    if (spaces > at) {
      moveTo(spaces);
      continue;
    }
    if (character === "-" && text[at + 1] === "-") {
      const end = match(REST_OF_LINE, at);
      // In a body it is the body's own comment.
      if (blocks === 0 && isMark(text.slice(at, end))) {
        marks.push({ start: at, end, alone: alone(at), ...(depth > 0 ? { within: begun ?? at } : {}) });
        if (depth === 0) {
          closePiece(at);
          newStatement(end);
        }
      }
      at = end;
      continue;
    }
    if (character === "/" && text[at + 1] === "*") {
      const end = endOfComment(text, at);
      if (end === undefined) begun ??= at;
      else if (blocks === 0 && depth === 0 && isMark(text.slice(at, Math.min(end, at + 200))))
        marks.push({ start: at, end, alone: alone(at) });
      moveTo(end ?? text.length);
      continue;
    }
    if (character === "\\") {
      const end = match(REST_OF_LINE, at);
      commands.push({ start: at, end, alone: alone(at) });
      at = end;
      continue;
    }
    if (character === ";" && depth === 0 && blocks === 0) {
      at++;
      closePiece(at);
      if (words[0] === "copy" && FROM_STDIN.test(text.slice(start, at))) {
        const statement = { start, end: at };
        const line = match(REST_OF_LINE, at);
        // Only the following lines, where psql would read rows.
        const from = text[line] === "\r" && text[line + 1] === "\n" ? line + 2 : line + 1;
        END_OF_DATA.lastIndex = from;
        const close = END_OF_DATA.exec(text);
        if (close) {
          data.push({ start: from, end: END_OF_DATA.lastIndex, statement });
          at = END_OF_DATA.lastIndex;
          lineStart = at;
        }
      }
      newStatement(at);
      continue;
    }
    begun ??= at;
    const word = match(WORD, at);
    if (word > at) {
      if (text[word] === "'" && word === at + 1 && (character === "e" || character === "E")) {
        const end = endOfString(word + 1, true);
        moveTo(end);
        continue;
      }
      if (words.length < 4 || isRoutine(words)) {
        const lower = text.slice(at, word).toLowerCase();
        if (words.length < 4) words.push(lower);
        if (lower === "atomic" && before === "begin" && isRoutine(words)) blocks++;
        else if (lower === "case" && blocks > 0) blocks++;
        else if (lower === "end" && blocks > 0) blocks--;
        before = lower;
      }
      at = word;
      continue;
    }
    if (character === "'" || character === '"') {
      const end =
        character === "'" ? endOfString(at + 1, false) : text.indexOf('"', at + 1) + 1 || text.length;
      moveTo(end);
      continue;
    }
    if (character === "$") {
      const open = match(DOLLAR, at);
      if (open > at) {
        const tag = text.slice(at, open);
        const close = text.indexOf(tag, open);
        const end = close === -1 ? text.length : close + tag.length;
        moveTo(end);
        continue;
      }
    }
    if (character === "(") depth++;
    else if (character === ")") depth = Math.max(0, depth - 1);
    const digits = match(DIGITS, at);
    const other = digits > at ? digits : match(OTHER, at);
    at = Math.max(other, at + 1);
  }
  closePiece(text.length);
  return { pieces, marks, commands, data };
}

/** Whether it is CREATE [OR REPLACE] FUNCTION or PROCEDURE, whose body may be BEGIN ATOMIC ... END. */
function isRoutine(words: readonly string[]): boolean {
  if (words[0] !== "create") return false;
  const what = words[1] === "or" && words[2] === "replace" ? words[3] : words[1];
  return what === "function" || what === "procedure";
}

/** Where the statement begins in a piece, after white space and comments, including nested ones. */
export function leadOf(piece: string): number {
  let at = 0;
  for (;;) {
    SPACE.lastIndex = at;
    if (SPACE.test(piece)) at = SPACE.lastIndex;
    else if (piece.startsWith("--", at)) {
      REST_OF_LINE.lastIndex = at;
      REST_OF_LINE.test(piece);
      at = REST_OF_LINE.lastIndex;
    } else if (piece.startsWith("/*", at)) {
      const end = endOfComment(piece, at);
      // The parser refuses an unclosed comment.
      if (end === undefined) return at;
      at = end;
    } else return at;
  }
}

/** Position after the comment that begins at `from`, including nested ones; undefined if it is not closed. */
function endOfComment(text: string, from: number): number | undefined {
  let open = 1;
  COMMENT_EDGE.lastIndex = from + 2;
  for (let edge = COMMENT_EDGE.exec(text); edge; edge = COMMENT_EDGE.exec(text)) {
    open += edge[0] === "/*" ? 1 : -1;
    if (open === 0) return COMMENT_EDGE.lastIndex;
  }
  return undefined;
}

/** Line and column numbers for rising offsets. */
export class Lines {
  /** Start of the current line. */
  private at = 0;
  private line: number;
  /** Position up to which characters are counted. */
  private counted = 0;
  private column = 1;

  constructor(
    private readonly text: string,
    first = 1,
  ) {
    this.line = first;
  }

  /** @param offset at least the previous call's */
  of(offset: number): number {
    for (;;) {
      const newline = this.text.indexOf("\n", this.at);
      if (newline === -1 || newline >= offset) return this.line;
      this.at = newline + 1;
      this.line++;
    }
  }

  /** The column in characters, from 1; an astral character counts once. @param offset as for `of` */
  columnOf(offset: number): number {
    this.of(offset);
    if (this.counted < this.at) {
      this.counted = this.at;
      this.column = 1;
    }
    this.column += [...this.text.slice(this.counted, offset)].length;
    this.counted = offset;
    return this.column;
  }
}
