import { Doc, type GateDecisionDoc, type GateDoc } from "../shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import { endsWithWindow } from "../shared/gates.ts";
import type { Announcement, GatePorts, Notice, Ports } from "../shared/ports.ts";
import { knownAs, type RunSettings } from "../shared/settings.ts";
import { cutLines, cutText, plain } from "../shared/text.ts";
import { deliveredDoc } from "./approvals.ts";

/** Returns the message that asks for a decision. It has one link only: the way to the page. */
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
      ? "Nobody decided this gate in time. The decision is now yours."
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
          "This gate opens again, because something changed after the last Go:",
          ...cutLines(doc.changed, 50).map(item),
          "",
        ]
      : []),
    ...(doc.window && doc.window.override !== null
      ? [`The run may continue outside the maintenance window. Reason: ${cutPlain(doc.window.override)}`, ""]
      : []),
    `Go:    ${cutPlain(doc.go)}`,
    `No-Go: ${cutPlain(doc.noGo)}`,
    "",
    ...(doc.quorum
      ? [
          `A Go needs ${doc.quorum.approvals} people with different names${doc.quorum.starterUnknown ? ", because it is not recorded who started the run" : ""}. A No-Go needs one.`,
          "",
        ]
      : []),
    `The operator runbook lists what to look at: "Gate: ${doc.kind}".`,
    "Read the evidence and decide here:",
    "",
    link,
    "",
    `Answer by ${utc(doc.expiresAt)}. ${atItsEnd(doc)}`,
    to
      ? `This link is for ${cutPlain(to.name)} only: every answer by it counts as yours. Do not pass it on. Opening it decides nothing.`
      : "Keep this link private: anybody who has it can decide. Opening it decides nothing.",
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
  if (endsWithWindow(doc))
    return "Then the maintenance window ends. If nobody has answered, that counts as a No-Go.";
  return doc.escalation
    ? "If nobody has answered, that counts as a No-Go."
    : "After that, the gate opens for the escalation contacts, and this link stops working.";
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

/** The announcement of an open gate, for chats. It leaves out the link: anybody with the link could decide. */
export function gateOpened(doc: GateDoc, run: string, ports: Ports): Announcement {
  return {
    type: "Gate Opened",
    detail: {
      ...about(doc, run, ports),
      openedAt: doc.openedAt,
      expiresAt: doc.expiresAt,
      approvals: doc.quorum?.approvals ?? 1,
      changed: doc.changed,
    },
  };
}

/** The announcement of a decision. @param withheld why a Go does not take effect; empty when the decision does */
export function gateDecided(
  doc: GateDoc,
  { decision, by, comment, at }: GateDecisionDoc,
  withheld: readonly string[],
  run: string,
  ports: Ports,
): Announcement {
  return {
    type: "Gate Decided",
    detail: { ...about(doc, run, ports), decision, by, comment, decidedAt: at, withheld },
  };
}

/** Sends an announcement. A failure is only logged, because listeners must not hold up a gate. */
export async function announce(announcement: Announcement, ports: Ports): Promise<void> {
  try {
    await ports.announcer.announce({ ...announcement, detail: shortened(announcement.detail) });
  } catch (error) {
    ports.progress(
      `"${announcement.type}" was not announced: ${error instanceof Error ? error.message : "error"}`,
    );
  }
}

/** Makes all texts plain and short enough for an event. */
function shortened(detail: Announcement["detail"]): Announcement["detail"] {
  const said = (value: unknown): unknown => {
    if (typeof value === "string") return cutText(plain(value));
    return Array.isArray(value)
      ? cutLines(
          value.map((line) => plain(String(line))),
          20,
        )
      : value;
  };
  return Object.fromEntries(Object.entries(detail).map(([key, value]) => [key, said(value)]));
}

function about(doc: GateDoc, run: string, { plan, settings }: Ports) {
  return {
    run,
    gate: doc.gate,
    attempt: doc.attempt,
    escalation: doc.escalation,
    question: doc.question,
    instance: settings.instance,
    database: settings.database,
    plan: plan.title,
  };
}

const LOOKS = 15;
const PAUSE_MS = 100;

/** Whether the machine has the decision. */
export type Delivery = "yes" | "nobody waits" | "failed";

/** Sends the stored decision to the machine, unless the evidence shows that the machine has it. */
export async function tell(ports: GatePorts, run: string, decision: GateDecisionDoc): Promise<Delivery> {
  const { gate, attempt } = decision;
  const evidence = evidenceOf(ports.evidence, run);
  if (await evidence.read(deliveredDoc(gate, attempt))) return "yes";
  const kept = await evidence.read(Doc.gateToken(gate, attempt));
  if (!kept) return "nobody waits";
  try {
    if (!(await ports.callbacks.succeed(kept.token, { decision: decision.decision })))
      return (await heardMeanwhile(evidence, decision)) ? "yes" : "nobody waits";
  } catch (error) {
    // The error's message may quote the call, which holds the token. The page offers to try again.
    ports.progress(
      `The decision at ${gate} did not reach the run: ${error instanceof Error ? error.name : "error"}`,
    );
    return "failed";
  }
  await evidence.createOnce(deliveredDoc(gate, attempt), { at: ports.clock.now().toISOString() });
  return "yes";
}

/**
 * Two answers at the same moment, or a form sent twice, both call the machine. The first one stores a note a moment
 * later, and so does the machine when it continues. This waits for that note.
 */
async function heardMeanwhile(
  evidence: RunEvidence,
  { gate, attempt }: Pick<GateDecisionDoc, "gate" | "attempt">,
): Promise<boolean> {
  for (let looks = 0; looks < LOOKS; looks++) {
    if (await evidence.read(deliveredDoc(gate, attempt))) return true;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return false;
}
