import type { Databases, Http, Instances } from "../../../lambdas/shared/ports.ts";
import type { Task } from "../../../lambdas/shared/task.ts";
import type { MachineCapability } from "../../../lib/machine/capabilities.ts";

/** Name of the instance in every walk. */
export const PRODUCTION = "production";

/** The visible state of the database in production's place. */
export interface Sight {
  /** Catalog and contents as text, without the ledger. */
  contents: string;
  /** Rights on the database. */
  access: string;
  /** Runs with a claim on it in the ledger. */
  claims: string[];
}

/** The databases and the application of a walk. */
export interface Environment {
  instances: Instances;
  databases: Databases;
  http: Http;
  // biome-ignore lint/suspicious/noExplicitAny: each parses its own event.
  tasks: Readonly<Record<MachineCapability, Task<any>>>;
  /** State of production; while no instance has its name, of the former production. */
  look(): Promise<Sight>;
  instanceNames(): string[];
  snapshots(): string[];
  applicationRuns(): boolean;
  /** Saves everything as it is now. Any number of walks can continue from it. */
  save(): Promise<SavedEnvironment>;
  close(): Promise<void>;
}

export type SavedEnvironment = () => Environment;
