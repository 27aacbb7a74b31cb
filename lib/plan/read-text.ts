import { isUtf8 } from "node:buffer";
import { lstat, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { PlanError } from "./plan-error.ts";

const UNREADABLE: Readonly<Record<string, (directory: string) => string>> = {
  ENOENT: (directory) => `missing in ${directory}`,
  ENOTDIR: (directory) => `missing in ${directory}: a file is in the place of its folder`,
  EISDIR: (directory) => `a folder in ${directory}, but must be a file`,
  EACCES: (directory) => `cannot be read: this process has no permission. Check the mode in ${directory}`,
  ELOOP: (directory) => `symbolic links in ${directory} form a circle`,
  EMFILE: () => "not opened: this process has too many files open. Raise the limit: ulimit -n 4096",
};

/**
 * Reads a file of a plan as text, without a byte order mark and with \n for the line ends of Windows.
 * @param path relative to the plan's folder
 * @throws PlanError for a file that cannot be read, or is no UTF-8 text
 */
export async function readText(directory: string, path: string): Promise<string> {
  return textOf(path, await readBytes(directory, path));
}

async function readBytes(directory: string, path: string): Promise<Buffer> {
  const place = join(directory, path);
  try {
    const found = await stat(place);
    if (found.isDirectory())
      throw new PlanError(path, "file", `a folder in ${directory}, but must be a file`);
    // Reading a pipe or a device might never end.
    if (!found.isFile())
      throw new PlanError(path, "file", `must be a regular file, and is not, in ${directory}`);
    return await readFile(place);
  } catch (error) {
    if (error instanceof PlanError) throw error;
    const { code = "", message } = error as NodeJS.ErrnoException;
    const dangling = code === "ENOENT" && (await lstat(place).catch(() => undefined))?.isSymbolicLink();
    throw new PlanError(
      path,
      "file",
      dangling
        ? `a symbolic link that leads nowhere, in ${directory}`
        : (UNREADABLE[code]?.(directory) ?? `cannot be read: ${message}`),
    );
  }
}

const NEWLINE = 0x0a;

/** @throws PlanError for what is no UTF-8 text, with its line */
export function textOf(path: string, bytes: Buffer): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw new PlanError(path, "line 1", "the file is UTF-16. Save it as UTF-8");
  const zero = bytes.indexOf(0);
  if (zero !== -1)
    throw new PlanError(
      path,
      `line ${lineAt(bytes, zero)}`,
      "a NUL byte, at which PostgreSQL would end the text. Remove it",
    );
  if (!isUtf8(bytes)) {
    const { line, byte } = notUtf8(bytes);
    throw new PlanError(
      path,
      `line ${line}`,
      `the file is not UTF-8: this line has the byte 0x${byte.toString(16).padStart(2, "0").toUpperCase()}, as Latin-1 or Windows-1252 files do. Save the file as UTF-8`,
    );
  }
  const text = bytes.toString("utf8");
  return (text.startsWith("\ufeff") ? text.slice(1) : text).replaceAll("\r\n", "\n");
}

function lineAt(bytes: Buffer, at: number): number {
  let line = 1;
  for (let next = bytes.indexOf(NEWLINE); next !== -1 && next < at; next = bytes.indexOf(NEWLINE, next + 1))
    line++;
  return line;
}

/** The first line that is not UTF-8, and its first byte that is not ASCII. A character never spans two lines. */
function notUtf8(bytes: Buffer): { line: number; byte: number } {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    const part = bytes.subarray(start, end);
    if (!isUtf8(part)) return { line, byte: firstWrong(part) };
    start = end + 1;
  }
  return { line, byte: 0 };
}

function firstWrong(line: Buffer): number {
  // The shortest prefix that no further bytes could complete: characters have at most four bytes.
  for (let at = 0; at < line.length; at++) {
    if ((line[at] ?? 0) < 0x80) continue;
    const length = [2, 3, 4].find((bytes) => isUtf8(line.subarray(at, at + bytes)));
    if (length === undefined) return line[at] ?? 0;
    at += length - 1;
  }
  return 0;
}
