import { crc32 } from "node:zlib";
import type { Finding, ImportedFolder, ImportedMigration, Part } from "../imported.ts";
import { byCodeUnit, nameOf, readText, type SourceFolder, textOf } from "../source.ts";
import { back, program, programOf } from "./common.ts";

/** Prefixes are capital letters; the version is numbers separated by `.` or `_`. */
const VERSIONED = /^([VBU])([0-9]+(?:[._][0-9]+)*)(?:__(.*))?\.(sql|java|class|kt|js|py|sh)$/;
const ENDS = /\.sql$/i;
const REPEATABLE = /^R__(.*)\.(sql|java|class|kt)$/i;
const CALLBACK =
  /^(before|after|create)(Connect|Each\w+|Migrate\w*|Clean\w*|Info\w*|Validate\w*|Baseline\w*|Repair\w*|Undo\w*|Schema\w*|Versioned|Repeatables|s)?(__.*)?\.sql$/;

interface Script {
  path: string;
  version: string;
  description: string;
}

/** Flyway: V, R, B and U files at any depth. */
export function readFlyway(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const refusals: Finding[] = [];
  const found: Record<"V" | "B" | "U", Script[]> = { V: [], B: [], U: [] };
  for (const path of folder.paths) {
    const name = nameOf(path);
    const note = (words: string) => notes.push({ file: path, says: words });
    const [, kind, version, description = ""] =
      VERSIONED.exec(ENDS.test(name) ? name.replace(ENDS, ".sql") : name) ?? [];
    if (version !== undefined) {
      found[kind as "V" | "B" | "U"].push({
        path,
        version: version.replaceAll("_", "."),
        description: description.replaceAll("_", " "),
      });
    } else if (REPEATABLE.test(name) && name.startsWith("R"))
      note(
        "is repeatable: Flyway runs it after the versioned ones, each time that its text has changed. It is not imported. Have Flyway run it afterwards, or write its changes as a migration",
      );
    else if (CALLBACK.test(name))
      note("is a callback, which Flyway runs around its own migrations. The plan does not run it");
    else if (ENDS.test(name))
      note(
        "is not imported: Flyway ignores it silently, as its name is not V, a version, two _ and a description",
      );
  }
  const undo = new Map(found.U.map((script) => [sameVersion(script.version), script.path]));
  const migrations = [...found.V, ...found.B].map((script) =>
    migrationOf(folder, script, found.B, undo, notes),
  );
  migrations.sort(
    (a, b) => byVersion(a.version, b.version) || byCodeUnit(a.files[0] ?? "", b.files[0] ?? ""),
  );
  for (const [index, migration] of migrations.entries()) {
    const before = migrations[index - 1];
    if (before && byVersion(before.version, migration.version) === 0 && !before.base && !migration.base)
      refusals.push({
        file: migration.files[0] ?? "",
        says: `has the version ${migration.version}, and so has ${before.files[0]}: Flyway refuses the folder. Rename one`,
      });
  }
  return {
    tool: "flyway",
    migrations,
    notes,
    refusals,
    placeholders: { pattern: /\$\{([^{}\s]+)\}/g, by: "Flyway replaces" },
    late: "Flyway does not apply it, except with outOfOrder",
  };
}

function migrationOf(
  folder: SourceFolder,
  { path, version, description }: Script,
  bases: readonly Script[],
  undo: ReadonlyMap<string, string>,
  notes: Finding[],
): ImportedMigration {
  const base = bases.some((one) => one.path === path) || undefined;
  const known = {
    version: base ? `B${version}` : version,
    name: description === "" ? nameOf(path).replace(ENDS, "") : description,
    standing: version,
  };
  const means = programOf(path);
  if (means !== undefined) return program(path, means, known);
  if (base)
    notes.push({
      file: path,
      says: `is a baseline: Flyway runs it on an empty database instead of all versions up to ${version}, and never otherwise`,
    });
  const way = base ? undefined : undo.get(sameVersion(version));
  if (way !== undefined)
    notes.push({
      file: way,
      says: `becomes the way back of ${path}. Only the paid editions of Flyway run it; the rehearsal tries it`,
    });
  const { up, raw } = scriptOf(folder, path, notes);
  return {
    ...known,
    aliases: [path, nameOf(path), `V${version}`, version.replaceAll(".", "_")],
    files: way === undefined ? [path] : [path, way],
    up,
    down: back(
      folder,
      way,
      "there is no U file of its version: the open edition of Flyway has no way back",
      notes,
    ),
    row: { version, description, script: path, checksum: checksumOf(raw) },
    doubts: [],
    ...(base ? { base } : {}),
  };
}

function scriptOf(folder: SourceFolder, path: string, notes: Finding[]): { up: Part; raw: string } {
  const text = readText(folder, path, notes);
  const settings = folder.paths.includes(`${path}.conf`)
    ? textOf(folder, `${path}.conf`)
        .text.split("\n")
        .map((line) => line.replace(/\s/g, "").toLowerCase())
    : [];
  const alone = settings.includes("executeintransaction=false");
  if (alone)
    notes.push({
      file: path,
      says: "runs without a transaction (.conf): if its second statement fails, Flyway leaves the first one applied and writes no row",
    });
  return {
    // Flyway splits the text, but runs all of it in one transaction unless none of it can run in one.
    up: { file: path, line: 1, text, runs: alone ? "statements" : "transaction if possible" },
    raw: folder.bytes(path).toString("utf8"),
  };
}

/** Checksum of the lines without their ends and without a byte order mark, as a signed 32-bit number. */
export function checksumOf(text: string): number {
  let sum = 0;
  const read = text.replace(/^\uFEFF/, "");
  const lines = read.split(/\r\n|\n|\r/);
  // Nothing comes after the last line end.
  if (lines.at(-1) === "") lines.pop();
  for (const line of lines) sum = crc32(Buffer.from(line, "utf8"), sum);
  return sum | 0;
}

function parts(version: string): bigint[] {
  return version.replace(/^B/, "").split(".").map(BigInt);
}

/** Normalizes a version: 1.0 is 1, and 1.10 comes after 1.9. */
function sameVersion(version: string): string {
  return parts(version)
    .join(".")
    .replace(/(\.0)+$/, "");
}

export function byVersion(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [one, other] = [left[at] ?? 0n, right[at] ?? 0n];
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}
