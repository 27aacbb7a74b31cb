import { createHash } from "node:crypto";
import { type WithheldDoc, withheldDoc } from "../gate/attempts.ts";
import { decide, type GateState, gateState, ON_PRODUCTION, type Problem, tell } from "../gate/decide.ts";
import { keyMatches } from "../gate/key.ts";
import { type GateAddress, gateAddress } from "../gate/link.ts";
import { buildReport } from "../report/build.ts";
import type { Report } from "../report/schema.ts";
import type { GateDoc } from "../shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import type { Html } from "../shared/html.ts";
import type { Ports } from "../shared/ports.ts";
import * as page from "./answers.ts";
import { type GateForm, parseForm } from "./form.ts";
import { gatePage } from "./gate-page.ts";
import { SECURITY_HEADERS } from "./style.ts";

export interface GateRequest {
  method: string;
  /** As it came: not decoded. */
  path: string;
  /** As it came, without the question mark. */
  query: string;
  /** By names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
  /** Address of the one who asks. */
  from: string;
  /** Origin that these pages are served under, as the server knows it. */
  origin: string;
}

export interface GateResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** Largest form in bytes: the longest comment fits, whatever its script. */
export const MOST_BODY_BYTES = 16 * 1024;

export type MakeReport = (evidence: RunEvidence) => Promise<Report>;

/** Answers a request for a gate's page: GET and HEAD show, only POST decides. */
export async function answer(
  request: GateRequest,
  ports: Ports,
  makeReport: MakeReport = buildReport,
): Promise<GateResponse> {
  const response = await route(request, ports, makeReport).catch((error: unknown) => {
    // Its message may quote what it was about, a token even: where it came from is enough.
    console.error("gate page:", error instanceof Error ? frames(error) : "error");
    return respond(500, page.brokenPage());
  });
  return request.method === "HEAD" ? { ...response, body: "" } : response;
}

async function route(request: GateRequest, ports: Ports, makeReport: MakeReport): Promise<GateResponse> {
  const address = gateAddress(request.path);
  if (!address) return respond(404, page.unknownPage());
  switch (request.method) {
    case "GET":
    case "HEAD":
      return show(request, address, ports, makeReport);
    case "POST":
      return post(request, address, ports, makeReport);
    default:
      return respond(405, page.methodPage(), { allow: "GET, HEAD, POST" });
  }
}

async function show(
  request: GateRequest,
  address: GateAddress,
  ports: Ports,
  makeReport: MakeReport,
): Promise<GateResponse> {
  const key = new URLSearchParams(request.query).get("key") ?? "";
  const known = await stateFor(key, address, ports);
  if (known.state === "open") {
    const visit = await visitOf(known.doc, address, ports, makeReport);
    return respond(200, visit.page({ key, shown: visit.shown, problems: [] }));
  }
  if (known.state !== "decided") return closed(known, address, ports);
  // A call to the run that was lost is so made again. HEAD only asks what GET would say.
  const told = request.method === "GET" ? await tell(ports, address.run, known.decision) : "yes";
  return respond(
    200,
    page.decidedPage(
      known.doc,
      known.decision,
      told,
      await withheld(address, ports),
      ports.settings,
      "anyone's",
    ),
  );
}

async function post(
  request: GateRequest,
  address: GateAddress,
  ports: Ports,
  makeReport: MakeReport,
): Promise<GateResponse> {
  if (Buffer.byteLength(request.body) > MOST_BODY_BYTES) return respond(413, page.largePage());
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers["content-type"] ?? ""))
    return respond(415, page.typePage());
  if (!fromOwnPage(request)) return respond(403, page.foreignPage());
  const form = parseForm(request.body);
  if (!form) return respond(400, page.malformedPage());
  const known = await stateFor(form.key, address, ports);
  if (known.state !== "open" && known.state !== "decided") return closed(known, address, ports);

  const { doc } = known;
  let shown = "";
  if (known.state === "open") {
    const visit = await visitOf(doc, address, ports, makeReport);
    const problems = formProblems(form, doc, ports);
    if (form.shown !== visit.shown)
      problems.push({
        field: "page",
        message: "What this page shows has changed meanwhile. Look at it again.",
      });
    if (problems.length > 0)
      return respond(422, visit.page({ key: form.key, shown: visit.shown, typed: form, problems }));
    await visit.keep();
    shown = visit.shown;
  }

  const decided = await decide(ports, {
    ...address,
    decision: form.decision,
    by: form.by,
    comment: form.comment,
    from: request.from,
    ticked: doc.checklist.filter((_, i) => form.tick.includes(i)),
    shown,
  });
  switch (decided.state) {
    case "incomplete": {
      const visit = await visitOf(doc, address, ports, makeReport);
      return respond(
        422,
        visit.page({ key: form.key, shown: visit.shown, typed: form, problems: decided.problems }),
      );
    }
    case "decided": {
      const { decision, first, told } = decided;
      const body = page.decidedPage(
        doc,
        decision,
        told,
        await withheld(address, ports),
        ports.settings,
        first ? "yours" : "another's",
      );
      // Accepted, not done: the answer is kept and the run has still to hear it.
      return respond(first ? (told === "failed" ? 202 : 200) : 409, body);
    }
    default:
      return closed(decided, address, ports);
  }
}

async function stateFor(key: string, address: GateAddress, ports: Ports): Promise<GateState> {
  const known = await gateState(ports, address);
  // A wrong key and a gate that is not there look the same.
  return known.state !== "unknown" && keyMatches(key, known.doc.keyHash) ? known : { state: "unknown" };
}

async function closed(
  known: Exclude<GateState, { state: "open" | "decided" }>,
  address: GateAddress,
  ports: Ports,
): Promise<GateResponse> {
  switch (known.state) {
    case "unknown":
      return respond(404, page.unknownPage());
    case "expired":
      return respond(410, page.expiredPage(known.doc, ports.settings));
    case "superseded":
      return respond(
        410,
        page.supersededPage(known.doc, known.decision, await withheld(address, ports), ports.settings),
      );
  }
}

async function visitOf(doc: GateDoc, address: GateAddress, ports: Ports, makeReport: MakeReport) {
  const evidence = evidenceOf(ports.evidence, address.run);
  const view = { doc, report: await makeReport(evidence), settings: ports.settings };
  const body = gatePage(view).markup;
  const shown = createHash("sha256").update(body).digest("hex");
  return {
    shown,
    page: (form: Parameters<typeof gatePage>[1]) => gatePage(view, form),
    /** What the decision is about, as a file; it has no form and so no key. */
    keep: () =>
      evidence.keepFile(
        `gates/${address.gate}-${address.attempt}/shown-${shown.slice(0, 16)}.html`,
        body,
        "text/html; charset=utf-8",
      ),
  };
}

/** What only a form can lack; what every answer needs is in `decide`. */
function formProblems(form: GateForm, doc: GateDoc, { settings }: Ports): Problem[] {
  if (form.decision !== "Go") return [];
  const problems: Problem[] = [];
  if (!doc.checklist.every((_, i) => form.tick.includes(i)))
    problems.push({ field: "ticked", message: "A Go needs every point of the checklist." });
  if (ON_PRODUCTION.includes(doc.kind) && form.instance.trim() !== settings.instance)
    problems.push({ field: "instance", message: `Type ${settings.instance}, exactly so.` });
  return problems;
}

/**
 * False for a form that another site sent. The key already keeps those out; this also holds when a key has leaked.
 * Because of no-referrer, browsers give the page's own forms the origin "null": then only Sec-Fetch-Site tells.
 */
function fromOwnPage({ headers, origin: own }: GateRequest): boolean {
  const site = headers["sec-fetch-site"];
  const { origin } = headers;
  if (site !== undefined && site !== "same-origin") return false;
  if (origin === undefined || origin === own) return true;
  return origin === "null" && site === "same-origin";
}

function frames({ name, stack = "" }: Error): string {
  return [name, ...stack.split("\n").filter((line) => /^\s+at /.test(line))].join("\n");
}

async function withheld({ run, gate, attempt }: GateAddress, ports: Ports): Promise<WithheldDoc | undefined> {
  return evidenceOf(ports.evidence, run).read<WithheldDoc>(withheldDoc(gate, attempt));
}

function respond(status: number, body: Html, headers: Readonly<Record<string, string>> = {}): GateResponse {
  return {
    status,
    headers: { "content-type": "text/html; charset=utf-8", ...SECURITY_HEADERS, ...headers },
    body: body.markup,
  };
}
