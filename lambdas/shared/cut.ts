/** How much of what has no end by itself is shown to people. The evidence has all of it. */

/** Characters of one value: the longest cause fits. */
export const LONGEST_VALUE = 2_000;
/** Rows of one table or list. */
export const MOST_ROWS = 100;

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
