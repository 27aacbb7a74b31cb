import { runSteps, type StepsRun } from "../../../lambdas/migrate/run-steps.ts";
import { withPgSession } from "../../../lambdas/shared/pg-session.ts";
import type { SqlFile } from "../../../lambdas/shared/plan.ts";
import type { Ports } from "../../../lambdas/shared/ports.ts";
import type { OpenSession, Session } from "../../../lambdas/shared/session.ts";

// A worker in a process of its own, which ends itself with SIGKILL at its n-th call of the database: just before the
// call is sent, or while the server is at work on it. Prints the number of its calls when it comes to its end.

export interface Order {
  url: string;
  file: SqlFile;
  key: StepsRun["key"];
  kill: { call: number; when: "before" | "during" } | undefined;
  /** How long after sending the process ends itself, in milliseconds. */
  duringMs: number;
}

const { url, file, key, kill, duringMs } = JSON.parse(process.env.ORDER ?? "") as Order;
let calls = 0;

function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("unreachable");
}

function call<T>(send: () => Promise<T>): Promise<T> {
  calls++;
  if (calls !== kill?.call) return send();
  if (kill.when === "before") die();
  setTimeout(die, duringMs);
  // Whatever comes back, nobody acts on it any more.
  return send().then(
    () => new Promise<T>(() => undefined),
    () => new Promise<T>(() => undefined),
  );
}

const deadly = (session: Session): Session => ({
  query: (text, params) => call(() => session.query(text, params)) as never,
  exec: (text) => call(() => session.exec(text)),
  together: (statements) => call(() => session.together(statements)),
});

const beside: OpenSession = (work) => withPgSession({ connectionString: url }, work);

const ports = {
  settings: { lockTimeoutMs: 2_000, lockTries: 30, concurrentWaitMs: 600_000 },
  clock: { now: () => new Date(), remaining: () => Number.POSITIVE_INFINITY },
  plan: {},
  worker: String(process.pid),
  progress: () => undefined,
} as unknown as Ports;

const steps = await beside((session) =>
  runSteps(deadly(session), ports, {
    key,
    file,
    checksum: "c",
    failure: "StepFailed",
    limitMinutes: undefined,
    beside,
    atEnd: async () => ["UPDATE version SET at = at + 1"],
  }),
);
if (!steps) throw new Error("The steps are not done");
process.stdout.write(String(calls));
