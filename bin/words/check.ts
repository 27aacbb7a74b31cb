import jsTokens from "js-tokens";
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

/** One word, a path, a pattern: names of things, not texts. */
const NAME = /^.\S*$/;

/** A template, as far as it is read: its code is blank in the text, and a letter in the outline, where a path stays one. */
interface Template {
  start: number;
  text: string;
  outline: string;
}

function readTexts(source: string): Piece[] {
  const pieces: Piece[] = [];
  const add = ({ start, text, outline }: Template) => {
    if (NAME.test(outline) || NAMES.has(text.slice(1, -1))) return;
    const before = source.slice(0, start).split("\n");
    pieces.push({ text, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 });
  };
  const open: Template[] = [];
  let end = 0;
  for (const { type, value } of jsTokens(source)) {
    const start = end;
    end += value.length;
    const whole = { start, text: value, outline: value };
    switch (type) {
      case "SingleLineComment":
      case "MultiLineComment":
        add({ ...whole, text: value.replace(/`[^`\n]+`/g, blank) });
        break;
      case "StringLiteral":
      case "NoSubstitutionTemplate":
        add(whole);
        break;
      case "TemplateHead":
        open.push(whole);
        break;
      case "TemplateMiddle":
      case "TemplateTail": {
        const template = open.at(-1);
        if (!template) break;
        template.text += blank(source.slice(template.start + template.text.length, start)) + value;
        template.outline += `x${value}`;
        if (type === "TemplateTail") add(open.pop() ?? template);
      }
    }
  }
  return pieces;
}

const blank = (code: string) => code.replace(/[^\n]/g, " ");
