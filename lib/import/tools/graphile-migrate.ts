import { createHash } from "node:crypto";
import type { Finding, ImportedFolder, ImportedMigration } from "../imported.ts";
import { byCodeUnit, readText, type SourceFolder, textOf } from "../source.ts";
import { holdsSql } from "../sql-text.ts";
import { wordsOf } from "./common.ts";

const NAME = /^(?:committed\/)?(\d{6,})(?:-(.*))?\.sql$/;

/** graphile-migrate: the committed files, each with a hash that includes its predecessor's. */
export function readGraphileMigrate(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const refusals: Finding[] = [];
  const migrations: ImportedMigration[] = [];
  let previous: string | null = null;
  const uncommitted = folder.paths.filter((path) => /^current(\.sql$|\/.*\.sql$)/.test(path));
  for (const file of uncommitted)
    if (holdsSql(textOf(folder, file).text))
      notes.push({
        file,
        says: "is not committed, and is not imported: graphile-migrate commit makes a migration of it",
      });
  const paths = folder.paths.filter((path) => NAME.test(path)).sort(byCodeUnit);
  for (const path of paths) {
    const [, digits = "", slug = ""] = NAME.exec(path) ?? [];
    const text = readText(folder, path, notes);
    const lines = text.split("\n");
    const blank = lines.findIndex((line) => line.trim() === "");
    const ends = lines.findIndex((line) => !line.startsWith("--!"));
    const head = lines.slice(0, ends < 0 ? lines.length : ends);
    const header = (name: string) =>
      head
        .map((line) => new RegExp(`^--!\\s*${name}\\s*:\\s*(.*?)\\s*$`, "i").exec(line)?.[1])
        .find((found) => found !== undefined);
    const doubts: Finding[] = [];
    const body = lines.slice(ends + 1).join("\n");
    const hash = sealOf(previous, body);
    const written = header("Hash");
    const follows = header("Previous");
    const refuse = (says: string) => refusals.push({ file: path, line: 1, says });
    if (blank !== ends) refuse("has no blank line below its header: graphile-migrate refuses the folder");
    else if (written === undefined) refuse("has no --! Hash: graphile-migrate refuses the folder");
    else if (written !== hash && !/^--!\s*AllowInvalidHash/im.test(head.join("\n")))
      refuse(
        "does not match its --! Hash: it or a file before it was changed after it was committed, and graphile-migrate refuses the folder",
      );
    if ((follows === "-" ? null : follows) !== previous)
      refuse("does not follow the file before it, by its --! Previous");
    const row: { filename: string; hash: string; previous_hash: string | null } = {
      filename: `${digits}.sql`,
      hash: written ?? hash,
      previous_hash: previous,
    };
    previous = row.hash;
    for (const [index, line] of lines.entries())
      if (/^--!\s*include\b/i.test(line))
        doubts.push({
          file: path,
          line: index + 1,
          says: "includes another file. Put that file's SQL here",
        });
    migrations.push({
      version: digits,
      aliases: [String(Number(digits)), path, `${digits}.sql`],
      name: wordsOf(slug || (header("Message") ?? "").replace(/[^\w ]+/g, " ")) || digits,
      files: [path],
      up: {
        file: path,
        line: ends + 2,
        text: lines.slice(ends + 1).join("\n"),
        // It counts only on the first line of the body.
        runs: /^--!\s*no-transaction\b/.test(body) ? "message" : "transaction",
      },
      down: { none: "graphile-migrate has no way back" },
      row,
      standing: row.filename,
      doubts,
    });
  }
  return {
    tool: "graphile-migrate",
    migrations,
    notes,
    refusals,
    late: "graphile-migrate treats it as applied, as it reads only the newest row",
    placeholders: {
      pattern: /(?<![:\w])(:[A-Z][A-Z0-9_]+)\b/g,
      by: "graphile-migrate replaces",
    },
  };
}

/** A migration's hash covers the hash of the one before it. */
function sealOf(previous: string | null, body: string): string {
  const text = `${previous ?? ""}\n${body}`.trim();
  return `sha1:${createHash("sha1").update(`${text}\n`).digest("hex")}`;
}
