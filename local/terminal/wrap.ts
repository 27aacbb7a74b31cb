/** Narrower columns would be hard to read. */
const NARROWEST = 40;

/**
 * Wraps text into lines of at most that many columns, without breaking words.
 * @param first begins the first line, `rest` every other one
 */
export function wrap(text: string, columns: number | undefined, first = "", rest = first): string[] {
  const room = Math.max(NARROWEST, columns ?? Number.POSITIVE_INFINITY);
  const lines: string[] = [];
  let start = first;
  for (const paragraph of text.split("\n")) {
    // A line that fits stays unchanged: an excerpt has its caret below a column.
    if (start.length + paragraph.length <= room) {
      lines.push((start + paragraph).trimEnd());
      start = rest;
      continue;
    }
    let line = "";
    for (const word of paragraph.trim().split(/ +/)) {
      const longer = line === "" ? word : `${line} ${word}`;
      if (line !== "" && start.length + longer.length > room) {
        lines.push(start + line);
        start = rest;
        line = word;
      } else line = longer;
    }
    lines.push((start + line).trimEnd());
    start = rest;
  }
  return lines;
}
