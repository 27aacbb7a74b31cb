/** Environment variables of the Lambda functions: the constructs set them, the adapters read them, both by these names. */
export const Envar = {
  /** RunSettings as JSON (settings.ts). */
  settings: "SLUICE_SETTINGS",
  /** Bucket of the evidence and the leases. */
  bucket: "SLUICE_BUCKET",
  /** ARN of the topic that asks for decisions. */
  approversTopic: "SLUICE_APPROVERS_TOPIC",
  /** ARN of the topic that is told when nobody decided. */
  escalationTopic: "SLUICE_ESCALATION_TOPIC",
  /** What the watch's schedules call, and by which role; in which group they are. */
  watchFunction: "SLUICE_WATCH_FUNCTION",
  watchRole: "SLUICE_WATCH_ROLE",
  watchGroup: "SLUICE_WATCH_GROUP",
  /** The compiled plan; `plan.json` beside the bundle unless told. */
  planFile: "SLUICE_PLAN_FILE",
} as const;

export type Envar = (typeof Envar)[keyof typeof Envar];

/** File that the compiled plan has in every function's bundle. */
export const PLAN_FILE = "plan.json";

/** @throws Error naming the variable that this function was deployed without. */
export function needEnvar(name: Envar, environment: NodeJS.ProcessEnv = process.env): string {
  const value = environment[name];
  if (!value) throw new Error(`This function was deployed without ${name}: deploy the stack again`);
  return value;
}
