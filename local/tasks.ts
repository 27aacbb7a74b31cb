import { admitTask } from "../lambdas/admit/task.ts";
import { aftercareTask } from "../lambdas/aftercare/task.ts";
import { alarmsTask } from "../lambdas/alarms/task.ts";
import { applicationTask } from "../lambdas/application/task.ts";
import { benchmarkTask } from "../lambdas/benchmark/task.ts";
import { cleanUpTask } from "../lambdas/clean-up/task.ts";
import { fenceTask } from "../lambdas/fence/task.ts";
import { gateTask } from "../lambdas/gate/task.ts";
import { migrateTask } from "../lambdas/migrate/task.ts";
import { openingTask } from "../lambdas/opening/task.ts";
import { preflightTask } from "../lambdas/preflight/task.ts";
import { proveTask } from "../lambdas/proof/prove.ts";
import { recordTask } from "../lambdas/proof/record.ts";
import { verifyTask } from "../lambdas/proof/verify.ts";
import { writesTask } from "../lambdas/proof/writes.ts";
import { reportTask } from "../lambdas/report/task.ts";
import { restoreTask } from "../lambdas/restore/task.ts";
import { rollbackTask } from "../lambdas/rollback/task.ts";
import type { Task } from "../lambdas/shared/task.ts";
import { snapshotTask } from "../lambdas/snapshot/task.ts";
import { stagingTask } from "../lambdas/staging/task.ts";
import { validateTask } from "../lambdas/validate/task.ts";
import { watchTask } from "../lambdas/watch/task.ts";
import type { MachineCapability } from "../lib/machine/capabilities.ts";

/** The tasks that the Lambda functions serve, by capability. */
// biome-ignore lint/suspicious/noExplicitAny: each task parses its own event, whose type does not matter here.
export const TASKS: Readonly<Record<MachineCapability, Task<any>>> = {
  admit: admitTask,
  preflight: preflightTask,
  fence: fenceTask,
  record: recordTask,
  snapshot: snapshotTask,
  staging: stagingTask,
  verify: verifyTask,
  migrate: migrateTask,
  validate: validateTask,
  writes: writesTask,
  rollback: rollbackTask,
  prove: proveTask,
  benchmark: benchmarkTask,
  gate: gateTask,
  application: applicationTask,
  alarms: alarmsTask,
  restore: restoreTask,
  opening: openingTask,
  aftercare: aftercareTask,
  watch: watchTask,
  report: reportTask,
  "clean-up": cleanUpTask,
};
