import type { Finding, ImportedFolder, ImportedMigration, Part } from "../imported.ts";
import { atTop, byCodeUnit, readText, type SourceFolder } from "../source.ts";
import { commentLines, holdsSql } from "../sql-text.ts";
import { passedOver, program, programOf, twice, wordsOf } from "./common.ts";

const UP = /^--\s*migrate:up(?:\s*$|\s+\S)/;
const DOWN = /^--\s*migrate:down(?:\s*$|\s+\S+$)/;
/** Lines that look like a mark and are none. */
const NEARLY = /^\s*-{2,}\s*migrate\s*:?\s*(up|down)\b/i;

/** dbmate 2: one file for each migration, with the marks `-- migrate:up` and `-- migrate:down`. */
export function readDbmate(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const migrations: ImportedMigration[] = [];
  for (const path of atTop(folder)) {
    const [, version] = /^(\d+)/.exec(path) ?? [];
    if (version === undefined || !/\.sql$/.test(path)) {
      const means = programOf(path);
      if (version !== undefined && means !== undefined)
        migrations.push(program(path, means, { version, name: path, standing: version }));
      else if (/\.sql$/i.test(path)) notes.push(...passedOver([path], "dbmate", "digits and .sql"));
      continue;
    }
    migrations.push(readFile(folder, path, version, notes));
  }
  migrations.sort((a, b) => byCodeUnit(a.files[0] ?? "", b.files[0] ?? ""));
  return { tool: "dbmate", migrations, notes, refusals: twice(migrations, "dbmate") };
}

function readFile(folder: SourceFolder, path: string, version: string, notes: Finding[]): ImportedMigration {
  const text = readText(folder, path, notes);
  const doubts: Finding[] = [];
  const outside = commentLines(text, /migrate/i);
  const lines = text.split("\n");
  const up = lines.findIndex((line) => UP.test(line));
  const down = lines.findIndex((line) => DOWN.test(line));
  const say = (line: number, says: string) => doubts.push({ file: path, line: line + 1, says });
  for (const [index, line] of lines.entries()) {
    const mark = UP.test(line) || DOWN.test(line);
    if (mark && !outside.has(index + 1))
      say(index, "is inside a string, a body or a comment, but dbmate still treats it as a mark");
    else if (mark && index !== up && index !== down)
      say(index, "is the second mark of its kind: dbmate refuses the file");
    else if (!mark && NEARLY.test(line) && outside.has(index + 1))
      say(
        index,
        `is no mark for dbmate, which treats it as a comment (${line.trim()}): what follows belongs to the part above. Write it at the start of the line, in lower case, without a space after the colon`,
      );
  }
  if (up < 0) say(0, "has no line `-- migrate:up`: dbmate refuses it");
  else if (lines.slice(0, up).some((line) => line.trim() !== "" && !/^\s*--/.test(line)))
    say(0, "has SQL before `-- migrate:up`: dbmate refuses it");
  if (down >= 0 && down < up) say(down, "comes before `-- migrate:up`: dbmate refuses the file");
  const part = (from: number, to: number): Part => ({
    file: path,
    line: from + 2,
    text: lines.slice(from + 1, to).join("\n"),
    runs: transactionOf(lines[from] ?? "", { file: path, line: from + 1 }, notes),
  });
  const back = down > up ? part(down, lines.length) : undefined;
  if (down < 0)
    notes.push({
      file: path,
      says: "has no line `-- migrate:down`: `dbmate migrate` itself refuses such a file",
    });
  return {
    version,
    aliases: [path, path.replace(/\.sql$/, "")],
    name: wordsOf(path.replace(/^\d+/, "").replace(/\.sql$/, "")),
    files: [path],
    up:
      up < 0 ? { file: path, line: 1, text, runs: "transaction" } : part(up, down > up ? down : lines.length),
    down: back && holdsSql(back.text) ? back : { none: `${path} has ${back ? "an empty" : "no"} down part` },
    row: { version },
    standing: version,
    doubts,
  };
}

/** Only this exact spelling turns the transaction off; everything else is ignored. */
function transactionOf(mark: string, at: { file: string; line: number }, notes: Finding[]): Part["runs"] {
  const options = mark.split(/\s+/).map((option) => option.split(":"));
  if (
    options.some(([key, value, ...more]) => key === "transaction" && value === "false" && more.length === 0)
  )
    return "message";
  if (/transaction/i.test(mark))
    notes.push({
      ...at,
      says: `does not have transaction:false in this exact spelling (${mark.trim()}), so dbmate runs it in a transaction, and so does the plan`,
    });
  return "transaction";
}
