import { runSteps, type StepsRun } from "../../../lambdas/migrate/run-steps.ts";
import { withPgSession } from "../../../lambdas/shared/pg-session.ts";
import type { SqlFile } from "../../../lambdas/shared/plan.ts";
import type { Ports } from "../../../lambdas/shared/ports.ts";
import type { OpenSession } from "../../../lambdas/shared/session.ts";
import { DeadlyCalls, type Kill } from "../../support/deadly-session.ts";

// Does a file's steps, and may be killed. Prints the number of its calls of the database when it comes to its end.

export interface Order {
  url: string;
  file: SqlFile;
  key: StepsRun["key"];
  kill: Kill | undefined;
  /** How long after sending the process ends itself, in milliseconds. */
  duringMs: number;
}

const { url, file, key, kill, duringMs } = JSON.parse(process.env.ORDER ?? "") as Order;
const calls = new DeadlyCalls(kill, duringMs);

const beside: OpenSession = (work) => withPgSession({ connectionString: url }, work);

const ports = {
  settings: { lockTimeoutMs: 2_000, lockTries: 30, concurrentWaitMs: 600_000 },
  clock: { now: () => new Date(), remaining: () => Number.POSITIVE_INFINITY },
  plan: {},
  worker: String(process.pid),
  progress: () => undefined,
} as unknown as Ports;

const steps = await beside((session) =>
  runSteps(calls.of(session), ports, {
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
process.stdout.write(String(calls.count));
