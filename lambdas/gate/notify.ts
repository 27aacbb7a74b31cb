import { Doc, type GateDecisionDoc, type GateDoc } from "../shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import { endsWithWindow } from "../shared/gates.ts";
import type { Announcement, GatePorts, Notice, Ports } from "../shared/ports.ts";
import { knownAs, type RunSettings } from "../shared/settings.ts";
import { cutLines, cutText, plain } from "../shared/text.ts";
import { deliveredDoc } from "./attempts.ts";

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

/** For chats and the like. The link is not in it: whoever has that can decide, and nobody knows who listens. */
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

/** @param withheld why a Go does not take effect; empty when the decision does */
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

/** Announces, or lets it be: who only listens must not hold up a gate. */
export async function announce(announcement: Announcement, ports: Ports): Promise<void> {
  try {
    await ports.announcer.announce({ ...announcement, detail: shortened(announcement.detail) });
  } catch (error) {
    ports.progress(
      `"${announcement.type}" was not announced: ${error instanceof Error ? error.message : "error"}`,
    );
  }
}

/** What people read of it is plain text of a length that an event may have. */
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

/** What the machine said to the decision. */
export type Delivery = "yes" | "nobody waits" | "failed";

/** Tells the machine the stored decision, unless it is known to have heard. */
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
    // Its message may quote the call, and the call holds the token. The page says that it can be tried again.
    ports.progress(`The run could not be told of ${gate}: ${error instanceof Error ? error.name : "error"}`);
    return "failed";
  }
  await evidence.createOnce(deliveredDoc(gate, attempt), { at: ports.clock.now().toISOString() });
  return "yes";
}

/**
 * Whoever answers at the same moment, or sends a form twice, tells the machine too: one of them is the first, and notes
 * it a moment later. So does the machine when it goes on.
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
