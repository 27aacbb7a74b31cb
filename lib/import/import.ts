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
  /** Why it is taken for that; the person's word where they gave it. */
  because: readonly string[];
}

/**
 * Reads the folder, and finds out whose it is.
 * @throws ImportError where nothing says it, or several things do
 */
export function recognize(dir: string, given: Tool | undefined): Recognized {
  const source = readSource(dir);
  if (given !== undefined) return { source, tool: given, because: ["--tool says so"] };
  const found = candidates(source);
  const [first, ...more] = found;
  if (!first) {
    const programs = programsIn(source);
    throw new ImportError(
      programs ??
        `Nothing in ${dir} says which tool it is of. Give the folder that holds the migrations themselves, or name the tool: --tool NAME.`,
    );
  }
  if (more.some(({ tool }) => tool !== first.tool))
    throw new ImportError(
      `${dir} may be of several tools. Name the one: --tool NAME.\n${found.map(({ tool, because }) => `  ${tool}: ${because}`).join("\n")}`,
    );
  return { source, tool: first.tool, because: found.map(({ because }) => because) };
}

/** How it is known which migrations are applied. */
export type Asked = Applied | { kind: "database"; session: Session; table: string | undefined };

/**
 * The draft of a plan, and nothing written.
 * @param until the last version that the plan is to hold; all that are pending without it
 * @throws ImportError where the folder holds no migration, or it is not clear which of them are applied
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
      `${source.root} has files for several databases by their names (${databases.map(([name, file]) => `${name}: ${file}`).join(", ")}), several of one version. Copy those that PostgreSQL is to run into a folder, and import that.`,
    );
  if (folder.migrations.length === 0 && folder.refusals.length === 0) {
    const programs = programsIn(source);
    throw new ImportError(
      `There is no migration of ${TOOL_NAMES[tool]} in ${source.root}.${programs === undefined ? "" : ` ${programs}`}${folder.notes.map(({ file, says }) => `\n  ${file} ${says}`).join("")}`,
    );
  }
  if (asked.kind !== "database")
    return draftOf(folder, splitUntil(folder, splitFolder(folder, asked), until), decisions);
  const said = await appliedIn(asked.session, folder, asked.table);
  const draft = draftOf(
    said.folder,
    splitUntil(said.folder, splitFolder(said.folder, said.applied), until),
    decisions,
  );
  if (!draft.schema) return draft;
  return {
    ...draft,
    schema: {
      ...draft.schema,
      ...(asked.table === undefined ? {} : { table: asked.table }),
      // By the tool's own rules; of Django, by the apps that the plan is about.
      expectedVersion: tool === "django" ? draft.schema.expectedVersion : said.version,
    },
  };
}

const DATABASE =
  /[._-](postgres(?:ql)?|pg|mysql|mariadb|sqlite3?|cockroach(?:db)?|mssql|sqlserver|oracle|h2)\.(?:.*\.)?sql$/i;

/** Databases that files' names are of, each with one file. */
function databasesNamed({ paths }: SourceFolder): [name: string, file: string][] {
  const found = new Map<string, string>();
  for (const path of paths) {
    const name = DATABASE.exec(nameOf(path))?.[1]?.toLowerCase();
    if (name !== undefined && !found.has(name)) found.set(name, path);
  }
  return [...found];
}
