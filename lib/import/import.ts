import { loadModule } from "libpg-query";
import type { Session } from "../../lambdas/shared/session.ts";
import { appliedIn } from "./applied.ts";
import { candidates, programsIn } from "./detect.ts";
import { type Decisions, type Draft, draftOf } from "./draft.ts";
import type { Tool } from "./imported.ts";
import { type Applied, splitFolder, splitUntil } from "./pending.ts";
import { READERS, TOOL_NAMES } from "./readers.ts";
import { ImportError, nameOf, readSource, type SourceFolder } from "./source.ts";

/** A folder whose tool is known. */
export interface Recognized {
  source: SourceFolder;
  tool: Tool;
  /** Why it was recognized; `--tool` if the person named it. */
  because: readonly string[];
}

/**
 * Reads the folder, and recognizes its tool.
 * @throws ImportError if nothing identifies the tool, or several tools match
 */
export function recognize(dir: string, given: Tool | undefined): Recognized {
  const source = readSource(dir);
  if (given !== undefined) return { source, tool: given, because: ["--tool names it"] };
  const found = candidates(source);
  const [first, ...more] = found;
  if (!first) {
    const programs = programsIn(source);
    throw new ImportError(
      programs ??
        `Nothing in ${dir} shows which tool it belongs to. Give the folder of the migrations themselves, or name the tool: --tool NAME.`,
    );
  }
  if (more.some(({ tool }) => tool !== first.tool))
    throw new ImportError(
      `${dir} may belong to several tools. Name the right one: --tool NAME.\n${found.map(({ tool, because }) => `  ${tool}: ${because}`).join("\n")}`,
    );
  return { source, tool: first.tool, because: found.map(({ because }) => because) };
}

/** Where it is known from which migrations are applied. */
export type Asked = Applied | { kind: "database"; session: Session; table: string | undefined };

/**
 * Makes the draft of a plan, and writes nothing.
 * @param until the last version of the plan; without it the plan has all pending ones
 * @throws ImportError if the folder has no migration, or if it is unclear which are applied
 */
export async function draftFrom(
  { source, tool }: Recognized,
  asked: Asked,
  decisions: Decisions,
  until?: string,
): Promise<Draft> {
  await loadModule();
  const folder = READERS[tool](source);
  const databases = folder.refusals.length > 0 ? databasesNamed(source) : [];
  if (databases.length > 1)
    throw new ImportError(
      `${source.root} has files named for several databases (${databases.map(([name, file]) => `${name}: ${file}`).join(", ")}), and several have the same version. Copy the ones for PostgreSQL into a folder, and import that.`,
    );
  if (folder.migrations.length === 0 && folder.refusals.length === 0) {
    const programs = programsIn(source);
    throw new ImportError(
      `There is no migration of ${TOOL_NAMES[tool]} in ${source.root}.${programs === undefined ? "" : ` ${programs}`}${folder.notes.map(({ file, says }) => `\n  ${file} ${says}`).join("")}`,
    );
  }
  if (asked.kind !== "database")
    return draftOf(folder, splitUntil(folder, splitFolder(folder, asked), until), decisions);
  const state = await appliedIn(asked.session, folder, asked.table);
  const draft = draftOf(
    state.folder,
    splitUntil(state.folder, splitFolder(state.folder, state.applied), until),
    decisions,
  );
  if (!draft.schema) return draft;
  return {
    ...draft,
    schema: {
      ...draft.schema,
      ...(asked.table === undefined ? {} : { table: asked.table }),
      // By the tool's own rules; for Django, by the apps that the plan concerns.
      expectedVersion: tool === "django" ? draft.schema.expectedVersion : state.version,
    },
  };
}

const DATABASE =
  /[._-](postgres(?:ql)?|pg|mysql|mariadb|sqlite3?|cockroach(?:db)?|mssql|sqlserver|oracle|h2)\.(?:.*\.)?sql$/i;

/** Databases that files are named for, each with one file. */
function databasesNamed({ paths }: SourceFolder): [name: string, file: string][] {
  const found = new Map<string, string>();
  for (const path of paths) {
    const name = DATABASE.exec(nameOf(path))?.[1]?.toLowerCase();
    if (name !== undefined && !found.has(name)) found.set(name, path);
  }
  return [...found];
}
