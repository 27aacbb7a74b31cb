import type { HeldLockDoc } from "./documents.ts";
import type { StorageWork } from "./ports.ts";

// Formats for people, the same on pages, in messages and at the terminal.

/** Formats seconds, such as `40 ms`, `0.4 s`, `42 s`, `3 min 20 s`, `1 h 5 min`. */
export function duration(seconds: number): string {
  if (seconds > 0 && seconds < 0.0995) return `${Math.ceil(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${Number(Math.max(0, seconds).toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return joined(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(seconds / 60);
  return joined(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** Formats an ISO 8601 time, such as `2026-11-03 02:14:05 UTC`. */
export function moment(iso: string): string {
  return `${day(iso)} ${clock(iso)} UTC`;
}

export function day(iso: string): string {
  return iso.slice(0, 10);
}

export function clock(iso: string): string {
  return iso.slice(11, 19);
}

/** Formats a number with its noun, such as `1 table`, `7 tables`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** Groups digits, such as `1,234,567`. Row counts are text, as they may exceed what a number holds. */
export function grouped(rows: string): string {
  return rows.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Joins items, such as `008, 007 and 006`. */
export function list(items: readonly string[]): string {
  if (items.length < 2) return items.join("");
  return `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

export function milliseconds(ms: number): string {
  return `${ms < 10 ? Number(ms.toFixed(2)) : ms < 100 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
}

export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = n;
  let unit = 0;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${Number(size.toFixed(size < 10 && unit > 0 ? 1 : 0))} ${units[unit]}`;
}

/** Formats a held lock, such as `0.1 s (AccessExclusive on orders)`. */
export function lockText({ relation, mode, seconds }: HeldLockDoc): string {
  return `${duration(seconds)} (${mode.replace(/Lock$/, "")} on ${relation})`;
}

/** Ends the text with a full stop where it has no end mark. SQL keeps its semicolon, and several lines stay as they are. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed.includes("\n")) return trimmed;
  return /[.!?;]["'”)]?$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

/** Cuts the text to `longest` characters; an ellipsis marks the cut. */
export function shorten(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1).trimEnd()}…`;
}

/** Rounds seconds to milliseconds: sums of seconds are binary fractions with long tails. */
export function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** Returns the sum; null where one of the values is unknown. */
export function total(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length < values.length ? null : known.reduce((sum, value) => sum + value, 0);
}

export function secondsBetween(from: string, to: string): number {
  return toMilliseconds(Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000));
}

// Limits for unbounded text on pages and in messages. The evidence has the full text.

/** The most characters of one value. The longest cause fits. */
const LONGEST_VALUE = 2_000;
/** The most rows of one table or list. */
const MOST_ROWS = 100;

/** Returns the text, or its beginning with the number of characters left out. */
export function cutText(text: string, longest = LONGEST_VALUE): string {
  if (text.length <= longest) return text;
  // Never cut a surrogate pair in half.
  const end = /[\ud800-\udbff]$/.test(text.slice(0, longest)) ? longest - 1 : longest;
  return `${text.slice(0, end).trimEnd()}… (${text.length - end} more characters)`;
}

/** Returns the first items, and the number of further ones. */
export function cutRows<T>(items: readonly T[], most = MOST_ROWS): { shown: readonly T[]; more: number } {
  return { shown: items.slice(0, most), more: Math.max(0, items.length - most) };
}

/** Returns the lines, each cut, with a last line for the number of further ones. */
export function cutLines(lines: readonly string[], most = MOST_ROWS, longest = LONGEST_VALUE): string[] {
  const { shown, more } = cutRows(lines, most);
  return [...shown.map((line) => cutText(line, longest)), ...(more > 0 ? [`and ${more} more`] : [])];
}

// Outside text (plans, catalogs, checks, servers, people) must only be read. Terminals and messages could act on it, so
// every text for them goes through these functions.

// Control characters, marks that change the text direction, Unicode's own line ends, and invisible characters. The two
// characters that join letters stay, as some scripts need them.
const UNSEEN = /[\p{Cc}\ufffe\uffff\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
const KEPT = new Set(["\n", "\t", "\u200c", "\u200d", "\ufe0e", "\ufe0f"]);

/** Makes control characters and invisible characters visible; line feeds and tabs stay. */
export function visible(text: string): string {
  return text
    .replace(/\r\n/g, "\n")
    .replace(UNSEEN, (character) => (KEPT.has(character) ? character : shown(character)));
}

/** Returns a symbol such as `␛` for Escape, or `<U+202E>` for a character without a symbol. */
function shown(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

/** Puts the text on one line: line breaks, tabs and control characters become blanks. */
export const oneLine = (text: string) => text.replace(/[\s\p{Cc}\u2028\u2029]+/gu, " ").trim();

/** For messages: puts the text on one line and breaks addresses, so that mail programs make no links of them. */
export function plain(text: string): string {
  return visible(text.replace(/\s+/g, " ").trim())
    .replace(/:\/\//g, ": //")
    .replace(/www\./gi, "www .")
    .replace(/mailto:/gi, "mailto :");
}

/** Makes every text in a value visible, such as in a run's event. Values other than plain data stay as they are. */
export function visibleIn<T>(value: T): T {
  if (typeof value === "string") return visible(value) as T;
  if (Array.isArray(value)) return value.map(visibleIn) as T;
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, visibleIn(one)])) as T;
}

/** Returns equivalent JSON with control and invisible characters escaped, so that a terminal only shows it. */
export function plainJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNSEEN, (character) =>
    character === "\n"
      ? character
      : [...Array(character.length).keys()]
          .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`)
          .join(""),
  );
}

/** Formats work on storage, such as `Initializing, 37 %`. */
export function storageText({ doing, percent }: StorageWork): string {
  return `${doing}${percent === undefined ? "" : `, ${percent} %`}`;
}

/** Returns a name in SQL for people to copy, quoted only where needed. Needs no driver, unlike sql-text.ts. */
export const nameInSql = (name: string): string =>
  /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
