import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AUTHORITIES_FILE, Envar, PLAN_FILE, requireEnvar, SETTINGS_FILE } from "../deployment.ts";
import type { Choice } from "../ports.ts";
import { type Deployed, deployed, type RunSettings, settingsOf } from "../settings.ts";
import { lazily } from "./runtime.ts";

/** Reads the deployed plan's document. */
export function readPlanDocument(): string {
  return shipped(PLAN_FILE);
}

export function readSettings(): Deployed {
  const settings = JSON.parse(shipped(SETTINGS_FILE)) as { databases: object[] };
  // For a database in the same app, CloudFormation provides the names at deployment.
  const names = JSON.parse(process.env[Envar.names] ?? "[]") as (object | undefined)[];
  const databases = settings.databases.map((database, i) => ({ ...database, ...names[i] }));
  return deployed.parse({ ...settings, databases, gateUrl: requireEnvar(Envar.gateUrl) });
}

/** The settings, read at first use. */
export const deployedSettings = lazily(() => readSettings());

/** The databases of the deployment: a run is bound to one of them. */
export function choiceOfDatabase<T>(of: (settings: RunSettings) => T): Choice<T> {
  return {
    get list() {
      return deployedSettings().databases;
    },
    settingsOf: (database) => settingsOf(deployedSettings(), database),
    of,
  };
}

/** Reads the PEM certificates of the authorities that database certificates are verified against. */
export function readAuthorities(): string {
  return shipped(AUTHORITIES_FILE);
}

/** A file that the deployment put beside the function's code. */
function shipped(name: string): string {
  return readFileSync(join(process.env.LAMBDA_TASK_ROOT ?? ".", name), "utf8");
}
