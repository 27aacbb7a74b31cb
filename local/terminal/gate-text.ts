import { VERDICTS } from "../../lambdas/report/verdict.ts";
import { moment } from "../../lambdas/shared/text.ts";
import type { OpenGate } from "../events.ts";
import type { Paint } from "./paint.ts";
import { wrap } from "./wrap.ts";

/** What an approver at the terminal needs: the facts, the effect of each answer, and the page. */
export function gateText(gate: OpenGate, paint: Paint, columns?: number): string[] {
  const { doc, link } = gate;
  const section = (title: string, lines: readonly string[], mark = "") =>
    lines.length === 0
      ? []
      : ["", paint("bold", `  ${title}`), ...lines.flatMap((l) => wrap(l, columns, `    ${mark}`, "      "))];
  const fact = (title: string, lines: readonly string[]) =>
    lines.flatMap((line, i) =>
      wrap(line, columns, i === 0 ? `  ${title.padEnd(5)}  ` : "         ", "         "),
    );
  const again = doc.escalation ? " (escalated: not decided in time)" : "";
  return [
    "",
    paint(["bold", "yellow"], `Gate ${doc.gate}: ${doc.question}${again}`),
    ...(doc.warnings ?? []).flatMap((line) => wrap(line, columns, "  ! ", "    ")),
    ...section("Opened again, because", doc.changed),
    ...factsSoFar(gate).flatMap(({ title, lines }) => section(title, lines)),
    ...section("Required for a Go", doc.checklist, "- "),
    "",
    ...fact("Go", [doc.go]),
    ...fact("No-Go", [doc.noGo]),
    ...fact("Goes", doc.quorum ? [`${doc.quorum.approvals} are needed, each under another name`] : []),
    ...fact("Page", [`open until ${moment(doc.expiresAt)}; no answer is a No-Go`]),
    // On its own line, from the first column, so that it can be copied or clicked as a whole.
    paint("cyan", link),
    "",
  ];
}

/** What a Go is for, shown where it is typed: the facts may have scrolled away. */
export function gateQuestion({ doc }: OpenGate): string {
  return `Gate ${doc.gate}: ${doc.question}`;
}

/** The gate in one line, for --quiet. */
export function gateLine({ doc, link }: OpenGate): string {
  return `Gate ${doc.gate}: ${doc.question} Answer at ${link} until ${moment(doc.expiresAt)}.`;
}

/** The facts without the two obvious ones: the run is under way, and this gate is open. */
function factsSoFar({ doc, summary }: OpenGate): OpenGate["summary"] {
  const known = [`${VERDICTS.running.title}: `, `${doc.gate}: not answered`];
  return summary
    .filter(({ title }) => title !== "Left to do")
    .map(({ title, lines }) => ({
      title,
      lines: lines.filter((line) => !known.some((start) => line.startsWith(start))),
    }));
}
