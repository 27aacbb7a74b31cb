import type { HookDoc } from "../shared/documents.ts";
import { messageOf, NotAsked } from "../shared/errors.ts";
import type { HttpExpectation } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";

type Result = HookDoc["results"][number];

const TIMEOUT_MS = 60_000;

/** Sends the request and compares the answer with what the plan says it must be. */
export async function probe(request: HttpExpectation, ports: Ports): Promise<Result> {
  const { title, method, headers, body, expect } = request;
  const expected = `${expect.status}${expect.contains === undefined ? "" : ` with "${expect.contains}"`}`;
  const base = ports.settings.applicationUrl;
  if (request.url.startsWith("/") && base === undefined)
    return { title, passed: null, expected, seen: "not asked: no application URL is set" };
  const url = request.url.startsWith("/") ? new URL(request.url, base).href : request.url;
  try {
    const answer = await ports.http.request(method, url, headers, body, TIMEOUT_MS);
    const has = expect.contains === undefined || answer.body.includes(expect.contains);
    return {
      title,
      passed: answer.status === expect.status && has,
      expected,
      seen: `${answer.status}${has ? "" : ` without "${expect.contains}": ${answer.body.slice(0, 200)}`}`,
    };
  } catch (error) {
    if (error instanceof NotAsked) return { title, passed: null, expected, seen: error.message };
    return { title, passed: false, expected, seen: messageOf(error) };
  }
}
