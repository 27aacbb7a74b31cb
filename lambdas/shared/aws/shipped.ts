import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AUTHORITIES_FILE, Envar, PLAN_FILE, requireEnvar, SETTINGS_FILE } from "../envars.ts";
import { type Deployed, deployed } from "../settings.ts";

/** The document of the plan that is deployed. */
export function readPlanDocument(): string {
  return shipped(PLAN_FILE);
}

export function readSettings(): Deployed {
  const settings = JSON.parse(shipped(SETTINGS_FILE)) as { databases: object[] };
  // Of a database that the same app makes, CloudFormation gave the names.
  const names = JSON.parse(process.env[Envar.names] ?? "[]") as (object | undefined)[];
  const databases = settings.databases.map((database, i) => ({ ...database, ...names[i] }));
  return deployed.parse({ ...settings, databases, gateUrl: requireEnvar(Envar.gateUrl) });
}

/** Certificates, as PEM, of who may vouch for a database. */
export function readAuthorities(): string {
  return shipped(AUTHORITIES_FILE);
}

/** A file that the deployment put beside the function's code. */
function shipped(name: string): string {
  return readFileSync(join(process.env.LAMBDA_TASK_ROOT ?? ".", name), "utf8");
}
