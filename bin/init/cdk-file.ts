import { readFile, realpath, stat } from "node:fs/promises";
import { applyEdits, modify } from "jsonc-parser";
import { SETTINGS_KEY } from "../../lib/settings.ts";
import { UsageError } from "../../local/events.ts";
import { replaceFile } from "../commands/replace-file.ts";
import type { Draft } from "./questions.ts";

/** A file that holds the settings of a deployment, and other things that people wrote. */
export interface CdkFile {
  text: string;
  /** The settings in it; undefined if it has none. */
  settings: Draft | undefined;
}

/** @throws UsageError if the file is no JSON object */
export async function readCdk(file: string): Promise<CdkFile> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new UsageError(`There is no ${file}: call this in the folder of the app, or give --file.`);
  });
  let value: unknown;
  try {
    value = JSON.parse(withoutMark(text));
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${(error as Error).message}`);
  }
  if (!isObject(value)) throw new UsageError(`${file} is not a JSON object.`);
  const { context } = value;
  if (context !== undefined && !isObject(context))
    throw new UsageError(`${file}: "context" must be an object.`);
  const settings = context?.[SETTINGS_KEY];
  return { text, settings: settings === undefined ? undefined : isObject(settings) ? settings : {} };
}

/** Puts the settings into the file. Everything else in it stays, byte for byte. */
export async function writeSettings(
  file: string,
  { text, settings: before }: CdkFile,
  settings: Draft,
): Promise<void> {
  const body = withoutMark(text);
  const indent = /\n([ \t]+)\S/.exec(body)?.[1] ?? "  ";
  const edits = modify(body, ["context", SETTINGS_KEY], inOrderOf(settings, before), {
    formattingOptions: {
      insertSpaces: !indent.startsWith("\t"),
      tabSize: indent.startsWith("\t") ? 1 : indent.length,
      eol: body.includes("\r\n") ? "\r\n" : "\n",
    },
  });
  const path = await realpath(file);
  const { mode } = await stat(path);
  await replaceFile(path, text.slice(0, text.length - body.length) + applyEdits(body, edits), mode & 0o777);
}

/** One line for each setting that is removed or changed. */
export function replaced(before: Draft | undefined, after: Draft): string[] {
  if (before === undefined) return [];
  const [was, is] = [leaves(before), leaves(after)];
  return [...was].flatMap(([path, value]) => {
    const now = is.get(path);
    if (now === value) return [];
    return [now === undefined ? `${path}: ${value} is left out` : `${path}: ${value} becomes ${now}`];
  });
}

function leaves(value: unknown, path = ""): Map<string, string> {
  if (!isObject(value) || Object.keys(value).length === 0) return new Map([[path, JSON.stringify(value)]]);
  return new Map(
    Object.entries(value).flatMap(([key, part]) => [...leaves(part, path === "" ? key : `${path}.${key}`)]),
  );
}

/** The same settings. Keys that were there before keep their order. */
function inOrderOf(value: unknown, before: unknown): unknown {
  if (!isObject(value) || !isObject(before)) return value;
  const kept = Object.keys(before).filter((key) => key in value);
  const keys = [...kept, ...Object.keys(value).filter((key) => !kept.includes(key))];
  return Object.fromEntries(keys.map((key) => [key, inOrderOf(value[key], before[key])]));
}

/** Without the byte order mark that some editors write. */
function withoutMark(text: string): string {
  return text.replace(/^\ufeff/, "");
}

function isObject(value: unknown): value is Draft {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
