import { admitTask } from "../lambdas/admit/task.ts";
import { alarmsTask } from "../lambdas/alarms/task.ts";
import { applicationTask } from "../lambdas/application/task.ts";
import { benchmarkTask } from "../lambdas/benchmark/task.ts";
import { cleanUpTask } from "../lambdas/clean-up/task.ts";
import { fenceTask } from "../lambdas/fence/task.ts";
import { gateTask } from "../lambdas/gate/task.ts";
import { migrateTask } from "../lambdas/migrate/task.ts";
import { openingTask } from "../lambdas/opening/task.ts";
import { preflightTask } from "../lambdas/preflight/task.ts";
import { proveTask } from "../lambdas/prove/task.ts";
import { recordTask } from "../lambdas/record/task.ts";
import { reportTask } from "../lambdas/report/task.ts";
import { restoreTask } from "../lambdas/restore/task.ts";
import { rollbackTask } from "../lambdas/rollback/task.ts";
import type { Ports } from "../lambdas/shared/ports.ts";
import { type Answer, invoke, type Task } from "../lambdas/shared/task.ts";
import { snapshotTask } from "../lambdas/snapshot/task.ts";
import { stagingTask } from "../lambdas/staging/task.ts";
import { validateTask } from "../lambdas/validate/task.ts";
import { verifyTask } from "../lambdas/verify/task.ts";
import type { MachineCapability } from "../lib/machine/capabilities.ts";

type Call = (event: unknown, ports: Ports) => Promise<Answer>;

const call =
  <Event>(task: Task<Event>): Call =>
  (event, ports) =>
    invoke(task, event, ports);

/** The same tasks that the Lambda functions serve, by capability. */
export const TASKS: Readonly<Record<MachineCapability, Call>> = {
  admit: call(admitTask),
  preflight: call(preflightTask),
  fence: call(fenceTask),
  record: call(recordTask),
  snapshot: call(snapshotTask),
  staging: call(stagingTask),
  verify: call(verifyTask),
  migrate: call(migrateTask),
  validate: call(validateTask),
  rollback: call(rollbackTask),
  prove: call(proveTask),
  benchmark: call(benchmarkTask),
  gate: call(gateTask),
  application: call(applicationTask),
  alarms: call(alarmsTask),
  restore: call(restoreTask),
  opening: call(openingTask),
  report: call(reportTask),
  "clean-up": call(cleanUpTask),
};
