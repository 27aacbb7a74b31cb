import * as z from "zod";
import type { Problem } from "../gate/decide.ts";
import { nameProblem } from "../gate/names.ts";
import { line, text } from "../gate/said.ts";
import type { GateDoc } from "../shared/documents.ts";
import { takesName } from "../shared/gates.ts";
import { type Html, html } from "../shared/html.ts";
import { knownAs, type RunSettings } from "../shared/settings.ts";
import { SECURITY_HEADERS } from "./layout.ts";

export interface GateRequest {
  method: string;
  /** Not decoded. */
  path: string;
  /** Not decoded, without the question mark. */
  query: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
  /** IP address of the client. */
  from: string;
  /** Origin of these pages, such as `https://example.org`. */
  origin: string;
}

export interface GateResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** Largest form in bytes. The longest comment fits in any script. */
export const MOST_BODY_BYTES = 16 * 1024;

/**
 * False for a form that another site sent. The key already prevents that; this also helps if a key has leaked. With
 * no-referrer, browsers send the page's own forms with the origin "null": then only Sec-Fetch-Site shows the source.
 */
export function fromOwnPage({ headers, origin: own }: GateRequest): boolean {
  const site = headers["sec-fetch-site"];
  const { origin } = headers;
  if (site !== undefined && site !== "same-origin") return false;
  if (origin === undefined || origin === own) return true;
  return origin === "null" && site === "same-origin";
}

/** Lambda's response limit is 6 MB of JSON, headers included; this leaves 64 KiB for them. */
const MOST_ANSWER_BYTES = 6 * 1024 * 1024 - 64 * 1024;

/** Whether the page fits into a Lambda response, measured as JSON, where quotes and line ends take two bytes. */
export function fitsAnAnswer(page: string): boolean {
  return Buffer.byteLength(JSON.stringify(page)) <= MOST_ANSWER_BYTES;
}

export function respond(
  status: number,
  body: Html,
  headers: Readonly<Record<string, string>> = {},
): GateResponse {
  return {
    status,
    headers: { "content-type": "text/html; charset=utf-8", ...SECURITY_HEADERS, ...headers },
    body: body.markup,
  };
}

const form = z.strictObject({
  key: z.string().min(1).max(100),
  decision: z.enum(["Go", "NoGo"]),
  /** Absent where the link identifies the approver. */
  by: line(100).optional(),
  comment: text(1_500).default(""),
  /** The database's identifier, as typed. */
  instance: line(200).default(""),
  /** Indexes into the checklist. */
  tick: z
    .array(
      z
        .string()
        .regex(/^\d{1,3}$/)
        .transform(Number),
    )
    .default([]),
  /** SHA-256 of the page with the form, in hex. */
  shown: z.string().regex(/^[0-9a-f]{64}$/),
});

export type GateForm = z.infer<typeof form>;

/** Parses a posted form; undefined for anything that the page's own forms cannot send. */
export function parseForm(body: string): GateForm | undefined {
  const params = new URLSearchParams(body);
  const names = [...new Set(params.keys())];
  // A form with two decisions is invalid.
  if (names.some((name) => name !== "tick" && params.getAll(name).length > 1)) return undefined;
  const fields = Object.fromEntries(
    names.map((name) => [name, name === "tick" ? params.getAll(name) : params.get(name)]),
  );
  return form.safeParse(fields).data;
}

/** Returns what is wrong with the form's own fields. `decide` checks what every answer needs. */
export function formProblems(form: GateForm, doc: GateDoc, settings: RunSettings): Problem[] {
  const problems: Problem[] = [];
  const wrongName = doc.approvers ? undefined : nameProblem(form.by ?? "");
  if (wrongName !== undefined) problems.push({ field: "by", message: wrongName });
  if (form.decision !== "Go") return problems;
  if (!doc.checklist.every((_, i) => form.tick.includes(i)))
    problems.push({ field: "ticked", message: "A Go needs every point of the checklist." });
  if (takesName(doc.kind, settings) && form.instance.trim() !== knownAs(settings))
    problems.push({ field: "instance", message: `Type ${knownAs(settings)} exactly as shown.` });
  return problems;
}

const IDS: Readonly<Record<Problem["field"], string>> = {
  by: "by",
  comment: "comment",
  instance: "instance",
  ticked: "tick-0",
  page: "decide",
};

/** Id of the control that a problem is about; the page has two forms. */
export function fieldId(decision: GateForm["decision"], field: Problem["field"]): string {
  return field === "page" ? IDS.page : `${decision === "Go" ? "go" : "no"}-${IDS[field]}`;
}

interface Field {
  decision: GateForm["decision"];
  name: Problem["field"];
  label: Html | string;
  hint?: string | false;
  problems: readonly Problem[];
  /** Returns the control, with the attributes that link it to its label and its problems. */
  control(attributes: Html): Html;
}

/** A control with its label, hint and problems. */
export function field({ decision, name, label, hint, problems, control }: Field): Html {
  const id = fieldId(decision, name);
  const invalid = problems.some((problem) => problem.field === name);
  return html`<div class="field"><label for="${id}">${label}${hint && html`<span class="hint">${hint}</span>`}</label>
${control(html`id="${id}"${invalid && html` aria-invalid="true"`}${described(problems, decision, name)}`)}${wrong(problems, decision, name)}</div>`;
}

export function described(
  problems: readonly Problem[],
  decision: GateForm["decision"],
  name: Problem["field"],
) {
  return (
    problems.some((problem) => problem.field === name) &&
    html` aria-describedby="${fieldId(decision, name)}-wrong"`
  );
}

export function wrong(problems: readonly Problem[], decision: GateForm["decision"], name: Problem["field"]) {
  const messages = problems.filter((problem) => problem.field === name).map((problem) => problem.message);
  return (
    messages.length > 0 &&
    html`<span class="wrong" id="${fieldId(decision, name)}-wrong">${messages.join(" ")}</span>`
  );
}
