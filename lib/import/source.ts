import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Finding } from "./imported.ts";

/** A folder of files, read as they are asked for. */
export interface SourceFolder {
  /** As it was given. */
  root: string;
  /** Files at any depth, by their path from the root with `/`, sorted by code unit. */
  paths: readonly string[];
  bytes(path: string): Buffer;
}

/** Text of a file as the database would get it, and what was done to it to get there. */
export interface SourceText {
  text: string;
  notes: Finding[];
}

/** Never migrations, and often large. */
const PASSED_OVER = new Set(["node_modules", "target", "vendor", "__pycache__", "dist", "build"]);
const MOST_FILES = 50_000;

/** A folder that cannot be imported; the message says what helps. */
export class ImportError extends Error {
  override readonly name = "ImportError";
}

/** @throws ImportError for a folder with too many files, or one that holds itself */
export function readSource(root: string): SourceFolder {
  const paths: string[] = [];
  const walk = (folder: string, depth: number) => {
    if (depth > 12) return;
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.name.startsWith(".") && entry.name !== ".gmrc") continue;
      const kind = entry.isSymbolicLink() ? statSync(join(root, path), { throwIfNoEntry: false }) : entry;
      if (kind?.isDirectory() && !PASSED_OVER.has(entry.name)) walk(path, depth + 1);
      else if (kind?.isFile()) paths.push(path);
      if (paths.length > MOST_FILES)
        throw new ImportError(
          `${root} holds more than ${MOST_FILES} files: give the folder of the migrations alone.`,
        );
    }
  };
  walk("", 0);
  return sourceOf(
    root,
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

/** As C, Go and Rust sort names; a language's own order of letters would be another. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Files that stand in the folder itself. */
export function atTop(folder: SourceFolder): string[] {
  return folder.paths.filter((path) => !path.includes("/"));
}

export function nameOf(path: string): string {
  return basename(path);
}

/**
 * The text of a file: UTF-8, without a byte order mark, with lines that end as everywhere.
 * @throws ImportError with file and line for other bytes, and for a NUL, behind which PostgreSQL reads nothing
 */
export function textOf(folder: SourceFolder, path: string): SourceText {
  const bytes = folder.bytes(path);
  const notes: Finding[] = [];
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw new ImportError(`${path} is UTF-16. Save it as UTF-8: iconv -f UTF-16 -t UTF-8.`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ImportError(
      `${path}:${lineOf(bytes, firstBadByte(bytes))} holds bytes that are not UTF-8. Save it as UTF-8: iconv -f LATIN1 -t UTF-8, if that is what it is.`,
    );
  }
  const nul = bytes.indexOf(0);
  if (nul >= 0)
    throw new ImportError(
      `${path}:${lineOf(bytes, nul)} holds a NUL byte, and PostgreSQL reads nothing behind one. Take it out.`,
    );
  if (text.startsWith("\uFEFF")) {
    text = text.slice(1);
    notes.push({ file: path, line: 1, says: "begins with a byte order mark, which the plan leaves out" });
  }
  if (text.includes("\r\n")) {
    text = text.replaceAll("\r\n", "\n");
    notes.push({ file: path, says: "has lines that end with CR LF; the plan's end with LF" });
  }
  return { text, notes };
}

function lineOf(bytes: Buffer, at: number): number {
  let line = 1;
  for (const byte of bytes.subarray(0, at)) if (byte === 10) line++;
  return line;
}

function firstBadByte(bytes: Buffer): number {
  // Each try says whether the bytes up to there may begin a text: half of a character at the end may.
  const decodes = (end: number) => {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, end), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (decodes(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
