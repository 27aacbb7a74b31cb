// Where a text of SQL is code, and where it is a string, a body or a comment. No parser: it must also read what does not
// parse yet, such as templates, and psql's own lines.

export type Place = "code" | "string" | "body" | "comment";

/** Each run of characters of one kind, in order; together they are the text. */
export function* places(text: string): Generator<{ place: Place; start: number; end: number }> {
  let start = 0;
  let at = 0;
  while (at < text.length) {
    const found = opened(text, at);
    if (!found) {
      at++;
      continue;
    }
    if (at > start) yield { place: "code", start, end: at };
    yield { place: found.place, start: at, end: found.end };
    start = at = found.end;
  }
  if (at > start) yield { place: "code", start, end: at };
}

const DOLLAR = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;

function opened(text: string, at: number): { place: Place; end: number } | undefined {
  const two = text.slice(at, at + 2);
  if (two === "--") {
    const end = text.indexOf("\n", at);
    return { place: "comment", end: end < 0 ? text.length : end };
  }
  if (two === "/*") return { place: "comment", end: blockEnd(text, at) };
  if (two[0] === "'") {
    const escapes = /[eE]/.test(text[at - 1] ?? "") && !/[\w$]/.test(text[at - 2] ?? "");
    return { place: "string", end: quoteEnd(text, at, "'", escapes) };
  }
  if (two[0] === '"') return { place: "string", end: quoteEnd(text, at, '"', false) };
  // In a name such as a$b$c a dollar is a letter.
  if (two[0] !== "$" || /[\p{L}\p{N}_$]/u.test(text[at - 1] ?? "")) return undefined;
  DOLLAR.lastIndex = at;
  const tag = DOLLAR.exec(text)?.[0];
  if (tag === undefined) return undefined;
  const close = text.indexOf(tag, at + tag.length);
  return { place: "body", end: close < 0 ? text.length : close + tag.length };
}

/** Comments of this kind nest. */
function blockEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const two = text.slice(at, at + 2);
    if (two === "/*") {
      depth++;
      at++;
    } else if (two === "*/") {
      depth--;
      at++;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

function quoteEnd(text: string, start: number, quote: string, escapes: boolean): number {
  for (let at = start + 1; at < text.length; at++) {
    if (escapes && text[at] === "\\") at++;
    else if (text[at] === quote) {
      if (text[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  return text.length;
}

/** Numbers of the lines that begin inside of a string, a body or a comment that began on a line before. */
export function linesInside(text: string): ReadonlySet<number> {
  const inside = new Set<number>();
  let line = 1;
  for (const { place, start, end } of places(text))
    for (let at = text.indexOf("\n", start); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) {
      line++;
      if (place !== "code" && at + 1 < end) inside.add(line);
    }
  return inside;
}

/** Whether a text holds anything but white space and comments. */
export function holdsSql(text: string): boolean {
  for (const { place, start, end } of places(text))
    if (place !== "comment" && /[^\s;]/.test(text.slice(start, end))) return true;
  return false;
}

export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}
