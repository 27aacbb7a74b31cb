/** The folders under lambdas/ that the state machines call; each is one Lambda function. */
export const MACHINE_CAPABILITIES = [
  "admit",
  "preflight",
  "fence",
  "record",
  "snapshot",
  "writes",
  "staging",
  "verify",
  "migrate",
  "validate",
  "rollback",
  "prove",
  "benchmark",
  "gate",
  "application",
  "alarms",
  "restore",
  "opening",
  "aftercare",
  "watch",
  "report",
  "clean-up",
] as const;

export type MachineCapability = (typeof MACHINE_CAPABILITIES)[number];
