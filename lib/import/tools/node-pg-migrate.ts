import type { Finding, ImportedFolder, ImportedMigration, Part } from "../imported.ts";
import { atTop, byCodeUnit, readText, type SourceFolder } from "../source.ts";
import { holdsSql, lineAt } from "../sql-text.ts";
import { program, programOf, wordsOf } from "./common.ts";

const UP = /^\s*--[\s-]*up\s+migration/im;
const DOWN = /^\s*--[\s-]*down\s+migration/im;
/** Lines that look like a mark of the way back and are none. */
const NEARLY_DOWN =
  /^[ \t]*--[ \t-]*(?:\+?[ \t]*migrate[ \t:]*)?(?:down|rollback|revert|undo)[ \t]*(?:part|script|sql|migrations?)?[ \t]*[:-]*[ \t]*$/im;

/** node-pg-migrate 9: files in SQL with marks, and programs. */
export function readNodePgMigrate(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const migrations: ImportedMigration[] = [];
  for (const path of atTop(folder)) {
    if (/\.d\.ts$/.test(path)) continue;
    const [, digits] = /^(\d+)/.exec(path) ?? [];
    if (digits === undefined) {
      notes.push({
        file: path,
        says: "has no number in front: node-pg-migrate refuses the whole folder because of it, unless the ignore pattern matches it",
      });
      continue;
    }
    const name = path.replace(/\.[^.]+$/, "");
    const known = {
      version: name,
      aliases: [digits, path],
      name: wordsOf(name.replace(/^\d+/, "")),
      row: { name },
      standing: name,
    };
    const means = programOf(path);
    if (means !== undefined) migrations.push(program(path, means, known));
    else if (/\.sql$/.test(path)) migrations.push({ ...known, ...readFile(folder, path, notes) });
  }
  migrations.sort((a, b) => stamp(a.version) - stamp(b.version) || byCodeUnit(a.version, b.version));
  return {
    tool: "node-pg-migrate",
    migrations,
    notes,
    refusals: [],
    late: "node-pg-migrate refuses the order, except with --no-check-order",
  };
}

type Read = Pick<ImportedMigration, "files" | "up" | "down" | "doubts">;

function readFile(folder: SourceFolder, path: string, notes: Finding[]): Read {
  const text = readText(folder, path, notes);
  const doubts: Finding[] = [];
  const line = (at: RegExpExecArray) => lineAt(text, at.index + at[0].search(/\S/));
  const [up, down] = [UP.exec(text), DOWN.exec(text)];
  const part = (from: number, to: number): Part => {
    const start = text.indexOf("\n", from) + 1 || text.length;
    return {
      file: path,
      line: lineAt(text, start),
      text: text.slice(start, Math.max(to, start)),
      runs: "transaction",
    };
  };
  const all: Part = { file: path, line: 1, text, runs: "transaction" };
  if (/\.(up|down)\.sql$/i.test(path))
    doubts.push({
      file: path,
      says: "is its own migration for node-pg-migrate, which runs x.down.sql before x.up.sql, both as up. Put both parts into one file, under -- Up Migration and -- Down Migration",
    });
  const nearly = down ? null : NEARLY_DOWN.exec(text);
  if (down && !up)
    doubts.push({
      file: path,
      line: line(down),
      says: "has -- Down Migration but no -- Up Migration: node-pg-migrate runs the whole file as up, including the down part. Write -- Up Migration above the up part",
    });
  else if (nearly)
    doubts.push({
      file: path,
      line: line(nearly),
      says: `is no mark for node-pg-migrate (${nearly[0].trim()}), which also runs what follows as up. The marks are -- Up Migration and -- Down Migration`,
    });
  const after = up && down && up.index < down.index ? part(down.index, text.length) : undefined;
  if (up && down && down.index < up.index)
    doubts.push({ file: path, line: line(down), says: "has its down part above its up part" });
  return {
    files: [path],
    up: up ? part(up.index, after && down ? down.index : text.length) : all,
    down:
      after && holdsSql(after.text) ? after : { none: `${path} has ${after ? "an empty" : "no"} down part` },
    doubts,
  };
}

/** 13 digits are milliseconds, 17 a moment in UTC, and others a plain number: so 14 digits come after 13. */
function stamp(name: string): number {
  const digits = /^\d+/.exec(name)?.[0] ?? "0";
  if (digits.length !== 17) return Number(digits);
  const [, year, month, day, hour, minute, second, ms] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/.exec(digits) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
}
