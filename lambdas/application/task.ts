import * as z from "zod";
import { Doc, END_NAMES, type HookDoc } from "../shared/documents.ts";
import { ErrorName, messageOf, NotAsked, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { HttpExpectation } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { DONE, runFields, type Task } from "../shared/task.ts";

const event = z.discriminatedUnion("hook", [
  z.strictObject({ ...runFields, hook: z.enum(["stop", "start", "test", "smoke", "stop-again"]) }),
  z.strictObject({ ...runFields, hook: z.literal("start-again"), end: z.enum(END_NAMES) }),
]);
type Hook = z.infer<typeof event>["hook"];

/** Stops, starts and tests the application with the plan's HTTP requests. */
export const applicationTask: Task<z.infer<typeof event>> = {
  name: "application",
  event,
  async run(request, ports, evidence) {
    if (request.hook === "start-again") {
      // If the database was not brought back, an operator decides when the application may use it.
      if (request.end === "NeedsOperator" || !(await isStopped(evidence))) return DONE;
    }
    const requests = requestsOf(request.hook, ports);
    const results = [];
    await evidence.createOnce(Doc.hookSent(request.hook), { at: ports.clock.now().toISOString() });
    for (const expectation of requests) {
      // The title, not the URL, because its query may hold a key.
      ports.progress(expectation.title);
      results.push(await probe(expectation, ports));
    }
    const failed = results.filter((result) => result.passed === false);
    // A failed call may be retried, so only the result that the run continues with is stored.
    if (failed.length > 0 && request.hook !== "smoke") throw failure(ErrorName.HookFailed, failed);
    await evidence.createOnce(Doc.hook(request.hook), {
      at: ports.clock.now().toISOString(),
      name: request.hook,
      results,
    });
    if (failed.length > 0) throw failure(ErrorName.SmokeTestFailed, failed);
    return DONE;
  },
};

function requestsOf(hook: Hook, ports: Ports): readonly HttpExpectation[] {
  const { stop, start, test, smoke } = ports.plan.application;
  const one = { stop, "stop-again": stop, start, "start-again": start, test } as const;
  if (hook === "smoke") return smoke;
  const found = one[hook];
  return found ? [found] : [];
}

/** Whether this run sent the application a stop, with whatever answer, and no confirmed start since. */
async function isStopped(evidence: RunEvidence): Promise<boolean> {
  const told = async (hook: Hook) => (await evidence.read(Doc.hookSent(hook))) !== undefined;
  const started = (await evidence.read(Doc.hook("start"))) !== undefined;
  return (await told("stop-again")) || ((await told("stop")) && !started);
}

function failure(name: ErrorName, failed: HookDoc["results"]): SluiceError {
  return new SluiceError(
    name,
    failed.map((f) => `${f.title}: expected ${f.expected}, got ${f.seen}`).join("; "),
  );
}

type Result = HookDoc["results"][number];

const TIMEOUT_MS = 60_000;

/** Sends the request and compares the answer with the plan's expectation. */
async function probe(request: HttpExpectation, ports: Ports): Promise<Result> {
  const { title, method, headers, body, expect } = request;
  const expected = `${expect.status}${expect.contains === undefined ? "" : ` with "${expect.contains}"`}`;
  const base = ports.settings.applicationUrl;
  if (request.url.startsWith("/") && base === undefined)
    return { title, passed: null, expected, seen: "not requested: no application URL is set" };
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
