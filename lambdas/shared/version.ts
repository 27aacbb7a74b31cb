// The versions of migrations: text, in an order. Only here is said what a version may look like, when two are the same,
// and which of two is newer.

/** Letters and digits in any case, with single `.`, `-` or `_` between: `006`, `69.1`, `2026-01-28-115414`, `ae1027a6acf`. */
export const VERSION = new RegExp(`^${versionPattern()}$`);

/** For use within a longer pattern. */
export function versionPattern(): string {
  return "(?=.{1,100}$)[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*";
}

/** The state machine's word for "no migration", and what the evidence adds to a version for a further try of it. */
const RESERVED = /^none$|-(?:again|second|first-step)$/i;

/** Why this cannot be a version; undefined where it can. */
export function whyNoVersion(text: string): string | undefined {
  if (!VERSION.test(text))
    return `${JSON.stringify(text)} is no version: letters and digits, with single ., - or _ between them, at most 100 in all`;
  return RESERVED.test(text) ? `"${text}" is a word of Sluice's own: give the migration another` : undefined;
}

/** How a set of versions is kept: what makes two the same, and which of two is newer. */
export interface VersionOrder {
  same(a: string, b: string): boolean;
  /** Negative where `a` is older; undefined where nothing in them says which is, as of revisions such as `ae1027a6acf`. */
  compare(a: string, b: string): number | undefined;
}

/**
 * Versions in text: each stands for itself, so 001 is not 1, and neither is newer. Groups of digits are compared as
 * numbers of any length: 1.9 is older than 1.10, and 9 than 20260128115414000001.
 */
export const AS_TEXT: VersionOrder = {
  same: (a, b) => a === b,
  compare: (a, b) => {
    const [left, right] = [ORDERED.exec(a), ORDERED.exec(b)];
    if (!left || !right) return undefined;
    return byGroups(left[1] ?? "", right[1] ?? "") || byGroups(left[2] ?? "", right[2] ?? "");
  },
};

/** Versions in a column of numbers: 001 is 1, and 1.10 is 1.1. */
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

/** The one that is newer than all others; undefined where their order does not say, or there are none. */
export function newest(order: VersionOrder, versions: readonly string[]): string | undefined {
  if (!areOrdered(order, versions)) return versions.length === 1 ? versions[0] : undefined;
  const [found, next] = versions.toSorted((a, b) => order.compare(b, a) ?? 0);
  const alone = found === undefined || next === undefined || order.same(found, next);
  return alone || order.compare(found, next) !== 0 ? found : undefined;
}

/**
 * The place of the first that is older than the one before it. Where some have no order of their own, their order is the
 * one in which they are listed: of hashes, one may be digits alone by chance.
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

/** Groups of digits with . or - between, and then, after _, a name such as tools put behind a version. */
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

/** Digits, and what is between them other than the signs that part groups. */
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
