import type { HeldLockDoc } from "./documents.ts";
import type { StorageWork } from "./ports.ts";

/** How the report says things: in words that are the same on the page, in messages and at the terminal. */

/** Such as `40 ms`, `0.4 s`, `42 s`, `3 min 20 s`, `1 h 5 min`. */
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

/** Such as `2026-11-03 02:14:05 UTC`. */
export function moment(iso: string): string {
  return `${day(iso)} ${clock(iso)} UTC`;
}

export function day(iso: string): string {
  return iso.slice(0, 10);
}

export function clock(iso: string): string {
  return iso.slice(11, 19);
}

/** Such as `1 table`, `7 tables`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** Such as `1,234,567`; counts of rows are text, as they may be larger than a number holds. */
export function grouped(rows: string): string {
  return rows.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Such as `008, 007 and 006`. */
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

/** Such as `0.1 s (AccessExclusive on orders)`. */
export function lockText({ relation, mode, seconds }: HeldLockDoc): string {
  return `${duration(seconds)} (${mode.replace(/Lock$/, "")} on ${relation})`;
}

/** Ends in a mark, so that sentences can be joined: pasted SQL keeps its semicolon alone. Several lines stay as they are. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed.includes("\n")) return trimmed;
  return /[.!?;]["'”)]?$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

/** At most that many characters; says so by an ellipsis where something was cut. */
export function shorten(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1).trimEnd()}…`;
}

/** Sums of seconds are binary fractions; nobody wants to read those. */
export function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** Null where one of them is not known. */
export function total(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length < values.length ? null : known.reduce((sum, value) => sum + value, 0);
}

export function secondsBetween(from: string, to: string): number {
  return toMilliseconds(Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000));
}

/** How much of what has no end by itself is shown to people. The evidence has all of it. */

/** Characters of one value: the longest cause fits. */
const LONGEST_VALUE = 2_000;
/** Rows of one table or list. */
const MOST_ROWS = 100;

/** The text, or its beginning and how much more there is. */
export function cutText(text: string, longest = LONGEST_VALUE): string {
  if (text.length <= longest) return text;
  // Not within a character that takes two.
  const end = /[\ud800-\udbff]$/.test(text.slice(0, longest)) ? longest - 1 : longest;
  return `${text.slice(0, end).trimEnd()}… (${text.length - end} more characters)`;
}

/** The first of the items, and how many more there are. */
export function cutRows<T>(items: readonly T[], most = MOST_ROWS): { shown: readonly T[]; more: number } {
  return { shown: items.slice(0, most), more: Math.max(0, items.length - most) };
}

/** Lines for people, each cut, and in the last of them how many more there are. */
export function cutLines(lines: readonly string[], most = MOST_ROWS, longest = LONGEST_VALUE): string[] {
  const { shown, more } = cutRows(lines, most);
  return [...shown.map((line) => cutText(line, longest)), ...(more > 0 ? [`and ${more} more`] : [])];
}

/**
 * Text from outside (plans, catalogs, checks, servers, people) as something to read, and nothing else. Each place that
 * shows it to people where it could do more than be read, a terminal or a message, puts it through here.
 */

// Control characters; marks that turn the direction of text; line ends of Unicode's own; and what cannot be seen, but
// for the two characters that join letters, which some scripts need.
const UNSEEN = /[\p{Cc}\ufffe\uffff\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
const KEPT = new Set(["\n", "\t", "\u200c", "\u200d", "\ufe0e", "\ufe0f"]);

/** The same text with everything shown that would be obeyed or cannot be seen; lines and tabs stay. */
export function visible(text: string): string {
  return text
    .replace(/\r\n/g, "\n")
    .replace(UNSEEN, (character) => (KEPT.has(character) ? character : shown(character)));
}

/** Such as `␛` for the character that begins a terminal's commands, and `<U+202E>` for what has no picture. */
function shown(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

/** Without line breaks, tabs and other characters that would not stay on one line. */
export const oneLine = (text: string) => text.replace(/[\s\p{Cc}\u2028\u2029]+/gu, " ").trim();

/** On one line, and no address that mail programs are sure to make a link of: for messages. */
export function plain(text: string): string {
  return visible(text.replace(/\s+/g, " ").trim())
    .replace(/:\/\//g, ": //")
    .replace(/www\./gi, "www .")
    .replace(/mailto:/gi, "mailto :");
}

/** A value, such as an event of a run, with every text in it made visible; what is no plain data stays as it is. */
export function visibleIn<T>(value: T): T {
  if (typeof value === "string") return visible(value) as T;
  if (Array.isArray(value)) return value.map(visibleIn) as T;
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, visibleIn(one)])) as T;
}

/** JSON whose text a terminal shows and does not obey; as data it is the same. */
export function plainJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNSEEN, (character) =>
    character === "\n"
      ? character
      : [...Array(character.length).keys()]
          .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`)
          .join(""),
  );
}

/** Such as `Initializing, 37 %`. */
export function storageText({ doing, percent }: StorageWork): string {
  return `${doing}${percent === undefined ? "" : `, ${percent} %`}`;
}

/** A name in SQL for people to copy: without quotes where it needs none. Apart from what needs a driver. */
export const nameInSql = (name: string): string =>
  /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
