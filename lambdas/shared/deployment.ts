/** Environment variables of the Lambda functions. The constructs set them and the adapters read them. */
export const Envar = {
  /** Address of the gate pages. Known only after deployment, unlike the settings that ship with the code. */
  gateUrl: "SLUICE_GATE_URL",
  /** DeployedNames as JSON, where the names are known only after deployment. */
  names: "SLUICE_NAMES",
  /** Bucket of the evidence and the leases. */
  bucket: "SLUICE_BUCKET",
  /** Checksum of the default plan, for runs whose input names no plan. */
  plan: "SLUICE_PLAN",
  /** ARN of the topic for the approvers' messages. */
  approversTopic: "SLUICE_APPROVERS_TOPIC",
  /** ARN of the topic for the escalation contacts' messages. */
  escalationTopic: "SLUICE_ESCALATION_TOPIC",
  /** ARNs of the function that the watch's schedules call and of their role; name of their schedule group. */
  watchFunction: "SLUICE_WATCH_FUNCTION",
  watchRole: "SLUICE_WATCH_ROLE",
  watchGroup: "SLUICE_WATCH_GROUP",
  /** ARN of the role that RDS writes exports with. */
  exportRole: "SLUICE_EXPORT_ROLE",
} as const;

export type Envar = (typeof Envar)[keyof typeof Envar];

// Files beside each function's code. Lambda limits environment variables to 4 KB: a plan is larger, and a list of alarms
// or contacts may be.
/** The deployed plan's document; present beside the one function that stores it. */
export const PLAN_FILE = "plan.json";
/** Settings of the deployment as JSON, without the address of the gate pages. */
export const SETTINGS_FILE = "settings.json";
/** PEM certificates of the authorities that database certificates are verified against. */
export const AUTHORITIES_FILE = "ca.pem";

/** @throws Error naming the variable that is missing in this function's environment. */
export function requireEnvar(name: Envar, environment: NodeJS.ProcessEnv = process.env): string {
  const value = environment[name];
  if (!value) throw new Error(`This function was deployed without ${name}: deploy the stack again`);
  return value;
}

/** Event that only keeps a function warm. */
export const PING = { ping: true } as const;

export function isPing(event: unknown): boolean {
  return typeof event === "object" && event !== null && "ping" in event && event.ping === PING.ping;
}
