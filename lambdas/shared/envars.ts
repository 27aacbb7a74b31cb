/** Environment variables of the Lambda functions: the constructs set them, the adapters read them, both by these names. */
export const Envar = {
  /** Where gate pages are served: known only once it is deployed, unlike the settings that ship with the code. */
  gateUrl: "SLUICE_GATE_URL",
  /** DeployedNames as JSON, where they are known only once it is deployed. */
  names: "SLUICE_NAMES",
  /** Bucket of the evidence and the leases. */
  bucket: "SLUICE_BUCKET",
  /** Checksum of the plan that a run gets which names none. */
  plan: "SLUICE_PLAN",
  /** ARN of the topic that asks for decisions. */
  approversTopic: "SLUICE_APPROVERS_TOPIC",
  /** ARN of the topic that is told when nobody decided. */
  escalationTopic: "SLUICE_ESCALATION_TOPIC",
  /** What the watch's schedules call, and by which role; in which group they are. */
  watchFunction: "SLUICE_WATCH_FUNCTION",
  watchRole: "SLUICE_WATCH_ROLE",
  watchGroup: "SLUICE_WATCH_GROUP",
  /** ARN of the role that RDS writes exports with. */
  exportRole: "SLUICE_EXPORT_ROLE",
} as const;

export type Envar = (typeof Envar)[keyof typeof Envar];

// What every function has beside its code. Not in the environment, which Lambda holds to 4 KB: a plan does not fit, and
// a list of alarms or contacts may not.
/** The document of the plan that is deployed; beside the one function that stores it. */
export const PLAN_FILE = "plan.json";
/** RunSettings as JSON, without the gates' address. */
export const SETTINGS_FILE = "settings.json";
/** Certificates, as PEM, of who may vouch for a database. */
export const AUTHORITIES_FILE = "ca.pem";

/** @throws Error naming the variable that this function was deployed without. */
export function requireEnvar(name: Envar, environment: NodeJS.ProcessEnv = process.env): string {
  const value = environment[name];
  if (!value) throw new Error(`This function was deployed without ${name}: deploy the stack again`);
  return value;
}
