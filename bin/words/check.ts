import { toNlcst } from "mdast-util-to-nlcst";
import { ParseEnglish } from "parse-english";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import retextIndefiniteArticle from "retext-indefinite-article";
import retextRepeatedWords from "retext-repeated-words";
import { unified } from "unified";
import { VFile } from "vfile";
import { AVOIDED, NAMES } from "./vocabulary.ts";

export interface Finding {
  line: number;
  column: number;
  text: string;
}

/** A piece of a file that people read, with its place in the file. */
interface Piece {
  text: string;
  line: number;
  column: number;
}

interface Node {
  type: string;
  value?: string;
  children?: Node[];
  position?: { start: { line: number; column: number } };
}

/** Returns what our vocabulary and the English rules find in a Markdown document, in its order. Code is not read. */
export async function checkMarkdown(markdown: string): Promise<Finding[]> {
  const file = new VFile(markdown);
  const tree = unified().use(remarkParse).use(remarkGfm).parse(file);
  const words = piecesOf(tree as Node).flatMap(avoidedIn);
  const english = unified().use(retextRepeatedWords).use(retextIndefiniteArticle);
  for (const block of blocksOf(tree as Node))
    await english.run(toNlcst(block as Parameters<typeof toNlcst>[0], file, ParseEnglish), file);
  const messages = file.messages.map(({ line = 0, column = 0, reason }) => ({ line, column, text: reason }));
  return [...words, ...messages].sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Returns the words that our vocabulary avoids in comments and strings of TypeScript. */
export function checkTypeScript(source: string): Finding[] {
  return readTexts(source)
    .flatMap(avoidedIn)
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

function avoidedIn({ text, line, column }: Piece): Finding[] {
  return AVOIDED.flatMap(({ pattern, instead }) =>
    [...text.matchAll(pattern)].map((match) => {
      const before = text.slice(0, match.index).split("\n");
      const last = before.at(-1) ?? "";
      return {
        line: line + before.length - 1,
        column: before.length === 1 ? column + last.length : last.length + 1,
        text: `"${match[0]}": ${instead}`,
      };
    }),
  );
}

function piecesOf({ type, value, children = [], position }: Node): Piece[] {
  if (type === "text" && value !== undefined && position) return [{ text: value, ...position.start }];
  return children.flatMap(piecesOf);
}

/** Paragraphs, headings and the cells of tables, each by itself: no sentence goes from one into another. */
function blocksOf(node: Node): Node[] {
  const { type, children = [] } = node;
  if (type === "tableCell") return [{ ...node, type: "paragraph" }];
  return type === "paragraph" || type === "heading" ? [node] : children.flatMap(blocksOf);
}

/** A comment, a string, a regular expression, or a mark at which templates and their code begin and end. */
const TOKENS =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|[`{}]|(?<=[(,=:[!&|?{};\s])\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;
/** One word, a path, a pattern: names of things, not texts. */
const NAME = /^.\S*$/;

function readTexts(source: string): Piece[] {
  const pieces: Piece[] = [];
  const add = (text: string, start: number, outline = text) => {
    if (NAME.test(outline) || NAMES.has(text.slice(1, -1))) return;
    const before = source.slice(0, start).split("\n");
    pieces.push({ text, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 });
  };
  /** Reads code up to a brace that it did not open. @returns the brace's place */
  const readCode = (start: number): number => {
    let open = 0;
    for (let at = start; ; ) {
      TOKENS.lastIndex = at;
      const found = TOKENS.exec(source);
      if (!found) return source.length;
      const [token] = found;
      at = found.index + token.length;
      if (token === "`") at = readTemplate(found.index);
      else if (token === "{") open++;
      else if (token === "}" && open-- === 0) return found.index;
      else if (/^\/[/*]/.test(token)) add(token.replace(/`[^`\n]+`/g, blank), found.index);
      else if (/^["']/.test(token)) add(token, found.index);
    }
  };
  /** Reads a template and the texts in its code, each by itself. @returns the place after the template */
  const readTemplate = (start: number): number => {
    let text = "`";
    // With a letter for each piece of code: a path stays one.
    let outline = text;
    let at = start + 1;
    while (at < source.length && source[at] !== "`") {
      const isCode = source.startsWith("${", at);
      const end = isCode ? readCode(at + 2) + 1 : at + (source[at] === "\\" ? 2 : 1);
      const part = source.slice(at, end);
      text += isCode ? blank(part) : part;
      outline += isCode ? "x" : part;
      at = end;
    }
    add(`${text}\``, start, `${outline}\``);
    return at + 1;
  };
  for (let at = 0; at < source.length; ) at = readCode(at) + 1;
  return pieces;
}

const blank = (code: string) => code.replace(/[^\n]/g, " ");
