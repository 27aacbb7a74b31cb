import type { Finding, ImportedFolder, ImportedMigration, Part } from "../imported.ts";
import { atTop, readText, type SourceFolder } from "../source.ts";
import { endLines, holdsSql } from "../sql-text.ts";
import { byNumber, program, programOf, twice, wordsOf } from "./common.ts";

/** Case does not matter, and the words may be missing. */
const ANNOTATION = /^--\s*\+goose\s+(.*?)\s*$/i;

/** goose 3: one file for each migration, with the annotations `-- +goose Up` and `-- +goose Down`. */
export function readGoose(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const refusals: Finding[] = [];
  const migrations: ImportedMigration[] = [];
  for (const path of atTop(folder)) {
    if (/_test\.go$/.test(path)) continue;
    if (!/\.(sql|go)$/.test(path)) continue;
    const [, version, rest = ""] = /^(\d+)_(.*)\.(?:sql|go)$/.exec(path) ?? [];
    if (version === undefined || BigInt(version) === 0n) {
      // A file in Go may be something else than a migration.
      if (/\.sql$/.test(path))
        refusals.push({
          file: path,
          says: "is not named VERSION_name.sql with a version above 0: every goose command fails while it is here. Rename it, or move it away",
        });
      continue;
    }
    const number = String(BigInt(version));
    const known = {
      version: number,
      name: wordsOf(rest),
      row: { version_id: number },
      standing: number,
    };
    const means = programOf(path);
    migrations.push(
      means === undefined ? { ...known, ...readFile(folder, path, notes) } : program(path, means, known),
    );
  }
  migrations.sort((a, b) => byNumber(a.version, b.version));
  refusals.push(...twice(migrations, "goose"));
  return {
    tool: "goose",
    migrations,
    notes,
    refusals,
    late: "goose refuses it, except with --allow-missing",
  };
}

type Read = Omit<ImportedMigration, "version" | "name" | "row" | "standing">;

function readFile(folder: SourceFolder, path: string, notes: Finding[]): Read {
  const text = readText(folder, path, notes);
  const doubts: Finding[] = [];
  const doubt = (line: number, says: string) => doubts.push({ file: path, line, says });
  const lines = text.split("\n");
  const parts: Record<"up" | "down", { line: number; lines: string[] } | undefined> = {
    up: undefined,
    down: undefined,
  };
  let into: "up" | "down" | undefined;
  let runs: Part["runs"] = "transaction";
  let inBlock = false;
  const ends = endLines(text);
  const open = { up: false, down: false };
  for (const [index, line] of lines.entries()) {
    const number = index + 1;
    const words = ANNOTATION.exec(line)?.[1]?.toUpperCase();
    if (words === undefined && /^\s*-{2,}\s*\+?\s*goose\b/i.test(line))
      doubt(number, `is no annotation for goose, though it looks like one: ${line.trim()}`);
    if (words === "UP" || words === "DOWN") {
      into = words === "UP" ? "up" : "down";
      if (parts[into]) doubt(number, `has ${line.trim()} a second time: goose refuses the file`);
      if (into === "down" && !parts.up) doubt(number, "comes before `-- +goose Up`: goose refuses the file");
      parts[into] = { line: number + 1, lines: [] };
      continue;
    }
    if (words === "NO TRANSACTION") runs = "statements";
    else if (words === "STATEMENTBEGIN") inBlock = true;
    else if (words === "STATEMENTEND") {
      inBlock = false;
      if (into) open[into] = false;
    } else if (words !== undefined && !/^ENVSUB (ON|OFF)$/.test(words))
      doubt(number, `is an annotation that goose does not know: ${line.trim()}`);
    if (words === "ENVSUB ON")
      doubt(
        number,
        "makes goose replace names such as $NAME by environment variables. Write the values into the file",
      );
    if (words !== undefined) {
      if (into) parts[into]?.lines.push("");
      continue;
    }
    if (!into && line.trim() !== "" && !/^\s*--/.test(line))
      doubt(number, "is SQL before `-- +goose Up`: goose refuses the file");
    if (!into) continue;
    parts[into]?.lines.push(line);
    if (inBlock || line.trim() === "") continue;
    const ending = endsForGoose(line);
    if (ending && !ends.has(number))
      doubt(
        number,
        "ends with a semicolon inside a string or a body: goose splits the statement there, and fails. Put the statement between `-- +goose StatementBegin` and `-- +goose StatementEnd`",
      );
    if (!/^\s*--/.test(line)) open[into] = !ending;
  }
  if (!parts.up) doubt(1, "has no line `-- +goose Up`: goose refuses the file");
  if (inBlock) doubt(lines.length, "`-- +goose StatementEnd` is missing: goose refuses the file");
  for (const way of ["up", "down"] as const)
    if (open[way] && !inBlock)
      notes.push({
        file: path,
        says: `the last statement of its ${way} part has no semicolon: goose refuses the file. The plan has the statement unchanged`,
      });
  const part = (way: "up" | "down"): Part | undefined => {
    const found = parts[way];
    return found && { file: path, line: found.line, text: found.lines.join("\n"), runs };
  };
  const down = part("down");
  return {
    aliases: [path, path.replace(/\.sql$/, ""), String(/^\d+/.exec(path)?.[0])],
    files: [path],
    up: part("up") ?? { file: path, line: 1, text, runs },
    down: down && holdsSql(down.text) ? down : { none: `${path} has ${down ? "an empty" : "no"} down part` },
    doubts,
  };
}

/** Judges as goose does: by the last word before a comment, which must end with a semicolon. */
function endsForGoose(line: string): boolean {
  const words = line.split(/\s+/).filter((word) => word !== "");
  const comment = words.findIndex((word) => word.startsWith("--"));
  return (comment < 0 ? words : words.slice(0, comment)).at(-1)?.endsWith(";") ?? false;
}
