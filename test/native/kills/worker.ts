import { runFiles, type StepsRun } from "../../../lambdas/migrate/run-steps.ts";
import { withPgSession } from "../../../lambdas/shared/pg-session.ts";
import type { CompiledPlan, SqlFile } from "../../../lambdas/shared/plan.ts";
import type { Ports } from "../../../lambdas/shared/ports.ts";
import type { OpenSession } from "../../../lambdas/shared/session.ts";
import { DeadlyCalls, type Kill } from "../../support/deadly-session.ts";

// Does the steps of files, and may be killed. Prints the number of its database calls at its end.

export interface VersionFile {
  version: string;
  file: SqlFile;
}

export interface Order {
  url: string;
  plan: Pick<CompiledPlan, "schema" | "migrations">;
  direction: StepsRun["key"]["direction"];
  files: [VersionFile, ...VersionFile[]];
  kill: Kill | undefined;
  /** How long after sending the process ends itself, in milliseconds. */
  duringMs: number;
}

const { url, plan, direction, files, kill, duringMs } = JSON.parse(process.env.ORDER ?? "") as Order;
const calls = new DeadlyCalls(kill, duringMs);

const beside: OpenSession = (work) => withPgSession({ connectionString: url }, work);

const ports = {
  settings: { lockTimeoutMs: 2_000, lockTries: 30, concurrentWaitMs: 600_000 },
  clock: { now: () => new Date(), remaining: () => Number.POSITIVE_INFINITY },
  plan,
  worker: String(process.pid),
  progress: () => undefined,
} as unknown as Ports;

const runOf = ({ version, file }: VersionFile): StepsRun => ({
  key: { run: "r", version, round: 1, direction },
  file,
  checksum: "c",
  failure: "StepFailed",
  limitMinutes: undefined,
  beside,
});
const [first, ...others] = files;
const steps = await beside((session) =>
  runFiles(calls.of(session), ports, [runOf(first), ...others.map(runOf)]),
);
if (!steps) throw new Error("The steps are not done");
process.stdout.write(String(calls.count));
