import { moment } from "../../lambdas/report/words.ts";
import type { OpenGate } from "../events.ts";
import type { Paint } from "./paint.ts";
import { wrap } from "./wrap.ts";

/** All that somebody needs who decides at the terminal: the facts, what each answer leads to, and the page. */
export function gateText(gate: OpenGate, paint: Paint, columns?: number): string[] {
  const { doc, link, summary } = gate;
  const again = doc.escalation ? " (asked again: nobody had answered)" : "";
  const section = (title: string, lines: readonly string[], mark = "") =>
    lines.length === 0
      ? []
      : [
          "",
          paint("bold", `  ${title}`),
          ...lines.flatMap((line) => wrap(line, columns, `    ${mark}`, "      ")),
        ];
  return [
    "",
    paint(["bold", "yellow"], `Gate ${doc.gate}: ${doc.question}${again}`),
    ...section("Asked again, because", doc.changed),
    ...summary
      .filter(({ title }) => title !== "Left to do")
      .flatMap(({ title, lines }) => section(title, lines)),
    ...section("To be true for a Go", doc.checklist, "- "),
    "",
    ...wrap(`Go     ${doc.go}`, columns, "  ", "         "),
    ...wrap(`No-Go  ${doc.noGo}`, columns, "  ", "         "),
    `  Page   ${paint("cyan", link)}`,
    `         open until ${moment(doc.expiresAt)}; no answer is a No-Go`,
    "",
  ];
}

/** Where nothing but the link is wanted. */
export function gateLine({ doc, link }: OpenGate): string {
  return `Gate ${doc.gate}: ${doc.question} Answer at ${link} until ${moment(doc.expiresAt)}.`;
}
