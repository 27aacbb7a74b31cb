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
  return readTexts(source).flatMap(avoidedIn);
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

/** Comments, strings and templates, in this order of precedence; a regular expression is taken as code. */
const TEXTS =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|\$\{(?:[^{}`]|\{[^{}]*\}|`[^`]*`)*\}|[^`\\])*`|(?<=[(,=:[!&|?{};\s])\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;
/** One word, a path, a pattern: names of things, not texts. */
const NAME = /^.\S*$/;

function readTexts(source: string): Piece[] {
  return [...source.matchAll(TEXTS)].flatMap(({ 0: text, index }) => {
    const isComment = /^\/[/*]/.test(text);
    const isRegExp = text.startsWith("/") && !isComment;
    if (isRegExp || NAME.test(text) || NAMES.has(text.slice(1, -1))) return [];
    const before = source.slice(0, index).split("\n");
    const code = isComment ? /`[^`\n]+`/g : /\$\{[^}]*\}/g;
    const read = text.replace(code, (part) => part.replace(/[^\n]/g, " "));
    return [{ text: read, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }];
  });
}
