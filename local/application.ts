import { createServer } from "node:http";
import { type Session, withRolledBackTransaction, withTransaction } from "../lambdas/shared/session.ts";
import type { LocalPlan } from "../lib/plan/compile.ts";
import type { LocalRoute } from "../lib/plan/schema.ts";

type PlanApplication = NonNullable<LocalPlan["application"]>;

/** Opens a session with a role's rights; rejects if that role may not connect. */
export type ApplicationSession = <T>(role: string, work: (session: Session) => Promise<T>) => Promise<T>;

/** A request to the stand-in; header names are in lower case. */
interface Asked {
  method: string;
  path: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface Answer {
  status: number;
  body: unknown;
}

/**
 * The stand-in for the application in local runs: the plan's routes, each a query that runs as the application's role. Like
 * a real application it answers 503 while it is stopped, and 500 when the database refuses it.
 * @param connect connects as the application does: the fence refuses it
 * @param connectInTestMode connects as the application's integration tests do, which run behind the fence: with another
 *   login than the application's, and with the application's rights
 */
export async function startApplication(
  plan: PlanApplication,
  connect: ApplicationSession,
  connectInTestMode: ApplicationSession = connect,
): Promise<{ url: string; close(): Promise<void> }> {
  let running = true;
  const answer = async (asked: Asked): Promise<Answer> => {
    const found = match(plan.routes, asked);
    if (!found) return { status: 404, body: { error: `no route for ${asked.method} ${asked.path}` } };
    const { does } = found.route;
    if (does === "test") return await runTests(plan, connectInTestMode);
    if (does) {
      running = does === "start";
      return { status: 200, body: { running } };
    }
    if (!running) return { status: 503, body: { error: "stopped" } };
    return await answerOf(found, asked, (work) =>
      connect(plan.role, (session) => withTransaction(session, () => work(session))),
    );
  };
  const server = createServer((request, response) => {
    request.resume();
    const { method = "GET", url = "/", headers } = request;
    void answer({ method, path: url.split("?")[0] ?? "/", headers }).then(({ status, body }) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(`${JSON.stringify(body)}\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The plan's integration tests, each a request to a route. What a test writes is rolled back. */
async function runTests(plan: PlanApplication, connect: ApplicationSession): Promise<Answer> {
  const failures = [];
  for (const { title, method, url, headers, expect } of plan.tests) {
    const asked = { method, path: url, headers: inLowerCase(headers) };
    const found = match(plan.routes, asked);
    const { status, body } = found
      ? await answerOf(found, asked, (work) =>
          connect(plan.role, (session) => withRolledBackTransaction(session, () => work(session))),
        )
      : { status: 404, body: "no such route" };
    const text = JSON.stringify(body);
    const { contains } = expect;
    if (status === expect.status && (contains === undefined || text.includes(contains))) continue;
    failures.push({ title, expected: expect, status, body: text.slice(0, 200) });
  }
  const passed = plan.tests.length - failures.length;
  return { status: failures.length === 0 ? 200 : 500, body: { failed: failures.length, passed, failures } };
}

function inLowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** @param within runs work in a transaction with the application's rights */
async function answerOf(
  { route, values }: Match,
  asked: Asked,
  within: (work: (session: Session) => Promise<unknown[]>) => Promise<unknown[]>,
): Promise<Answer> {
  try {
    const rows = await within((session) => rowsOf(session, route, (text) => fill(text, values, asked)));
    return rows.length > 0 ? { status: 200, body: rows } : { status: 404, body: { error: "nothing found" } };
  } catch (error) {
    return { status: 500, body: { error: error instanceof Error ? error.message : String(error) } };
  }
}

async function rowsOf(
  session: Session,
  { sql, settings, params }: LocalRoute,
  fillIn: (text: string) => string,
): Promise<unknown[]> {
  if (sql === undefined) return [{ status: "ok" }];
  for (const [key, value] of Object.entries(settings))
    await session.query("SELECT set_config($1, $2, true)", [key, fillIn(value)]);
  return await session.query(sql, params.map(fillIn));
}

interface Match {
  route: LocalRoute;
  /** Values of the `{name}`s in its path. */
  values: Record<string, string>;
}

function match(routes: readonly LocalRoute[], { method, path }: Asked): Match | undefined {
  for (const route of routes) {
    if (route.method !== method) continue;
    const [wanted, given] = [route.path.split("/"), path.split("/")];
    if (wanted.length !== given.length) continue;
    const values: Record<string, string> = {};
    const fits = wanted.every((part, at) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      if (name === undefined) return part === given[at];
      values[name] = decodeURIComponent(given[at] ?? "");
      return true;
    });
    if (fits) return { route, values };
  }
  return undefined;
}

/** `{name}` is a segment of the path, `{header:Name}` a header of the request. */
function fill(text: string, values: Record<string, string>, { headers }: Asked): string {
  return text.replace(
    /\{(?:header:([\w-]+)|(\w+))\}/g,
    (_whole, header: string | undefined, name: string | undefined) =>
      header === undefined ? (values[name ?? ""] ?? "") : String(headers[header.toLowerCase()] ?? ""),
  );
}
