import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { textOf as textFrom } from "../plan/read-text.ts";
import { portable } from "../portable.ts";
import type { Finding } from "./imported.ts";

/** A folder whose files are read on demand. */
export interface SourceFolder {
  /** As given, with `/`. */
  root: string;
  /** Paths of files at any depth, from the root, with `/`, sorted by code unit. */
  paths: readonly string[];
  bytes(path: string): Buffer;
}

/** Text of a file as the database would get it, and what was changed for that. */
export interface SourceText {
  text: string;
  notes: Finding[];
}

/** Folders that never hold migrations, and are often large. */
const PASSED_OVER = new Set(["node_modules", "target", "vendor", "__pycache__", "dist", "build"]);
const MOST_FILES = 50_000;

/** A folder that cannot be imported; the message includes what to do. */
export class ImportError extends Error {
  override readonly name = "ImportError";
}

/** @throws ImportError for a folder with too many files, or one that contains itself */
export function readSource(root: string): SourceFolder {
  const paths: string[] = [];
  const walk = (folder: string, depth: number, above: readonly string[]) => {
    if (depth > 12) return;
    const real = realpathSync(join(root, folder));
    if (above.includes(real))
      throw new ImportError(`${join(root, folder)} is a link to a folder above it. Remove the link.`);
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.name.startsWith(".") && entry.name !== ".gmrc") continue;
      const kind = entry.isSymbolicLink() ? statSync(join(root, path), { throwIfNoEntry: false }) : entry;
      if (!kind)
        throw new ImportError(
          `${join(root, path)} is a link to a missing file. Bring the file back, or remove the link.`,
        );
      if (kind.isDirectory() && !PASSED_OVER.has(entry.name)) walk(path, depth + 1, [...above, real]);
      else if (kind.isFile()) paths.push(path);
      if (paths.length > MOST_FILES)
        throw new ImportError(
          `${root} has more than ${MOST_FILES} files. Give the folder with only the migrations.`,
        );
    }
  };
  walk("", 0, []);
  return sourceOf(
    portable(root),
    paths.map((path) => [path, () => readFileSync(join(root, path))]),
  );
}

export function sourceOf(root: string, files: readonly (readonly [string, () => Buffer])[]): SourceFolder {
  const byPath = new Map(files);
  const read = new Map<string, Buffer>();
  return {
    root,
    paths: [...byPath.keys()].sort(byCodeUnit),
    bytes(path) {
      const known = read.get(path) ?? byPath.get(path)?.();
      if (!known) throw new ImportError(`There is no file ${path} in ${root}.`);
      read.set(path, known);
      return known;
    },
  };
}

/** Sorts names as C, Go and Rust do; a locale's order would differ. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Files directly in the folder. */
export function atTop(folder: SourceFolder): string[] {
  return folder.paths.filter((path) => !path.includes("/"));
}

export function nameOf(path: string): string {
  return basename(path);
}

/**
 * The text of a file: UTF-8, without a byte order mark, with \n as line end.
 * @throws PlanError with file and line for other bytes, and for a NUL, where PostgreSQL stops reading
 */
export function textOf(folder: SourceFolder, path: string): SourceText {
  const known = decoded.get(folder)?.get(path);
  if (known) return known;
  const read = decode(folder, path);
  decoded.set(folder, (decoded.get(folder) ?? new Map<string, SourceText>()).set(path, read));
  return read;
}

/** The text of a file; changes made to it are added to the notes. */
export function readText(folder: SourceFolder, path: string, notes: Finding[]): string {
  const { text, notes: read } = textOf(folder, path);
  notes.push(...read);
  return text;
}

/** Caches texts, as recognizing the tool reads each file many times. */
const decoded = new WeakMap<SourceFolder, Map<string, SourceText>>();

function decode(folder: SourceFolder, path: string): SourceText {
  const bytes = folder.bytes(path);
  const text = textFrom(path, bytes);
  const notes: Finding[] = [];
  if (bytes.indexOf("\uFEFF") === 0)
    notes.push({ file: path, line: 1, says: "begins with a byte order mark, which the plan leaves out" });
  if (bytes.includes("\r\n"))
    notes.push({ file: path, says: "has lines that end with CR LF; the plan's end with LF" });
  return { text, notes };
}
