import * as z from "zod";
import { newKey, reportLink, reportLinkEnds } from "../gate/link.ts";
import { Doc, END_NAMES } from "../shared/documents.ts";
import { caughtSchema, messageOf } from "../shared/errors.ts";
import { evidenceWithin, type RunEvidence } from "../shared/evidence.ts";
import {
  coveredBy,
  MANIFEST_DOCUMENT,
  MANIFEST_FILE,
  manifestText,
  NO_HASH,
  takeManifest,
} from "../shared/manifest.ts";
import type { Notice, Ports } from "../shared/ports.ts";
import { sha256 } from "../shared/sha256.ts";
import { type Answer, DONE, runFields, type Task } from "../shared/task.ts";
import { cutLines, moment, plain, shorten } from "../shared/text.ts";
import { buildReport, reportOf } from "./build.ts";
import { gatherFacts } from "./facts.ts";
import { remindersByDate } from "./left-to-do.ts";
import { renderReport } from "./page/page.ts";
import { NO_PLAN } from "./plan-summary.ts";
import type { Report } from "./schema.ts";
import { summaryLines } from "./summary.ts";
import { LONGEST_CAUSE, outcomeOf, verdictOf } from "./verdict.ts";

const write = z.strictObject({
  ...runFields,
  action: z.literal("write"),
  end: z.enum(END_NAMES),
  /** The last error that the machine caught; its Error is empty if there was none. */
  failure: caughtSchema.optional(),
  /** Clean-up that failed, by capability. */
  unfinished: z.record(z.string(), caughtSchema),
});
const tell = z.strictObject({ ...runFields, action: z.literal("tell") });

const event = z.discriminatedUnion("action", [write, tell]);

/** Ends a run: decides the cause for its Fail state, writes the report, and sends the final message. */
export const reportTask: Task<z.infer<typeof event>> = {
  name: "report",
  event,
  run: (request, ports, evidence) =>
    request.action === "write" ? writeReport(request, ports, evidence) : notifyPeople(ports, evidence),
};

async function writeReport(
  { end, failure, unfinished }: z.infer<typeof write>,
  ports: Ports,
  evidence: RunEvidence,
): Promise<Answer> {
  // A run that was refused at once has no plan: it named a missing plan, or its input was invalid.
  await evidence.getOrCreate(Doc.plan, async () => NO_PLAN);
  const outcome = await evidence.getOrCreate(Doc.outcome, async () =>
    outcomeOf(await gatherFacts(evidence), end, ports.clock.now().toISOString(), failure, unfinished),
  );
  const problem = await seal(evidence, ports.clock.now().toISOString()).catch(messageOf);
  if (problem === undefined) return { error: outcome.end, cause: outcome.cause };
  // The cause must reach the people on call, whatever is wrong with the report.
  const note = ` The report was not written (${shorten(problem, 200)}).`;
  return { error: outcome.end, cause: shorten(outcome.cause, LONGEST_CAUSE - note.length) + note };
}

/** Sends the final message, with a link to the report. */
export async function notifyPeople(ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const ended = (await evidence.read(Doc.outcome)) !== undefined;
  const notices = ended
    ? finalNotices(await buildReport(evidence), await newLink(ports, evidence))
    : noticeWithoutReport(evidence.run);
  for (const notice of notices) await ports.notifier.send(notice);
  return DONE;
}

/** Makes a link that opens only the report. Only the hash of its key is stored, so each call makes a new link. */
async function newLink(
  { clock, settings }: Ports,
  evidence: RunEvidence,
): Promise<{ url: string; expiresAt: string }> {
  const { key, hash } = newKey();
  const at = clock.now().toISOString();
  const expiresAt = reportLinkEnds(at);
  await evidence.createOnce(Doc.reportLink(hash), { at, expiresAt });
  return { url: reportLink(settings.gateUrl, evidence.run, key), expiresAt };
}

/** The report's files, with the manifest's hash. */
interface ReportFiles {
  json: string;
  html: string;
}

/** Builds the report only from these files of the evidence, with this hash of the manifest. */
export async function reportFilesOf(
  evidence: RunEvidence,
  files: Iterable<string>,
  manifest: string | null,
): Promise<ReportFiles> {
  const facts = await gatherFacts(evidenceWithin(evidence, files));
  const report = reportOf({ ...facts, manifest });
  return { json: `${JSON.stringify(report, null, 2)}\n`, html: renderReport(report) };
}

/**
 * Writes the manifest and then the report, which shows the manifest's hash. A second call uses the same files as the
 * first one, whatever has been written since.
 * @returns why the report could not be made; the manifest then does not list it
 */
async function seal(evidence: RunEvidence, at: string): Promise<string | undefined> {
  const before = await evidence.read(MANIFEST_DOCUMENT);
  const names = before ? coveredBy(before) : await evidence.files();
  let problem: string | undefined;
  const unsealed = await reportFilesOf(evidence, names, NO_HASH).catch((error: unknown) => {
    problem = messageOf(error);
    return undefined;
  });
  if (!before) {
    const reports = unsealed
      ? [
          { name: "report.html", sha256: sha256(unsealed.html) },
          { name: "report.json", sha256: sha256(unsealed.json) },
        ]
      : [];
    const manifest = await takeManifest(evidence, names, at, reports);
    await evidence.keepFile(MANIFEST_FILE, manifestText(manifest), "application/json");
  }
  const hash = sha256((await evidence.readFile(MANIFEST_FILE)) ?? "");
  if (!unsealed) return problem;
  const sealed = (text: string) => text.replaceAll(NO_HASH, hash);
  try {
    await evidence.keepFile("report.json", sealed(unsealed.json), "application/json");
    await evidence.keepFile("report.html", sealed(unsealed.html), "text/html; charset=utf-8");
  } catch (error) {
    return messageOf(error);
  }
  return undefined;
}

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
function noticeWithoutReport(run: string): Notice[] {
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
