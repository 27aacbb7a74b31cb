import type { Html } from "../shared/html.ts";
import { SECURITY_HEADERS } from "./layout.ts";

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

/**
 * False for a form that another site sent. The key already keeps those out; this also holds when a key has leaked.
 * Because of no-referrer, browsers give the page's own forms the origin "null": then only Sec-Fetch-Site tells.
 */
export function fromOwnPage({ headers, origin: own }: GateRequest): boolean {
  const site = headers["sec-fetch-site"];
  const { origin } = headers;
  if (site !== undefined && site !== "same-origin") return false;
  if (origin === undefined || origin === own) return true;
  return origin === "null" && site === "same-origin";
}

/** Lambda sends 6 MB of JSON in answer, headers and all; some room is left for those. */
const MOST_ANSWER_BYTES = 6 * 1024 * 1024 - 64 * 1024;

/** Whether Lambda can send this page in answer: as JSON, in which quotes and line ends take two bytes. */
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
