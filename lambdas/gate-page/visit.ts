import type { GateAddress } from "../gate/link.ts";
import { keepShown } from "../gate/shown.ts";
import type { GateState } from "../gate/state.ts";
import type { Report } from "../report/schema.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import type { Html } from "../shared/html.ts";
import type { GatePorts } from "../shared/ports.ts";
import { sha256 } from "../shared/sha256.ts";
import type { FormState } from "./choices.ts";
import { gatePage } from "./gate-page.ts";
import { fitsAnAnswer } from "./request.ts";

export type MakeReport = (evidence: RunEvidence) => Promise<Report>;

/** The page of an open gate as it is now. */
export interface Visit {
  /** SHA-256 of what the page shows. */
  shown: string;
  page(form: Omit<FormState, "shown" | "approvals">): Html;
  /** Keeps what the decision is about, as a file; it has no form and so no key. */
  keep(): Promise<unknown>;
}

export async function visitOf(
  { doc, approvals }: Extract<GateState, { state: "open" }>,
  address: GateAddress,
  ports: GatePorts,
  makeReport: MakeReport,
): Promise<Visit> {
  const evidence = evidenceOf(ports.evidence, address.run);
  const whole = { doc, report: await makeReport(evidence), settings: ports.settings };
  const { markup } = gatePage(whole);
  const brief = ports.largePages !== undefined && !fitsAnAnswer(markup);
  const view = { ...whole, brief };
  const body = brief ? gatePage(view).markup : markup;
  const shown = sha256(body);
  return {
    shown,
    page: (form) => gatePage(view, { ...form, shown, approvals }),
    keep: () => keepShown(evidence, doc, body, "page"),
  };
}
