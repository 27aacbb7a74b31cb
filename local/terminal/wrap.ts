/** No narrower than this: nobody reads a column of syllables. */
const NARROWEST = 40;

/**
 * The text in lines of at most that many columns, none of its words broken: what does not fit goes on in the next line.
 * @param first starts the first line, `rest` every other one
 */
export function wrap(text: string, columns: number | undefined, first = "", rest = first): string[] {
  const room = Math.max(NARROWEST, columns ?? Number.POSITIVE_INFINITY);
  const lines: string[] = [];
  let start = first;
  for (const paragraph of text.split("\n")) {
    // What fits stays as it is: an excerpt has its caret below what it points at.
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
