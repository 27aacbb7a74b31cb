import { createHash } from "node:crypto";
import type { Finding, ImportedFolder, ImportedMigration, Part } from "../imported.ts";
import { atTop, type SourceFolder } from "../source.ts";
import { back, byNumber, passedOver, program, programOf, twice, whole, wordsOf } from "./common.ts";

// golang-migrate, sqlx and postgrator: a file for each direction, shown by its name.

/** golang-migrate 4. */
export function readGolangMigrate(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const refusals: Finding[] = [];
  const ups = new Map<string, { path: string; name: string }>();
  const downs = new Map<string, string>();
  const other: string[] = [];
  for (const path of atTop(folder)) {
    const [, digits, name = "", way, ending] = /^([0-9]+)_(.*)\.(down|up)\.(.*)$/.exec(path) ?? [];
    if (digits === undefined) {
      if (/\.sql$/i.test(path)) other.push(path);
      continue;
    }
    const version = String(BigInt(digits));
    if (ending !== "sql")
      notes.push({
        file: path,
        says: `is a migration for golang-migrate, despite its ending (.${ending}), and is imported as one. Rename it if that is not meant`,
      });
    const before = way === "up" ? ups.get(version)?.path : downs.get(version);
    if (before !== undefined)
      refusals.push({
        file: path,
        says: `has the version ${version}, and so has ${before}: golang-migrate refuses two, as ${digits} and ${version} are the same to it. Rename one`,
      });
    if (way === "up") ups.set(version, { path, name: wordsOf(name) });
    else downs.set(version, path);
  }
  notes.push(...passedOver(other, "golang-migrate", "VERSION_name.up.sql or VERSION_name.down.sql"));
  for (const [version, path] of downs)
    if (!ups.has(version)) notes.push({ file: path, says: "has no up file beside it, and is not imported" });
  const migrations = [...ups].map(([version, { path, name }]): ImportedMigration => {
    const down = downs.get(version);
    return {
      version,
      aliases: [...digitsOf(path), path, path.replace(/\.up\..*$/, "")],
      name,
      files: down === undefined ? [path] : [path, down],
      up: whole(folder, path, notes),
      down: back(
        folder,
        down,
        `there is no down file beside it: \`migrate down\` would silently lower the version and leave the objects`,
        notes,
      ),
      row: { version },
      standing: version,
      doubts: [],
    };
  });
  return {
    tool: "golang-migrate",
    migrations: migrations.sort((a, b) => byNumber(a.version, b.version)),
    notes,
    refusals,
    late: "golang-migrate silently never runs it",
  };
}

/** sqlx 0.8: files for one direction, and pairs. */
export function readSqlx(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const refusals: Finding[] = [];
  const migrations: ImportedMigration[] = [];
  const downs = new Map<string, string>();
  const other: string[] = [];
  const ups: { version: string; path: string; description: string }[] = [];
  for (const path of atTop(folder)) {
    const [, before, rest = ""] = /^([^_]*)_(.*\.sql)$/.exec(path) ?? [];
    if (before === undefined) {
      if (/\.sql$/i.test(path)) other.push(path);
      continue;
    }
    if (!/^\d+$/.test(before)) {
      refusals.push({
        file: path,
        says: "has no number before its first _: sqlx refuses the folder. Rename it, or move it away",
      });
      continue;
    }
    const version = String(BigInt(before));
    if (rest.endsWith(".down.sql")) downs.set(version, path);
    else ups.push({ version, path, description: rest.replace(/(\.up)?\.sql$/, "").replaceAll("_", " ") });
  }
  notes.push(...passedOver(other, "sqlx", "VERSION_name.sql"));
  for (const { version, path, description } of ups) {
    const down = downs.get(version);
    migrations.push({
      version,
      aliases: [...digitsOf(path), path, path.replace(/(\.up)?\.sql$/, "")],
      name: wordsOf(description),
      files: down === undefined ? [path] : [path, down],
      up: sqlxPart(whole(folder, path, notes), notes),
      down: back(folder, down, `there is no down file beside it`, notes),
      row: {
        version,
        description,
        checksum: createHash("sha384").update(folder.bytes(path)).digest("hex"),
      },
      standing: version,
      doubts: [],
    });
  }
  for (const [version, path] of downs)
    if (!ups.some((up) => up.version === version))
      notes.push({ file: path, says: "has no up file beside it, and is not imported" });
  refusals.push(...twice(migrations, "sqlx"));
  return {
    tool: "sqlx",
    migrations: migrations.sort((a, b) => byNumber(a.version, b.version)),
    notes,
    refusals,
  };
}

/** The mark must be the file's first bytes. Without a transaction the file is still one message. */
function sqlxPart(part: Part, notes: Finding[]): Part {
  if (part.text.startsWith("-- no-transaction")) return part;
  if (/^\s*--\s*no-?\s*transaction/im.test(part.text))
    notes.push({
      file: part.file,
      says: "has no-transaction, but its first bytes are not `-- no-transaction`: sqlx runs it in a transaction, and so does the plan",
    });
  return { ...part, runs: "transaction" };
}

/** postgrator 8: VERSION.do.name.sql and VERSION.undo.name.sql. */
export function readPostgrator(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const migrations: ImportedMigration[] = [];
  const other: string[] = [];
  const found = new Map<string, { up?: string; down?: string; name: string }>();
  for (const path of atTop(folder)) {
    const [, digits, way, rest = ""] = /^(\d+)\.(do|undo)(?:\.(.*))?\.(?:sql|[cm]?js|ts)$/.exec(path) ?? [];
    if (digits === undefined) {
      if (/\.sql$/i.test(path)) other.push(path);
      continue;
    }
    const version = String(BigInt(digits));
    const known = found.get(version) ?? { name: rest };
    found.set(version, way === "do" ? { ...known, up: path, name: rest } : { ...known, down: path });
  }
  notes.push(...passedOver(other, "postgrator", "VERSION.do.name.sql or VERSION.undo.name.sql"));
  for (const [version, { up, down, name }] of found) {
    if (up === undefined) {
      notes.push({ file: String(down), says: "has no do file beside it, and is not imported" });
      continue;
    }
    const known = { version, name: wordsOf(name) || version, standing: version };
    const means = programOf(up);
    if (means !== undefined) {
      migrations.push(program(up, means, { ...known, row: { version, name, md5: null } }));
      continue;
    }
    const md5 = createHash("md5").update(folder.bytes(up)).digest("hex");
    migrations.push({
      ...known,
      aliases: [...digitsOf(up), up],
      files: down === undefined ? [up] : [up, down],
      up: whole(folder, up, notes),
      down: back(
        folder,
        down,
        `there is no undo file beside it: postgrator would skip it and leave its row`,
        notes,
      ),
      row: { version, name, md5 },
      doubts: [],
    });
  }
  return {
    tool: "postgrator",
    migrations: migrations.sort((a, b) => byNumber(a.version, b.version)),
    notes,
    refusals: [],
    late: "postgrator silently never runs it",
  };
}

function digitsOf(path: string): string[] {
  return /^\d+/.exec(path)?.slice(0, 1) ?? [];
}
