import { createHash } from "node:crypto";
import type { GateAddress } from "../gate/link.ts";
import type { GateState } from "../gate/state.ts";
import type { Report } from "../report/schema.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import type { Html } from "../shared/html.ts";
import type { GatePorts } from "../shared/ports.ts";
import type { FormState } from "./choices.ts";
import { gatePage } from "./gate-page.ts";

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
  const view = { doc, report: await makeReport(evidence), settings: ports.settings };
  const body = gatePage(view).markup;
  const shown = createHash("sha256").update(body).digest("hex");
  return {
    shown,
    page: (form) => gatePage(view, { ...form, shown, approvals }),
    keep: () =>
      evidence.keepFile(
        `gates/${address.gate}-${address.attempt}/shown-${shown.slice(0, 16)}.html`,
        body,
        "text/html; charset=utf-8",
      ),
  };
}
