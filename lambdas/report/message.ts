import type { Notice } from "../shared/ports.ts";
import { cutLines, moment, plain } from "../shared/text.ts";
import { remindersByDate } from "./left-to-do.ts";
import type { Report } from "./schema.ts";
import { summaryLines } from "./summary.ts";
import { verdictOf } from "./verdict.ts";

const LONGEST_SUBJECT = 99;
/** Of one part of the message, and of one of its lines: all of them stay far below what a message may hold. */
const MOST_LINES = 50;
const LONGEST_LINE = 500;

/** The final message; to the escalation contacts too when a person must act at once. */
export function finalNotices(report: Report, link: { url: string; expiresAt: string }): Notice[] {
  const where = report.request ? ` ${report.request.instance}` : "";
  const notice = {
    subject: ascii(`Sluice${where}: ${verdictOf(report).title} - ${report.plan.title}`),
    text: [
      // Indented, and of one line each: only what Sluice itself says begins a line.
      ...summaryLines(report).flatMap(({ title, lines }) => [title, ...told(lines), ""]),
      ...reminderLines(report),
      ...sealLines(report),
      "The report:",
      "",
      link.url,
      "",
      `Until ${moment(link.expiresAt)}; whoever has the link can read it. In the evidence it is runs/${report.run}/report.html.`,
      "",
    ].join("\n"),
  };
  const audiences: Notice["audience"][] =
    report.end === "NeedsOperator" ? ["escalation", "approvers"] : ["approvers"];
  return audiences.map((audience) => ({ ...notice, audience }));
}

/** Whoever keeps this message can know later whether the evidence is what it was. */
function sealLines({ manifest, run }: Report): string[] {
  if (manifest === null) return [];
  return [
    "Evidence",
    `  SHA-256 of its manifest (runs/${run}/manifest.json):`,
    `  ${manifest}`,
    "  `sluice verify DIR --hash ...` says whether a copy of it is whole.",
    "",
  ];
}

function told(lines: readonly string[]): string[] {
  return cutLines(lines.map(plain), MOST_LINES, LONGEST_LINE).map((line) => `  ${line}`);
}

/** What the plan leaves to people: this message is what they have of it. */
function reminderLines(report: Report): string[] {
  const days = remindersByDate(report);
  if (days.length === 0) return [];
  return [
    "By date",
    ...days.flatMap(({ by, titles }) => told(titles.map((title) => `By ${by}: ${title}`))),
    "",
  ];
}

/** Where the outcome could not even be noted, somebody must look. */
export function noticeWithoutReport(run: string): Notice[] {
  return (["escalation", "approvers"] as const).map((audience) => ({
    subject: ascii(`Sluice: a run ended without a report - ${run}`),
    text: [
      `Run ${plain(run)} has ended, and its report could not be written.`,
      "Look at the execution in the Step Functions console: its last state before this message says how it ended.",
      "What the run did is in its evidence; `sluice report DIR` makes the report from it.",
      'What to do is in the operator runbook, "A run ended without a report".',
      "",
    ].join("\n"),
    audience,
  }));
}

/** SNS takes no other characters in a subject, and no more of them. */
function ascii(text: string): string {
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/\s+/g, " ")
    .replace(/[^\x20-\x7e]/g, "?");
  return plain.length <= LONGEST_SUBJECT ? plain : `${plain.slice(0, LONGEST_SUBJECT - 3)}...`;
}
