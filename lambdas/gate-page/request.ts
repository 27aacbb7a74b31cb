import type { Html } from "../shared/html.ts";
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
