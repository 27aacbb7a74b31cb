const COLUMNS = 100;
const CHARACTER = { width: 7.83, height: 19 };
const MARGIN = 18;
const COLORS = { background: "#0d1117", text: "#e6edf3", dim: "#8b949e", good: "#3fb950" };

/** The whole output has a hundred lines: these show each phase, one migration's way through it, and the end. */
const SHOWN = [/^[^>]+: done/, / 007 (?!.*(Look|Gate|Confirm))/, /Prove the data/, /Smoke-test/];
/** Lines that a text of the end may have before it is cut. */
const END_LINES = 3;

/** Returns the output of a rehearsal as an SVG picture of a terminal. */
export function terminalPicture(output: string): string {
  const lines = ["$ npx sluice rehearse --yes", "", ...excerptOf(output)];
  const height = lines.length * CHARACTER.height + 2 * MARGIN;
  const width = Math.ceil(COLUMNS * CHARACTER.width) + 2 * MARGIN;
  const texts = lines.map(
    (line, at) =>
      `<text x="${MARGIN}" y="${MARGIN + (at + 0.75) * CHARACTER.height}">${paint(line) || " "}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" xml:space="preserve" fill="${COLORS.text}">
<title>A rehearsal of the bundled plan in a terminal</title>
<rect width="100%" height="100%" rx="8" fill="${COLORS.background}"/>
${texts.join("\n")}
</svg>
`;
}

function excerptOf(output: string): string[] {
  const lines = output.split("\n");
  const end = lines.findIndex((line) => /^[✔←✖]/.test(line));
  if (end === -1) throw new Error(`The rehearsal shows no end:\n${output}`);
  const run = lines.slice(0, end).filter((line) => SHOWN.some((shown) => shown.test(line)));
  const verdict = lines.slice(end).filter((line) => line !== "" && !line.startsWith("--verbose"));
  return [...run, "", ...verdict.flatMap(wrap)];
}

function wrap(line: string): string[] {
  const indent = /^ */.exec(line)?.[0] ?? "";
  const wrapped: string[] = [];
  for (const word of line.trim().split(" ")) {
    const last = wrapped.at(-1);
    if (last !== undefined && last.length + word.length < COLUMNS) wrapped.splice(-1, 1, `${last} ${word}`);
    else wrapped.push(indent + word);
  }
  return wrapped.length <= END_LINES ? wrapped : [...wrapped.slice(0, END_LINES - 1), `${indent}...`];
}

function paint(line: string): string {
  const [, before = line, done = "", time = ""] = /^(.*)(: done)(.*)$/.exec(line) ?? [];
  const color = /^[✔$]/.test(line) ? "good" : before.includes(" > ") ? "dim" : "text";
  return span(before, color) + span(done, "good") + span(time, "dim");
}

function span(text: string, color: keyof typeof COLORS): string {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return text === "" ? "" : `<tspan fill="${COLORS[color]}">${escaped}</tspan>`;
}
