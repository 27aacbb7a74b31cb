import { loadModule } from "libpg-query";
import { candidates } from "../../lib/import/detect.ts";
import { type Decisions, type Draft, draftOf } from "../../lib/import/draft.ts";
import type { Tool } from "../../lib/import/imported.ts";
import { splitFolder } from "../../lib/import/pending.ts";
import { READERS } from "../../lib/import/readers.ts";
import { type SourceFolder, sourceOf } from "../../lib/import/source.ts";

export type Files = Readonly<Record<string, string | Buffer>>;

export function folderOf(files: Files, root = "migrations"): SourceFolder {
  return sourceOf(
    root,
    Object.entries(files).map(([path, text]) => [path, () => Buffer.from(text)]),
  );
}

/** Returns the import of a folder. All its migrations are pending unless `after` is given. */
export async function drafted(
  tool: Tool,
  files: Files,
  { after, ...decisions }: Partial<Decisions> & { after?: string } = {},
): Promise<Draft> {
  await loadModule();
  const folder = READERS[tool](folderOf(files));
  return draftOf(
    folder,
    splitFolder(folder, after === undefined ? { kind: "none" } : { kind: "after", version: after }),
    { take: [], skip: [], values: new Map(), ...decisions },
  );
}

/** Returns `file:line text` for each. */
export function said(findings: Draft["notes"]): string[] {
  return findings.map(({ file, line, says }) => `${file}${line === undefined ? "" : `:${line}`} ${says}`);
}

/** Returns the tools that the folder may belong to. */
export function toolsOf(files: Files): string[] {
  return [...new Set(candidates(folderOf(files)).map(({ tool }) => tool))];
}

/** Returns the steps' marks and statements, without headers and blank lines. */
export function bare(sql: string | undefined): string | undefined {
  return sql
    ?.split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("-- Imported from"))
    .join("\n");
}
