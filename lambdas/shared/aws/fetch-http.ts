import type { Http, HttpAnswer } from "../ports.ts";

const LONGEST_BODY = 64 * 1024;

/** HTTP for hooks and smoke tests. They test one address, so redirects are not followed. */
export class FetchHttp implements Http {
  /** @throws Error with method, host and path; the query is left out, as it may hold a key. */
  async request(
    method: string,
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string | undefined,
    timeoutMs: number,
  ): Promise<HttpAnswer> {
    try {
      const response = await fetch(url, {
        method,
        headers,
        redirect: "manual",
        // The time limit covers the body too.
        signal: AbortSignal.timeout(timeoutMs),
        ...(body === undefined ? {} : { body }),
      });
      return { status: response.status, body: await firstPart(response) };
    } catch (error) {
      throw new Error(`${method} ${withoutQuery(url)} got no answer: ${reason(error, timeoutMs)}`, {
        cause: error,
      });
    }
  }
}

async function firstPart(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop early cancels the stream and the rest of the download.
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= LONGEST_BODY) break;
  }
  return Buffer.concat(chunks).subarray(0, LONGEST_BODY).toString("utf8");
}

function withoutQuery(url: string): string {
  if (!URL.canParse(url)) return "(not a URL)";
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function reason(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `nothing within ${timeoutMs / 1000} s`;
  // fetch reports only "fetch failed"; its cause has the reason.
  const cause = error.cause as { code?: string; message?: string } | undefined;
  return cause?.code ?? cause?.message ?? error.message;
}
