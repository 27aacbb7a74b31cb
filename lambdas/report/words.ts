import type { HeldLockDoc } from "../shared/documents.ts";

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
