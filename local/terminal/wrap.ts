/** Narrower than this, words are broken rather than lines: nobody reads a column of syllables. */
const NARROWEST = 30;

/** The text in lines of at most that many columns, the second and later ones indented further. */
export function wrap(text: string, columns: number | undefined, indent = "", hanging = indent): string[] {
  const room = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(NARROWEST, columns);
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    let line = indent;
    for (const word of paragraph.split(/ +/)) {
      const longer = line.trim() === "" ? line + word : `${line} ${word}`;
      if (longer.length > room && line.trim() !== "") {
        lines.push(line);
        line = hanging + word;
      } else line = longer;
    }
    return [...lines, line.trimEnd()];
  });
}
