import type { Finding, ImportedFolder, ImportedMigration } from "../imported.ts";
import { readText, type SourceFolder, textOf } from "../source.ts";
import { holdsSql } from "../sql-text.ts";
import { program } from "./common.ts";

const SECTION = /^--\s*Running\s+(upgrade|downgrade)\s+(.*?)\s*->\s*(\S*)\s*$/;
/** Alembic's own statements on its version table: Sluice writes that row itself. */
const OWN =
  /^(?:CREATE\s+TABLE\s+(?:\S+\.)?alembic_version\b|(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|DROP\s+TABLE)\s+(?:\S+\.)?alembic_version\b)/i;

interface Section {
  file: string;
  line: number;
  way: "upgrade" | "downgrade";
  from: string[];
  to: string[];
  text: string;
}

/** Alembic: the output of `alembic upgrade --sql` and `downgrade --sql`, and the names of revisions in Python. */
export function readAlembic(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const refusals: Finding[] = [];
  const sections = folder.paths
    .filter((path) => /\.(sql|txt)$/i.test(path))
    .flatMap((path) => sectionsOf(folder, path, notes));
  // If several revisions could come next, the file's name decides.
  const revisions = chained(
    folder.paths.filter((path) => /\.py$/.test(path)).flatMap((path) => revisionIn(folder, path) ?? []),
    ({ id }) => id,
    ({ down }) => down,
  );
  const ups = sections.filter(({ way }) => way === "upgrade");
  const downs = sections.filter(({ way }) => way === "downgrade");
  const migrations: ImportedMigration[] = [];
  for (const { file, line, from, to, text } of ups) {
    const id = to[0] ?? "";
    const revision = revisions.find((one) => one.id === id);
    const back = downs.find((one) => one.from.includes(id));
    const down = from.length === 0 ? null : from.length === 1 ? (from[0] ?? null) : from;
    if (migrations.some(({ version }) => version === id)) {
      refusals.push({ file, line, says: `upgrades to ${id} a second time` });
      continue;
    }
    migrations.push({
      version: id,
      aliases: [id.slice(0, 8), ...(revision ? [revision.path] : [])],
      name: revision?.title ?? id,
      files: [...new Set([file, ...(back ? [back.file] : [])])],
      up: { file, line: line + 1, text, runs: "statements" },
      down:
        back && holdsSql(back.text)
          ? { file: back.file, line: back.line + 1, text: back.text, runs: "statements" }
          : {
              none: back
                ? `the downgrade of ${id} has no SQL`
                : `no file has the downgrade of ${id}: alembic downgrade ${id}:${from[0] ?? "base"} --sql > ${id}.down.sql`,
            },
      row: { version_num: id, down_revision: down },
      standing: id,
      doubts: [],
    });
  }
  const printed = new Set(ups.map(({ to }) => to[0]));
  for (const { id, down, path, title } of revisions) {
    if (printed.has(id)) continue;
    const before = down[0] ?? "base";
    migrations.push(
      program(
        path,
        `it is Python. Have the import call Alembic (--call), or print its SQL into the folder: alembic upgrade ${before}:${id} --sql > ${id}.sql, and alembic downgrade ${id}:${before} --sql > ${id}.down.sql`,
        {
          version: id,
          aliases: [id.slice(0, 8), path],
          name: title,
          row: { version_num: id, down_revision: down.length > 1 ? down : (down[0] ?? null) },
          standing: id,
        },
      ),
    );
  }
  const place = new Map(revisions.map(({ id }, index) => [id, index]));
  const ordered =
    revisions.length > 0
      ? migrations.sort((a, b) => (place.get(a.version) ?? -1) - (place.get(b.version) ?? -1))
      : chained(migrations, ({ version }) => version, followedBy);
  return {
    tool: "alembic",
    migrations: standing(ordered),
    notes,
    refusals,
    late: "Alembic treats it as applied, as its table holds only the heads",
  };
}

function sectionsOf(folder: SourceFolder, path: string, notes: Finding[]): Section[] {
  const text = readText(folder, path, notes);
  const sections: Section[] = [];
  let inTransaction = false;
  let own = false;
  for (const [index, line] of text.split("\n").entries()) {
    const [, way, from = "", to = ""] = SECTION.exec(line) ?? [];
    if (way === "upgrade" || way === "downgrade") {
      sections.push({
        file: path,
        line: index + 1,
        way,
        from: namesIn(from),
        to: namesIn(to),
        // One transaction may hold several revisions; here each revision begins its own.
        text: inTransaction ? "BEGIN;\n" : "",
      });
    }
    const now = sections.at(-1);
    if (/^\s*BEGIN\s*;?\s*$/i.test(line)) inTransaction = true;
    else if (/^\s*COMMIT\s*;?\s*$/i.test(line)) inTransaction = false;
    if (OWN.test(line.trim())) own = true;
    if (!own && now && way === undefined) now.text += `${line}\n`;
    else if (now && way === undefined) now.text += "\n";
    if (own && /;\s*$/.test(line)) own = false;
  }
  return sections.map((section) => ({ ...section, text: closed(section.text) }));
}

/** Ends a transaction that would continue in the next revision. */
function closed(text: string): string {
  const marks = text.match(/^\s*(BEGIN|COMMIT)\s*;?\s*$/gim) ?? [];
  return /BEGIN/i.test(marks.at(-1) ?? "") ? `${text}COMMIT;\n` : text;
}

function namesIn(text: string): string[] {
  return text.split(/[\s,]+/).filter((name) => name !== "" && name !== "<base>" && name !== "base");
}

interface Revision {
  id: string;
  down: string[];
  path: string;
  title: string;
}

function revisionIn(folder: SourceFolder, path: string): Revision | undefined {
  const { text } = textOf(folder, path);
  const id = /^revision\s*(?::\s*[\w."'[\], |]+)?=\s*["']([^"']+)["']/m.exec(text)?.[1];
  const down = /^down_revision\s*(?::\s*[\w."'[\], |]+)?=\s*(None|\([^)]*\)|\[[^\]]*\]|["'][^"']*["'])/m.exec(
    text,
  )?.[1];
  if (id === undefined || down === undefined) return undefined;
  const title = /^\s*(?:r|u)?["']{3}\s*(.*?)\s*$/m.exec(text)?.[1]?.replace(/["']{3}$/, "");
  return {
    id,
    down: [...down.matchAll(/["']([^"']+)["']/g)].map(([, one]) => String(one)),
    path,
    title: title || id,
  };
}

/** Puts each after its predecessors; if several could come next, in the given order. */
function chained<One>(
  all: readonly One[],
  idOf: (one: One) => string,
  follows: (one: One) => readonly string[],
): One[] {
  const rest = [...all];
  const waiting = new Set(all.map(idOf));
  const done: One[] = [];
  while (rest.length > 0) {
    const at = rest.findIndex((one) => follows(one).every((id) => !waiting.has(id)));
    // Revisions that form a circle stay in their order.
    for (const next of rest.splice(Math.max(at, 0), 1)) {
      waiting.delete(idOf(next));
      done.push(next);
    }
  }
  return done;
}

function followedBy({ row }: ImportedMigration): string[] {
  return [row?.down_revision ?? []].flat().map(String);
}

/** The heads in the table: the revisions without a successor yet. */
function standing(migrations: readonly ImportedMigration[]): ImportedMigration[] {
  let heads: string[] = [];
  return migrations.map((one) => {
    const follows = followedBy(one);
    heads = [...heads.filter((head) => !follows.includes(head)), one.version].sort();
    return { ...one, standing: heads.join(", ") };
  });
}
