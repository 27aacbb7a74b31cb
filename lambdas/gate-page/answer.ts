import { publishersAmong } from "../gate/approvals.ts";
import {
  type Answered,
  type Closed,
  type Decided,
  decide,
  type GateState,
  gateState,
  type Problem,
  problemsWith,
  settled,
} from "../gate/decide.ts";
import { approverOf, type GateAddress, gateAddress, opensGate } from "../gate/link.ts";
import { tell } from "../gate/notify.ts";
import { buildReport } from "../report/build.ts";
import { linked } from "../shared/chain.ts";
import { Doc, type GateDecisionDoc, type WithheldDoc } from "../shared/documents.ts";
import { evidenceOf } from "../shared/evidence.ts";
import type { GatePorts } from "../shared/ports.ts";
import { ofItsDatabase } from "../shared/settings.ts";
import * as page from "./answers.ts";
import { type MakeReport, reportAddress, showReport, visitOf } from "./report-page.ts";
import {
  formProblems,
  fromOwnPage,
  type GateForm,
  type GateRequest,
  type GateResponse,
  MOST_BODY_BYTES,
  parseForm,
  respond,
} from "./request.ts";

/** Answers a request for a gate's page. GET and HEAD show the page; only POST decides. */
export async function answer(
  request: GateRequest,
  ports: GatePorts,
  makeReport: MakeReport = buildReport,
): Promise<GateResponse> {
  const response = await linked(ports, (noted) => route(request, noted, makeReport)).catch(broken);
  return request.method === "HEAD" ? { ...response, body: "" } : response;
}

/** Returns the page for an unexpected error, and logs the error. The page offers to try again. */
export function broken(error: unknown): GateResponse {
  // The error's message may quote a token, so only the stack frames are logged.
  console.error("gate page:", error instanceof Error ? frames(error) : "error");
  return respond(500, page.brokenPage());
}

/** Returns the page for an event that is not a page request. */
export function notARequest(): GateResponse {
  return respond(400, page.methodPage());
}

async function route(request: GateRequest, ports: GatePorts, makeReport: MakeReport): Promise<GateResponse> {
  const report = reportAddress(request.path);
  if (report && (request.method === "GET" || request.method === "HEAD"))
    return (await showReport(request, report, ports, makeReport)) ?? respond(404, page.unknownPage());
  const address = gateAddress(request.path);
  if (!address) return respond(404, page.unknownPage());
  const own = async () =>
    ofItsDatabase(ports, await evidenceOf(ports.evidence, address.run).read(Doc.request));
  switch (request.method) {
    case "GET":
    case "HEAD":
      return show(request, address, await own(), makeReport);
    case "POST":
      return post(request, address, await own(), makeReport);
    default:
      return respond(405, page.methodPage(), { allow: "GET, HEAD, POST" });
  }
}

async function show(
  request: GateRequest,
  address: GateAddress,
  ports: GatePorts,
  makeReport: MakeReport,
): Promise<GateResponse> {
  const key = new URLSearchParams(request.query).get("key") ?? "";
  const known = await stateFor(key, address, ports);
  if (known.state === "open") {
    const visit = await visitOf(known, address, ports, makeReport);
    return respond(200, visit.page({ key, problems: [] }));
  }
  if (known.state !== "decided") return closed(known, address, ports);
  // GET repeats a lost call to the run. HEAD must change nothing.
  const told = request.method === "GET" ? await tell(ports, address.run, known.decision) : "yes";
  const view = {
    ...known,
    told,
    withheld: await withheld(address, ports),
    publishers: await publishers(address, known.decision, ports),
  };
  return respond(200, page.decidedPage(view, ports.settings, "anyone's"));
}

async function post(
  request: GateRequest,
  address: GateAddress,
  ports: GatePorts,
  makeReport: MakeReport,
): Promise<GateResponse> {
  if (Buffer.byteLength(request.body) > MOST_BODY_BYTES) return respond(413, page.largePage());
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers["content-type"] ?? ""))
    return respond(415, page.typePage());
  if (!fromOwnPage(request)) return respond(403, page.foreignPage());
  const form = parseForm(request.body);
  if (!form) return respond(400, page.malformedPage());
  const known = await stateFor(form.key, address, ports);
  const named = known.state === "unknown" ? undefined : approverOf(form.key, known.doc);
  // The page has a name field only where the link does not identify the approver.
  if (known.state !== "unknown" && (named === undefined) !== (form.by !== undefined))
    return respond(400, page.malformedPage());
  const given = {
    ...address,
    decision: form.decision,
    by: named ?? form.by ?? "",
    comment: form.comment,
    from: request.from,
  };
  switch (known.state) {
    case "open":
      return postToOpen(form, given, known, ports, makeReport);
    case "decided":
      return outcome(await settled(ports, given, known.doc, known.decision), address, ports);
    default:
      return closed(known, address, ports);
  }
}

async function postToOpen(
  form: GateForm,
  given: Answered,
  known: Extract<GateState, { state: "open" }>,
  ports: GatePorts,
  makeReport: MakeReport,
): Promise<GateResponse> {
  const { doc } = known;
  const visit = await visitOf(known, given, ports, makeReport);
  const again = (problems: readonly Problem[]) =>
    respond(422, visit.page({ key: form.key, typed: form, problems }));
  const problems = [...formProblems(form, doc, ports.settings), ...(await problemsWith(given, doc, ports))];
  if (form.shown !== visit.shown)
    problems.push({
      field: "page",
      message: "This page has changed since you opened it. Read it again.",
    });
  if (problems.length > 0) return again(problems);
  await visit.keep();
  const ticked = doc.checklist.filter((_, i) => form.tick.includes(i));
  const decided = await decide(ports, { ...given, ticked, shown: visit.shown });
  return decided.state === "incomplete" ? again(decided.problems) : outcome(decided, given, ports);
}

async function outcome(
  decided: Exclude<Decided, { state: "incomplete" }>,
  address: GateAddress,
  ports: GatePorts,
): Promise<GateResponse> {
  switch (decided.state) {
    case "decided": {
      const { doc, decision, told, first, tooLate } = decided;
      const body = page.decidedPage(
        {
          doc,
          decision,
          told,
          tooLate,
          withheld: await withheld(address, ports),
          publishers: await publishers(address, decision, ports),
        },
        ports.settings,
        first ? "yours" : "another's",
      );
      // 202: the answer is stored, and the run does not have it yet.
      return respond(first ? (told === "failed" ? 202 : 200) : 409, body);
    }
    case "counted":
      // 202: other approvers must give a Go too.
      return respond(decided.first ? 202 : 409, page.countedPage(decided, ports.settings));
    default:
      return closed(decided, address, ports);
  }
}

async function stateFor(key: string, address: GateAddress, ports: GatePorts): Promise<GateState> {
  // A wrong key and a missing gate look the same from outside.
  return gateState(ports, address, (doc) => opensGate(key, doc));
}

async function closed(known: Closed, address: GateAddress, ports: GatePorts): Promise<GateResponse> {
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

function withheld({ run, gate, attempt }: GateAddress, ports: GatePorts): Promise<WithheldDoc | undefined> {
  return evidenceOf(ports.evidence, run).read(Doc.gateWithheld(gate, attempt));
}

/** The names of the people who answered and may also have published the plan. */
async function publishers(
  { run }: GateAddress,
  decision: GateDecisionDoc,
  { evidence }: GatePorts,
): Promise<string[]> {
  const request = await evidenceOf(evidence, run).read(Doc.request);
  return publishersAmong(request?.published?.by ?? [], decision);
}

function frames({ name, stack = "" }: Error): string {
  return [name, ...stack.split("\n").filter((line) => /^\s+at /.test(line))].join("\n");
}
