/** How a function is served: its task's module and name, and the ports that only some tasks need. */
export interface Handler {
  /** In this folder. */
  module: string;
  task: string;
  /** It calls RDS. Only these functions carry RDS's client and adapters. */
  rds?: true;
  /** It publishes metrics. */
  metrics?: true;
}

/** Handlers of the functions that the state machines call. The bundler makes an entry point for each. */
export const HANDLERS = {
  admit: { module: "admit/task.ts", task: "admitTask", rds: true },
  aftercare: { module: "aftercare/task.ts", task: "aftercareTask", rds: true },
  alarms: { module: "alarms/task.ts", task: "alarmsTask" },
  application: { module: "application/task.ts", task: "applicationTask" },
  benchmark: { module: "benchmark/task.ts", task: "benchmarkTask" },
  "clean-up": { module: "clean-up/task.ts", task: "cleanUpTask" },
  fence: { module: "fence/task.ts", task: "fenceTask" },
  gate: { module: "gate/task.ts", task: "gateTask" },
  migrate: { module: "migrate/task.ts", task: "migrateTask" },
  opening: { module: "opening/task.ts", task: "openingTask" },
  preflight: { module: "preflight/task.ts", task: "preflightTask" },
  prove: { module: "proof/prove.ts", task: "proveTask" },
  record: { module: "proof/record.ts", task: "recordTask" },
  report: { module: "report/task.ts", task: "reportTask" },
  restore: { module: "restore/task.ts", task: "restoreTask", rds: true },
  rollback: { module: "rollback/task.ts", task: "rollbackTask", rds: true },
  snapshot: { module: "snapshot/task.ts", task: "snapshotTask", rds: true },
  staging: { module: "staging/task.ts", task: "stagingTask", rds: true },
  validate: { module: "validate/task.ts", task: "validateTask" },
  verify: { module: "proof/verify.ts", task: "verifyTask" },
  watch: { module: "watch/task.ts", task: "watchTask", metrics: true },
  writes: { module: "proof/writes.ts", task: "writesTask" },
} as const satisfies Readonly<Record<string, Handler>>;

/**
 * The entry point of one function, as TypeScript.
 * @param folder this folder, as the imports name it
 */
export function entryPoint({ module, task, rds, metrics }: Handler, folder: string): string {
  const imports = [
    `import { serve } from "${folder}/shared/aws/serve.ts";`,
    `import { ${task} } from "${folder}/${module}";`,
  ];
  const ports = [];
  if (rds) {
    imports.push(`import { rdsOf } from "${folder}/shared/aws/rds.ts";`);
    ports.push("rds: rdsOf");
  }
  if (metrics) {
    imports.push(`import { EmbeddedMetrics } from "${folder}/shared/aws/embedded-metrics.ts";`);
    ports.push("metrics: (label) => new EmbeddedMetrics(label)");
  }
  return `${imports.join("\n")}\nexport const handler = serve(${task}, { ${ports.join(", ")} });\n`;
}
