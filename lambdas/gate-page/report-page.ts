import { keepShown } from "../gate/basis.ts";
import type { GateState } from "../gate/decide.ts";
import {
  type GateAddress,
  gateAddress,
  isRunName,
  keyHash,
  opensGate,
  reportLinkEnds,
} from "../gate/link.ts";
import { renderReport } from "../report/page/page.ts";
import type { Report } from "../report/schema.ts";
import { rolloutPage } from "../rollout/report.ts";
import { Doc, type GateDoc } from "../shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import { type Html, raw } from "../shared/html.ts";
import type { GatePorts } from "../shared/ports.ts";
import { RolloutDocs } from "../shared/rollout-documents.ts";
import { sha256 } from "../shared/sha256.ts";
import * as page from "./answers.ts";
import type { FormState } from "./choices.ts";
import { gatePage, wavePage } from "./gate-page.ts";
import { REPORT_HEADERS } from "./layout.ts";
import { fitsAnAnswer, type GateRequest, type GateResponse, respond } from "./request.ts";

/** An address of the report, from a gate's page or from the final message. Each has a key that opens it. */
type ReportAddress = { run: string; opens(key: string, ports: GatePorts): Promise<boolean> };

/** Parses `/gates/<run>/<gate>/<attempt>/report` or `/reports/<run>`; undefined for any other path. */
export function reportAddress(path: string): ReportAddress | undefined {
  const gate = /^(.*)\/report$/.exec(path)?.[1];
  const address = gate === undefined ? undefined : gateAddress(gate);
  if (address)
    return {
      run: address.run,
      // An approver may read the report, for a while also after the gate is decided.
      async opens(key, ports) {
        const doc = await evidenceOf(ports.evidence, address.run).read(
          Doc.gate(address.gate, address.attempt),
        );
        return doc !== undefined && opensGate(key, doc) && isBefore(reportLinkEnds(doc.openedAt), ports);
      },
    };
  const run = decoded(/\/reports\/([^/]+)$/.exec(path)?.[1]);
  if (run === undefined || !isRunName(run)) return undefined;
  return {
    run,
    async opens(key, ports) {
      const link = await evidenceOf(ports.evidence, run).read(Doc.reportLink(keyHash(key)));
      return link !== undefined && isBefore(link.expiresAt, ports);
    },
  };
}

/** Returns the current report of the run; undefined for a key that does not open it. */
export async function showReport(
  { query }: GateRequest,
  { run, opens }: ReportAddress,
  ports: GatePorts,
  makeReport: MakeReport,
): Promise<GateResponse | undefined> {
  const key = new URLSearchParams(query).get("key") ?? "";
  if (!(await opens(key, ports))) return undefined;
  const evidence = evidenceOf(ports.evidence, run);
  const isRollout = (await evidence.read(RolloutDocs.rollout)) !== undefined;
  const report = isRollout
    ? await rolloutPage(ports.evidence, evidence, ports.clock.now().toISOString())
    : renderReport(await makeReport(evidence));
  const { largePages } = ports;
  if (!largePages || fitsAnAnswer(report)) return respond(200, raw(report), REPORT_HEADERS);
  const file = await keepLarge(evidence, report);
  return elsewhere(await largePages.link(`runs/${run}/${file}`));
}

/** Stores a large report as a file. A run that has ended already has it; a running one gets a file per state of the page. */
async function keepLarge(evidence: RunEvidence, report: string): Promise<string> {
  if ((await evidence.readFile("report.html")) === report) return "report.html";
  const file = `shown/report-${sha256(report).slice(0, 16)}.html`;
  await evidence.keepFile(file, report, "text/html; charset=utf-8");
  return file;
}

/**
 * Refreshes to the link, and shows it for browsers that do not refresh. A redirect would fail: the policy of the gate's
 * page lets forms lead only to itself, and browsers apply that to redirects too.
 */
function elsewhere(link: string): GateResponse {
  return respond(200, page.largeReportPage(link), { refresh: `0; url=${link}` });
}

function isBefore(end: string, { clock }: GatePorts): boolean {
  return clock.now().getTime() < Date.parse(end);
}

function decoded(part: string | undefined): string | undefined {
  try {
    return part === undefined ? undefined : decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

export type MakeReport = (evidence: RunEvidence) => Promise<Report>;

/** The current page of an open gate. */
interface Visit {
  /** SHA-256 of what the page shows. */
  shown: string;
  page(form: Omit<FormState, "shown" | "approvals">): Html;
  /** Stores the page as a file, without forms and so without the key. */
  keep(): Promise<unknown>;
}

export async function visitOf(
  { doc, approvals }: Extract<GateState, { state: "open" }>,
  address: GateAddress,
  ports: GatePorts,
  makeReport: MakeReport,
): Promise<Visit> {
  const evidence = evidenceOf(ports.evidence, address.run);
  if (doc.kind === "wave") return await visitOfWave(doc, approvals, evidence, ports);
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

async function visitOfWave(
  doc: GateDoc,
  approvals: FormState["approvals"],
  evidence: RunEvidence,
  { settings }: GatePorts,
): Promise<Visit> {
  const view = {
    doc,
    request: await evidence.require(Doc.request),
    results: await evidence.require(RolloutDocs.results(doc.gate, doc.attempt)),
    settings,
  };
  const body = wavePage(view).markup;
  const shown = sha256(body);
  return {
    shown,
    page: (form) => wavePage(view, { ...form, shown, approvals }),
    keep: () => keepShown(evidence, doc, body, "page"),
  };
}
