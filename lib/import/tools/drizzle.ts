import { createHash } from "node:crypto";
import { z } from "zod";
import type { Finding, ImportedFolder, ImportedMigration } from "../imported.ts";
import { ImportError, readText, type SourceFolder, textOf } from "../source.ts";
import { wordsOf } from "./common.ts";

const journal = z.object({
  dialect: z.string(),
  entries: z.array(z.object({ idx: z.number(), when: z.number(), tag: z.string() })),
});

const JOURNAL = "meta/_journal.json";

/** drizzle-kit: the journal lists the files in order. */
export function readDrizzle(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const { dialect, entries } = journalOf(folder);
  const refusals: Finding[] = [];
  if (!/^(postgresql|pg)$/.test(dialect))
    refusals.push({ file: JOURNAL, says: `names the dialect ${dialect}, not PostgreSQL` });
  const migrations: ImportedMigration[] = [];
  let newest = 0;
  let newestTag = "";
  for (const { idx, when, tag } of entries) {
    const path = `${tag}.sql`;
    if (!folder.paths.includes(path)) {
      refusals.push({ file: JOURNAL, says: `names ${path}, which is missing` });
      continue;
    }
    const text = readText(folder, path, notes);
    const doubts: Finding[] = [];
    if (when <= newest)
      doubts.push({
        file: path,
        says: `is older in the journal than ${newestTag}, which comes before it. Once that one is applied, Drizzle skips this one forever and reports success. This happens when a branch is merged late. Was it applied?`,
      });
    else [newest, newestTag] = [when, tag];
    migrations.push({
      version: tag,
      aliases: [String(idx), /^\d+/.exec(tag)?.[0] ?? tag, path, String(when)],
      name: wordsOf(tag.replace(/^\d+_?/, "")),
      files: [path],
      // All pending files are one transaction; the marks between statements do not end it.
      up: { file: path, line: 1, text: text.replaceAll("--> statement-breakpoint", ""), runs: "transaction" },
      down: { none: "Drizzle has no way back" },
      row: {
        hash: createHash("sha256").update(folder.bytes(path)).digest("hex"),
        created_at: String(when),
      },
      standing: String(Math.max(newest, when)),
      doubts,
    });
  }
  const named = new Set(entries.map(({ tag }) => `${tag}.sql`));
  const other = folder.paths.filter((path) => /^[^/]+\.sql$/.test(path) && !named.has(path));
  for (const file of other)
    notes.push({
      file,
      says: "is not imported: Drizzle ignores it silently, as the journal does not name it",
    });
  return {
    tool: "drizzle",
    migrations,
    notes,
    refusals,
    late: "Drizzle skips it forever and reports success",
  };
}

function journalOf(folder: SourceFolder): z.infer<typeof journal> {
  let given: unknown;
  try {
    given = JSON.parse(textOf(folder, JOURNAL).text);
  } catch (error) {
    if (error instanceof ImportError) throw error;
    throw new ImportError(
      `${JOURNAL} is not JSON: ${error instanceof Error ? error.message : String(error)}. A merge may have left marks in it.`,
    );
  }
  const parsed = journal.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ImportError(
    `${JOURNAL} is not a journal of Drizzle: ${issue?.path.join(".")}: ${issue?.message}.`,
  );
}
