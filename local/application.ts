import { createServer, type IncomingMessage } from "node:http";
import { type Session, withTransaction } from "../lambdas/shared/session.ts";
import type { LocalPlan } from "../lib/plan/compile.ts";
import type { LocalRoute } from "../lib/plan/schema.ts";

type PlanApplication = NonNullable<LocalPlan["application"]>;

/** Opens a session as the application's role; rejects if that role may not connect. */
export type ApplicationSession = <T>(role: string, work: (session: Session) => Promise<T>) => Promise<T>;

/**
 * The stand-in for the application in local runs: the plan's routes, each a query that runs as the application's role. Like
 * a real application it answers 503 while it is stopped, and 500 when the database refuses it.
 */
export async function startApplication(
  plan: PlanApplication,
  connect: ApplicationSession,
): Promise<{ url: string; close(): Promise<void> }> {
  let running = true;
  const server = createServer((request, response) => {
    const reply = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(`${JSON.stringify(body)}\n`);
    };
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const found = match(plan.routes, request.method ?? "GET", path);
    request.resume();
    if (!found) return reply(404, { error: `no route for ${request.method} ${path}` });
    const { route, values } = found;
    if (route.does) {
      running = route.does === "start";
      return reply(200, { running });
    }
    if (!running) return reply(503, { error: "stopped" });
    connect(plan.role, (session) => rowsOf(session, route, (name) => fill(name, values, request))).then(
      (rows) => (rows.length > 0 ? reply(200, rows) : reply(404, { error: "nothing found" })),
      (error: unknown) => reply(500, { error: error instanceof Error ? error.message : String(error) }),
    );
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

async function rowsOf(
  session: Session,
  route: LocalRoute,
  fillIn: (text: string) => string,
): Promise<unknown[]> {
  if (route.sql === undefined) return [{ status: "ok" }];
  const { sql } = route;
  return await withTransaction(session, async () => {
    for (const [key, value] of Object.entries(route.settings))
      await session.query("SELECT set_config($1, $2, true)", [key, fillIn(value)]);
    return await session.query(sql, route.params.map(fillIn));
  });
}

function match(
  routes: readonly LocalRoute[],
  method: string,
  path: string,
): { route: LocalRoute; values: Record<string, string> } | undefined {
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
function fill(text: string, values: Record<string, string>, request: IncomingMessage): string {
  return text.replace(
    /\{(?:header:([\w-]+)|(\w+))\}/g,
    (_whole, header: string | undefined, name: string | undefined) =>
      header === undefined ? (values[name ?? ""] ?? "") : String(request.headers[header.toLowerCase()] ?? ""),
  );
}
