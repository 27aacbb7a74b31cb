import type { Notice } from "../shared/ports.ts";
import { cutLines, moment, plain } from "../shared/text.ts";
import { remindersByDate } from "./left-to-do.ts";
import type { Report } from "./schema.ts";
import { summaryLines } from "./summary.ts";
import { verdictOf } from "./verdict.ts";

const LONGEST_SUBJECT = 99;
/** Limits for one part of the message and for one line, so that the whole stays far below the limit of SNS. */
const MOST_LINES = 50;
const LONGEST_LINE = 500;

/** Returns the final message. It also goes to the escalation contacts when an operator must act at once. */
export function finalNotices(report: Report, link: { url: string; expiresAt: string }): Notice[] {
  const where = report.request ? ` ${report.request.instance}` : "";
  const notice = {
    subject: ascii(`Sluice${where}: ${verdictOf(report).title} - ${report.plan.title}`),
    text: [
      // Indented and one line each: only Sluice's own text begins a line, so outside text cannot imitate it.
      ...summaryLines(report).flatMap(({ title, lines }) => [title, ...told(lines), ""]),
      ...reminderLines(report),
      ...sealLines(report),
      "The report:",
      "",
      link.url,
      "",
      `The link works until ${moment(link.expiresAt)}. Anybody who has it can read the report. In the evidence the report is runs/${report.run}/report.html.`,
      "",
    ].join("\n"),
  };
  const audiences: Notice["audience"][] =
    report.end === "NeedsOperator" ? ["escalation", "approvers"] : ["approvers"];
  return audiences.map((audience) => ({ ...notice, audience }));
}

/** The manifest's hash: with this message a reader can later verify that the evidence is unchanged. */
function sealLines({ manifest, run }: Report): string[] {
  if (manifest === null) return [];
  return [
    "Evidence",
    `  SHA-256 of its manifest (runs/${run}/manifest.json):`,
    `  ${manifest}`,
    "  `sluice verify DIR --hash ...` verifies a copy of the evidence.",
    "",
  ];
}

function told(lines: readonly string[]): string[] {
  return cutLines(lines.map(plain), MOST_LINES, LONGEST_LINE).map((line) => `  ${line}`);
}

/** The plan's reminders. This message is the only place where people get them. */
function reminderLines(report: Report): string[] {
  const days = remindersByDate(report);
  if (days.length === 0) return [];
  return [
    "By date",
    ...days.flatMap(({ by, titles }) => told(titles.map((title) => `By ${by}: ${title}`))),
    "",
  ];
}

/** Returns the message for a run whose outcome could not be stored: a person must look. */
export function noticeWithoutReport(run: string): Notice[] {
  return (["escalation", "approvers"] as const).map((audience) => ({
    subject: ascii(`Sluice: a run ended without a report - ${run}`),
    text: [
      `Run ${plain(run)} has ended, and its report could not be written.`,
      "Look at the execution in the Step Functions console: its last state before this message shows how it ended.",
      "The evidence shows what the run did; `sluice report DIR` creates the report from it.",
      'See the operator runbook, "A run ended without a report".',
      "",
    ].join("\n"),
    audience,
  }));
}

/** SNS accepts only ASCII in a subject, and fewer than 100 characters. */
function ascii(text: string): string {
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/\s+/g, " ")
    .replace(/[^\x20-\x7e]/g, "?");
  return plain.length <= LONGEST_SUBJECT ? plain : `${plain.slice(0, LONGEST_SUBJECT - 3)}...`;
}
