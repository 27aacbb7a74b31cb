import type { Result } from "./types.ts";

const WIDEST = 58;

/** Returns the results as a table for people, with notes below. */
export function table(results: readonly Result[]): string {
  const notes: string[] = [];
  const rows = results.map((result) => {
    let mark = "";
    if (result.note !== undefined) {
      notes.push(result.note);
      mark = ` [${notes.length}]`;
    }
    return [
      result.what + mark,
      result.asWritten,
      result.ours,
      result.ratio === undefined ? "" : `${ratio(result.ratio)}x`,
      result.target,
      result.reached === undefined ? "at full size" : result.reached ? "yes" : "NO",
    ].map((cell) => wrap(cell, WIDEST));
  });
  const head = ["what", "as written", "ours", "ratio", "target", "reached"].map((cell) => [cell]);
  const all = [head, ...rows];
  const widths = head.map((_, column) =>
    Math.max(...all.flatMap((row) => (row[column] ?? []).map((line) => line.length))),
  );
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  const lines = all.flatMap((row, index) => [
    ...(index === 1 ? [rule] : []),
    ...Array.from({ length: Math.max(...row.map((cell) => cell.length)) }, (_, line) =>
      row
        .map((cell, column) => (cell[line] ?? "").padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    ),
  ]);
  return [...lines, "", ...notes.map((note, index) => `[${index + 1}] ${note}`), ""].join("\n");
}

function ratio(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1) ?? "";
    if (last !== "" && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}
