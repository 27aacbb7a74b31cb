import * as z from "zod";
import { newKey } from "../gate/key.ts";
import { reportLink, reportLinkEnds } from "../gate/link.ts";
import { Doc, END_NAMES, type OutcomeDoc, type ReportLinkDoc } from "../shared/documents.ts";
import { messageOf } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import { type Answer, DONE, runFields, type Task } from "../shared/task.ts";
import { buildReport } from "./build.ts";
import { caughtSchema } from "./caught.ts";
import { gatherFacts } from "./facts.ts";
import { LONGEST_CAUSE, outcomeOf } from "./outcome.ts";
import { NO_PLAN } from "./plan-summary.ts";
import { seal } from "./seal.ts";
import { finalNotices, noticeWithoutReport } from "./tell.ts";
import { shorten } from "./words.ts";

const write = z.strictObject({
  ...runFields,
  action: z.literal("write"),
  end: z.enum(END_NAMES),
  /** What the machine caught last; its Error is empty when nothing was. */
  failure: caughtSchema.optional(),
  /** Clean-up that failed, by capability. */
  unfinished: z.record(z.string(), caughtSchema),
});
const tell = z.strictObject({ ...runFields, action: z.literal("tell") });

const event = z.discriminatedUnion("action", [write, tell]);

/** The last word on a run: the cause that its end shows, the report, and the message to people. */
export const reportTask: Task<z.infer<typeof event>> = {
  name: "report",
  event,
  run: (request, ports, evidence) =>
    request.action === "write" ? writeReport(request, ports, evidence) : tellPeople(ports, evidence),
};

async function writeReport(
  { end, failure, unfinished }: z.infer<typeof write>,
  ports: Ports,
  evidence: RunEvidence,
): Promise<Answer> {
  // A run that was refused at once has none: it named one that is not there, or could not be understood.
  await evidence.once(Doc.plan, async () => NO_PLAN);
  const outcome = await evidence.once<OutcomeDoc>(Doc.outcome, async () =>
    outcomeOf(await gatherFacts(evidence), end, ports.clock.now().toISOString(), failure, unfinished),
  );
  const problem = await seal(evidence, ports.clock.now().toISOString()).catch(messageOf);
  if (problem === undefined) return { error: outcome.end, cause: outcome.cause };
  // The cause must reach the people who are called, whatever is wrong with the report.
  const note = ` The report was not written (${shorten(problem, 200)}).`;
  return { error: outcome.end, cause: shorten(outcome.cause, LONGEST_CAUSE - note.length) + note };
}

/** The final message, with a link to the report. */
export async function tellPeople(ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const ended = (await evidence.read(Doc.outcome)) !== undefined;
  const notices = ended
    ? finalNotices(await buildReport(evidence), await newLink(ports, evidence))
    : noticeWithoutReport(evidence.run);
  for (const notice of notices) await ports.notifier.send(notice);
  return DONE;
}

/** A link that opens the report and nothing else. Of its key only the hash is kept, so that each call makes another. */
async function newLink(
  { clock, settings }: Ports,
  evidence: RunEvidence,
): Promise<{ url: string; expiresAt: string }> {
  const { key, hash } = newKey();
  const at = clock.now().toISOString();
  const expiresAt = reportLinkEnds(at);
  await evidence.keep<ReportLinkDoc>(Doc.reportLink(hash), { at, expiresAt });
  return { url: reportLink(settings.gateUrl, evidence.run, key), expiresAt };
}
