import type { Finding, ImportedFolder, ImportedMigration, Part } from "../imported.ts";
import { atTop, readText, type SourceFolder } from "../source.ts";
import { holdsSql, lineAt } from "../sql-text.ts";
import { byNumber, passedOver, program, programOf, twice, wordsOf } from "./common.ts";

const SEPARATOR = "---- create above / drop below ----";
const NEARLY = /^\s*-{2,}\s*create\s+above\s*\/\s*drop\s+below\s*-*\s*$/im;
const NO_TRANSACTION = /^---- tern: disable-tx ----$/m;

/** tern 2: files numbered 1, 2, 3, with a line that separates up from down. */
export function readTern(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const refusals: Finding[] = [];
  const migrations: ImportedMigration[] = [];
  for (const path of atTop(folder)) {
    const [, digits, name = ""] = /^(\d+)_(.+)\.sql$/.exec(path) ?? [];
    if (digits === undefined) {
      const number = /^(\d+)_/.exec(path)?.[1];
      const means = programOf(path);
      if (/\.sql$/i.test(path)) notes.push(...passedOver([path], "tern", "NUMBER_name.sql"));
      else if (number !== undefined && means !== undefined)
        migrations.push(program(path, means, { version: number, name: path, standing: number }));
      continue;
    }
    const version = String(BigInt(digits));
    migrations.push(readFile(folder, path, { version, digits, name: wordsOf(name) }, notes));
  }
  migrations.sort((a, b) => byNumber(a.version, b.version));
  refusals.push(...twice(migrations, "tern"));
  const gap = migrations.findIndex(({ version }, index) => version !== String(index + 1));
  const after = migrations[gap];
  if (after && refusals.length === 0)
    refusals.push({
      file: after.files[0] ?? "",
      says: `migration ${gap + 1} is missing before it: tern refuses the folder. Number the files 1, 2, 3 without gaps${BigInt(after.version) > 2_147_483_647n ? "; stamps are too large for tern" : ""}`,
    });
  return {
    tool: "tern",
    migrations,
    notes,
    refusals,
    late: "tern treats it as applied, as its table holds only the newest version",
    placeholders: { pattern: /\{\{\s*\.?([^{}]*?)\s*\}\}/g, by: "tern replaces the template" },
  };
}

function readFile(
  folder: SourceFolder,
  path: string,
  { version, digits, name }: { version: string; digits: string; name: string },
  notes: Finding[],
): ImportedMigration {
  const text = readText(folder, path, notes);
  const doubts: Finding[] = [];
  const cut = text.indexOf(SEPARATOR);
  const nearly = NEARLY.exec(text);
  if (cut < 0 && nearly)
    doubts.push({
      file: path,
      line: lineAt(text, nearly.index + nearly[0].search(/\S/)),
      says: `is no separator for tern (${nearly[0].trim()}), so tern runs both parts as up. Write it as ${SEPARATOR}`,
    });
  const part = (from: number, to: number): Part => {
    const body = text.slice(from, to);
    const runs = NO_TRANSACTION.test(body) ? ("statements" as const) : ("transaction" as const);
    if (runs === "transaction" && /^\s*-+\s*tern\s*:/im.test(body))
      notes.push({
        file: path,
        says: `has something like ---- tern: disable-tx ----, but not in this exact spelling: tern runs it in a transaction, and so does the plan`,
      });
    return { file: path, line: lineAt(text, from), text: body.replace(NO_TRANSACTION, ""), runs };
  };
  const down = cut < 0 ? undefined : part(cut + SEPARATOR.length, text.length);
  return {
    version,
    aliases: [digits, path, path.replace(/\.sql$/, "")],
    name,
    files: [path],
    up: part(0, cut < 0 ? text.length : cut),
    down:
      down && holdsSql(down.text)
        ? down
        : { none: `${path} has ${down ? "nothing below the separator" : "no separator"}` },
    row: { version },
    standing: version,
    doubts,
  };
}
