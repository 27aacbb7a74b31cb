import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compilePlan } from "../../lib/plan/compile.ts";
import { type Definition, definitionOf } from "../../local/definition.ts";
import { templateOf } from "../../local/synthesize.ts";
import { constructText } from "./construct-text.ts";
import { costText, idleText } from "./cost.ts";
import { machinePicture } from "./machine-picture.ts";
import { stackPicture } from "./stack-picture.ts";
import { usualRun } from "./usual-run.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Returns the documents that have generated parts, with these parts made again, by path. */
export async function madeFiles(): Promise<Map<string, string>> {
  const plan = await compilePlan(join(ROOT, "sql/knowledge-graph"));
  const template = await templateOf(plan, { rehearse: "before" });
  const run = definitionOf(template);
  const parts: Record<string, Record<string, string>> = {
    "docs/architecture.md": {
      stack: mermaid(stackPicture(template)),
      run: mermaid(machinePicture(run)),
      size: sizeText([
        ["the run", run],
        ["the clean-up", definitionOf(template, "clean-up")],
      ]),
      "clean-up": mermaid(machinePicture(definitionOf(template, "clean-up"))),
    },
    "docs/deploying.md": { construct: constructText() },
    "docs/costs.md": { cost: costText(await usualRun(run, plan), plan), idle: idleText(template) },
  };
  return new Map(
    Object.entries(parts).map(([file, made]) => {
      const path = join(ROOT, file);
      const text = Object.entries(made).reduce(
        (whole, [name, part]) => withPart(whole, file, name, part),
        readFileSync(path, "utf8"),
      );
      return [path, text];
    }),
  );
}

/** Returns the size of each machine as a Markdown table. The size is the same for every plan. */
function sizeText(machines: readonly [string, Definition][]): string {
  const rows = machines.map(
    ([name, { text, states }]) => `| ${name} | ${states.size} | ${Math.ceil(text.length / 1024)} KiB |\n`,
  );
  return `| machine | states | definition |\n|---|---|---|\n${rows.join("")}`;
}

const mermaid = (text: string) => `\`\`\`mermaid\n${text}\`\`\`\n`;

/** @throws Error if the document has no markers for that part */
function withPart(text: string, file: string, name: string, part: string): string {
  const [begin, end] = [`<!-- made by npm run docs: ${name} -->\n`, `<!-- end of ${name} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from)
    throw new Error(`${file} has no place for ${name}: ${begin.trim()} ... ${end}`);
  return text.slice(0, from + begin.length) + part + text.slice(to);
}
