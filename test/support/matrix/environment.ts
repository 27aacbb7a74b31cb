import type { Databases, Http, Instances } from "../../../lambdas/shared/ports.ts";
import type { Task } from "../../../lambdas/shared/task.ts";
import type { MachineCapability } from "../../../lib/machine/capabilities.ts";

/** Name of the instance that every walk is about. */
export const PRODUCTION = "production";

/** What can be seen of the database in production's place. */
export interface Sight {
  /** Catalog and contents, as text; the ledger aside. */
  contents: string;
  /** Who may do what with the database. */
  access: string;
  /** Runs that say of themselves that they are at work on it. */
  claims: string[];
}

/** The databases and the application that a walk is about. */
export interface Environment {
  instances: Instances;
  databases: Databases;
  http: Http;
  // biome-ignore lint/suspicious/noExplicitAny: each parses its own event.
  tasks: Readonly<Record<MachineCapability, Task<any>>>;
  /** Of production; while nothing has its name, of the former one. */
  look(): Promise<Sight>;
  instanceNames(): string[];
  snapshots(): string[];
  applicationRuns(): boolean;
  /** Everything as it is now; to be gone on with any number of times. */
  save(): Promise<SavedEnvironment>;
  close(): Promise<void>;
}

export type SavedEnvironment = () => Environment;
