import { decide } from "../lambdas/gate/decide.ts";
import { gateAddress } from "../lambdas/gate/link.ts";
import { buildReport } from "../lambdas/report/build.ts";
import { summaryLines } from "../lambdas/report/summary.ts";
import { linked } from "../lambdas/shared/chain.ts";
import { Doc } from "../lambdas/shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../lambdas/shared/evidence.ts";
import type { Environment, Notice } from "../lambdas/shared/ports.ts";
import type { OpenGate } from "./events.ts";

/** Milliseconds between two looks for a decision, which may come from the page or the prompt. */
const LOOK_EVERY_MS = 100;

/**
 * The gate of a notice; undefined if the notice is about something else.
 * @param apply whether production is a real database
 * @param summaryOf the facts so far, by the evidence
 */
export async function openedGate(
  notice: Notice,
  ports: Environment,
  run: string,
  apply: boolean,
  summaryOf = async (evidence: RunEvidence): Promise<OpenGate["summary"]> =>
    summaryLines(await buildReport(evidence)),
): Promise<OpenGate | undefined> {
  const link = notice.text.split("\n").find((line) => line.startsWith(`${ports.settings.gateUrl}/`));
  const address = link === undefined ? undefined : gateAddress(new URL(link).pathname);
  if (link === undefined || address === undefined) return undefined;
  const { gate, attempt } = address;
  const evidence = evidenceOf(ports.evidence, run);
  const doc = await evidence.require(Doc.gate(gate, attempt));
  const look = async () => {
    const made = await evidence.read(Doc.gateDecision(gate, attempt));
    return made && { decision: made.decision, by: made.by };
  };
  return {
    doc,
    link,
    summary: await summaryOf(evidence),
    ...(apply ? { typed: ports.settings.instance } : {}),
    async decide(decision, by, comment) {
      const decided = await linked(ports, (noted) =>
        decide(noted, {
          run,
          gate,
          attempt,
          decision,
          by,
          comment,
          from: "prompt",
          // Only the page has boxes to tick.
          ticked: [],
        }),
      );
      if (decided.state === "incomplete")
        throw new Error(decided.problems.map(({ message }) => message).join(" "));
      if (decided.state !== "counted")
        return decided.state === "decided" && decided.first ? "decided" : "before";
      if (decided.first) return "counted";
      throw new Error(
        `A Go by ${by} already counts. The next one must come from another person, on the page.`,
      );
    },
    closed: (async () => {
      while (Date.now() < Date.parse(doc.expiresAt)) {
        const made = await look();
        if (made) return made;
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS).unref());
      }
      return undefined;
    })(),
    look,
  };
}
