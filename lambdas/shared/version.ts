// Versions of migrations. This file alone defines their format, when two are the same, and which of two is newer.

/** Letters and digits with single `.`, `-` or `_` between: `006`, `69.1`, `2026-01-28-115414`, `ae1027a6acf`. */
export const VERSION = new RegExp(`^${versionPattern()}$`);

/** The pattern for use inside a longer one. */
export function versionPattern(): string {
  return "(?=.{1,100}$)[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*";
}

/** The state machine's word for "no migration", and the suffixes that the evidence adds to a version for a further try. */
const RESERVED = /^none$|-(?:again|second|first-step)$/i;

/** Returns why the text is not a valid version; undefined where it is valid. */
export function whyNoVersion(text: string): string | undefined {
  if (!VERSION.test(text))
    return `${JSON.stringify(text)} is not a version: use letters and digits, with single ., - or _ between them, at most 100 characters`;
  return RESERVED.test(text)
    ? `"${text}" is reserved by Sluice: give the migration another version`
    : undefined;
}

/** Order of a set of versions: when two are the same, and which of two is newer. */
export interface VersionOrder {
  same(a: string, b: string): boolean;
  /** Negative where `a` is older; undefined where the text has no order, as with revisions such as `ae1027a6acf`. */
  compare(a: string, b: string): number | undefined;
}

/**
 * Versions as text: 001 and 1 differ, and neither is newer. Groups of digits compare as numbers of any length: 1.9 is
 * older than 1.10, and 9 is older than 20260128115414000001.
 */
export const AS_TEXT: VersionOrder = {
  same: (a, b) => a === b,
  compare: (a, b) => {
    const [left, right] = [ORDERED.exec(a), ORDERED.exec(b)];
    if (!left || !right) return undefined;
    return byGroups(left[1] ?? "", right[1] ?? "") || byGroups(left[2] ?? "", right[2] ?? "");
  },
};

/** Versions in a numeric column: 001 equals 1, and 1.10 equals 1.1. */
export const AS_NUMBER: VersionOrder = {
  same: (a, b) => {
    const [left, right] = [decimal(a), decimal(b)];
    return left && right ? byDecimals(left, right) === 0 : a === b;
  },
  compare: (a, b) => {
    const [left, right] = [decimal(a), decimal(b)];
    return left && right ? byDecimals(left, right) : undefined;
  },
};

/** Returns the version that is newer than all others; undefined where the order does not decide, or for no versions. */
export function newest(order: VersionOrder, versions: readonly string[]): string | undefined {
  if (!areOrdered(order, versions)) return versions.length === 1 ? versions[0] : undefined;
  const [found, next] = versions.toSorted((a, b) => order.compare(b, a) ?? 0);
  const alone = found === undefined || next === undefined || order.same(found, next);
  return alone || order.compare(found, next) !== 0 ? found : undefined;
}

/**
 * Returns the index of the first version that is older than the one before it. Where some versions have no order, their
 * listed order counts: a hash may consist of digits by chance.
 */
export function firstOutOfOrder(order: VersionOrder, versions: readonly string[]): number | undefined {
  if (!areOrdered(order, versions)) return undefined;
  const at = versions.findIndex((version, index) => {
    const former = versions[index - 1];
    return former !== undefined && (order.compare(former, version) ?? 0) > 0;
  });
  return at === -1 ? undefined : at;
}

function areOrdered({ compare }: VersionOrder, versions: readonly string[]): boolean {
  return versions.every((version) => compare(version, version) !== undefined);
}

/** Groups of digits with `.` or `-` between; after `_` a name, as tools append to a version. */
const ORDERED = /^[vV]?(\d+(?:[.-]\d+)*)(?:_(.*))?$/s;

function byGroups(a: string, b: string): number {
  const [left, right] = [groups(a), groups(b)];
  for (const [index, group] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    const digits = /^\d/.test(group) && /^\d/.test(other);
    const difference = digits ? byIntegers(group, other) : byCodeUnits(group, other);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Splits the text into groups of digits and groups of other characters, without the separators. */
function groups(text: string): string[] {
  return text.match(/\d+|[^\d._-]+/g) ?? [];
}

function byIntegers(a: string, b: string): number {
  const [left, right] = [a, b].map((digits) => digits.replace(/^0+(?=\d)/, "")) as [string, string];
  return left.length - right.length || byCodeUnits(left, right);
}

interface Decimal {
  negative: boolean;
  whole: string;
  fraction: string;
}

function decimal(text: string): Decimal | undefined {
  const [match, sign, whole, fraction = ""] = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(text.trim()) ?? [];
  if (match === undefined || whole === undefined) return undefined;
  return { negative: sign === "-", whole, fraction: fraction.replace(/0+$/, "") };
}

function byDecimals(a: Decimal, b: Decimal): number {
  const size = byIntegers(a.whole, b.whole) || byCodeUnits(a.fraction, b.fraction);
  if (a.negative !== b.negative) return a.negative ? -1 : 1;
  return a.negative ? -size : size;
}

function byCodeUnits(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
