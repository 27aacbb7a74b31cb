import { cutLines, cutText } from "../shared/cut.ts";
import type { GateDecisionDoc, GateDoc } from "../shared/documents.ts";
import { plain } from "../shared/plain.ts";
import type { Announcement, Ports } from "../shared/ports.ts";

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
