import { cutLines, cutText } from "../shared/cut.ts";
import type { GateDoc } from "../shared/documents.ts";
import { plain } from "../shared/plain.ts";
import type { Notice } from "../shared/ports.ts";
import { knownAs } from "../shared/run-database.ts";
import type { RunSettings } from "../shared/settings.ts";
import { endsWithWindow } from "./time.ts";

/** The message that asks for a decision. Its link is the only way to the page, so it is the only link in it. */
export function gateNotice(
  doc: GateDoc,
  run: string,
  planTitle: string,
  settings: RunSettings,
  link: string,
  to?: { id: string; name: string },
): Notice {
  const lines = [
    ...(doc.warnings ? [...doc.warnings.map(cutPlain), ""] : []),
    doc.escalation
      ? "This gate was not decided in time. It is now yours to decide."
      : "A migration waits for your decision.",
    "",
    `  Question  ${cutPlain(doc.question)}`,
    `  Database  ${cutPlain(settings.instance)} (${cutPlain(settings.database)})`,
    `  Plan      ${cutPlain(planTitle)}`,
    `  Gate      ${doc.gate}`,
    `  Run       ${cutPlain(run)}`,
    "",
    ...(doc.changed.length > 0
      ? [
          "It is asked once more, as something changed after the last Go:",
          ...cutLines(doc.changed, 50).map(item),
          "",
        ]
      : []),
    ...(doc.window && doc.window.override !== null
      ? [`It may go on outside the maintenance window, for this reason: ${cutPlain(doc.window.override)}`, ""]
      : []),
    `Go:    ${cutPlain(doc.go)}`,
    `No-Go: ${cutPlain(doc.noGo)}`,
    "",
    ...(doc.quorum
      ? [
          `A Go takes ${doc.quorum.approvals} people of different names${doc.quorum.starterUnknown ? ", as the run does not say who started it" : ""}; a No-Go takes one.`,
          "",
        ]
      : []),
    `What to look at is in the operator runbook, "Gate: ${doc.kind}".`,
    "Read the evidence and decide here:",
    "",
    link,
    "",
    `Until ${utc(doc.expiresAt)}. ${atItsEnd(doc)}`,
    to
      ? `The link is yours alone, ${cutPlain(to.name)}: an answer by it is your answer. Do not pass it on. Opening it decides nothing.`
      : "The link is for you: whoever has it can decide. Opening it decides nothing.",
    ...(settings.contacts.length > 0
      ? [
          "",
          "Contacts",
          ...settings.contacts.map(({ role, name }) => `  ${cutPlain(role)}: ${cutPlain(name)}`),
        ]
      : []),
    "",
  ];
  return {
    subject: subject(doc, run, knownAs(settings)),
    text: lines.join("\n"),
    audience: doc.escalation ? "escalation" : "approvers",
    ...(to ? { to: to.id } : {}),
  };
}

function atItsEnd(doc: GateDoc): string {
  if (endsWithWindow(doc)) return "Then the maintenance window ends, and it counts as a No-Go.";
  return doc.escalation
    ? "After that it counts as a No-Go."
    : "After that the escalation contacts are asked; this link then no longer works.";
}

function subject(doc: GateDoc, run: string, database: string): string {
  const start = `${doc.escalation ? "Escalated: " : ""}Sluice ${short(database, 28)}: gate ${short(doc.gate, 20)}, run `;
  return start + short(run, 99 - start.length);
}

function short(text: string, most: number): string {
  const ascii = text.replace(/[^\x20-\x7e]/g, "?");
  return ascii.length <= most ? ascii : `${ascii.slice(0, most - 3)}...`;
}

const item = (text: string) => `  - ${cutPlain(text)}`;

const cutPlain = (text: string) => cutText(plain(text), 500);

function utc(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}
