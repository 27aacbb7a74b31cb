import { createHash } from "node:crypto";
import type { Finding, ImportedFolder, ImportedMigration, Part } from "../imported.ts";
import { atTop, byCodeUnit, readText, type SourceFolder, textOf } from "../source.ts";
import { wordsOf } from "./common.ts";

const SUM = "atlas.sum";

/** Atlas: files in the order of their names, with checksums in atlas.sum. */
export function readAtlas(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const paths = atTop(folder).filter((path) => path.endsWith(".sql"));
  const { hashes, refusals } = sealed(folder, paths);
  const migrations: ImportedMigration[] = [];
  for (const path of paths.sort(byCodeUnit)) {
    const text = readText(folder, path, notes);
    const bare = path.replace(/\.sql$/, "");
    const [version = bare, ...rest] = bare.split("_");
    const description = rest.join("_");
    const { directives, runs } = headOf(text, path, notes);
    if (directives.some((line) => /atlas:import\b/.test(line)))
      refusals.push({
        file: path,
        says: "imports another file (atlas:import). Put that file's SQL in its place",
      });
    const doubts: Finding[] = [];
    const checkpoint = directives.some((line) => /atlas:checkpoint\b/.test(line));
    if (checkpoint)
      notes.push({
        file: path,
        line: 1,
        says: "is a checkpoint: Atlas runs it on an empty database instead of all files before it, and never otherwise",
      });
    if (directives.some((line) => /atlas:delimiter\b/.test(line)))
      doubts.push({
        file: path,
        line: 1,
        says: "sets its own delimiter (atlas:delimiter), which is no SQL. Write semicolons instead",
      });
    migrations.push({
      version,
      aliases: [path, bare],
      name: wordsOf(description) || version,
      files: [path],
      up: { file: path, line: 1, text, runs },
      down: { none: "the open edition of Atlas has no way back" },
      row: { version, description, hash: hashes.get(path) ?? "" },
      standing: version,
      doubts,
      ...(checkpoint ? { base: true as const } : {}),
    });
  }
  return {
    tool: "atlas",
    migrations,
    notes,
    refusals,
    late: "Atlas refuses it, except with --exec-order",
  };
}

/** Its directives count only if a blank line ends the comments at the file's head. */
function headOf(text: string, path: string, notes: Finding[]): { directives: string[]; runs: Part["runs"] } {
  const lines = text.split("\n");
  const end = lines.findIndex((line) => !/^\s*(--|#)/.test(line));
  const head = lines.slice(0, Math.max(end, 0));
  const counts = (lines[end] ?? "").trim() === "";
  const directives = head.filter((line) => /atlas:/.test(line));
  const mode = directives.find((line) => /^\s*(--|#)\s*atlas:txmode\s+none\s*$/.test(line));
  if (mode !== undefined && !counts)
    notes.push({
      file: path,
      line: head.indexOf(mode) + 1,
      says: "counts for Atlas only if a blank line follows the comments at the head, which is missing. Atlas runs the file in a transaction, and so does the plan",
    });
  return {
    directives: counts ? directives : [],
    runs: mode !== undefined && counts ? "statements" : "transaction",
  };
}

function sealed(
  folder: SourceFolder,
  paths: readonly string[],
): { hashes: ReadonlyMap<string, string>; refusals: Finding[] } {
  const hashes = new Map<string, string>();
  const running = createHash("sha256");
  for (const path of [...paths].sort(byCodeUnit)) {
    running.update(path).update(folder.bytes(path));
    hashes.set(path, running.copy().digest("base64"));
  }
  if (!folder.paths.includes(SUM)) return { hashes, refusals: [] };
  const sums = new Map(
    textOf(folder, SUM)
      .text.split("\n")
      .flatMap((line) => {
        const [, name, sum] = /^(.*\S)\s+h1:(\S+)$/.exec(line) ?? [];
        return name === undefined || sum === undefined ? [] : [[name, sum] as const];
      }),
  );
  const wrong = [...hashes].find(([path, hash]) => sums.get(path) !== hash);
  if (!wrong) return { hashes, refusals: [] };
  return {
    hashes,
    refusals: [
      {
        file: wrong[0],
        says: `does not match ${SUM}${sums.has(wrong[0]) ? "" : ", which does not list it"}: it or a file before it was changed after its checksum was made, and Atlas refuses the folder. Check what was changed, then run: atlas migrate hash`,
      },
    ],
  };
}
