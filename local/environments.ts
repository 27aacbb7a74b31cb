import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { disarmMappings, outsideAllowed } from "../lambdas/fence/disarm.ts";
import { asideName, momentName, snapshotName } from "../lambdas/shared/names.ts";
import { Pooled } from "../lambdas/shared/pg-session.ts";
import { type CompiledPlan, neededExtensions } from "../lambdas/shared/plan.ts";
import type { Databases, Endpoint, Instance, Instances } from "../lambdas/shared/ports.ts";
import type { RunSettings } from "../lambdas/shared/settings.ts";
import type { LoadedPlan, LocalPlan } from "../lib/plan/compile.ts";
import { LOCAL_OWNER } from "../lib/plan/schema.ts";
import { startApplication } from "./application.ts";
import { needPrograms } from "./copies/dump.ts";
import { PhysicalInstances } from "./copies/physical-instances.ts";
import { EmbeddedInstances } from "./embedded-instances.ts";
import { type RehearseOptions, UsageError } from "./events.ts";
import { OWN_FOLDER } from "./evidence-folder.ts";
import { type Address, addressIn } from "./server/address.ts";
import { ServerInstances } from "./server-instances.ts";
import { serverChanges } from "./server-state.ts";

/** The databases of a local run. */
export interface Environment {
  instances: Instances;
  databases: Databases;
  /** The database that production is a copy of; null: the plan's baseline; absent: production is the database itself. */
  copyOf?: string | null;
  /** How the database was copied, if not by its own server. */
  copies?: NonNullable<RunSettings["copies"]>;
  /** Production's instance name. */
  instance: string;
  database: string;
  applicationUrl: string | undefined;
  /** Folder of the leases of these databases; undefined if no other process can reach them. */
  leases: string | undefined;
  /** What changed on the server itself since the run began; absent if the server belongs to the run. */
  changedServer?(): Promise<string[]>;
  /** Removes what the run made, and returns what it leaves on purpose. */
  close(): Promise<string[]>;
}

/** The start of a plan without a baseline: an empty database. */
const NO_BASELINE: LocalPlan = { owner: LOCAL_OWNER, baseline: [], application: undefined };

/** Production made from the plan's baseline, in process. */
export async function embeddedEnvironment(
  { plan, local }: LoadedPlan,
  instance: string = "production",
): Promise<Environment> {
  const { owner, baseline, application: standIn } = local ?? NO_BASELINE;
  const instances = new EmbeddedInstances(owner);
  await instances.createFromBaseline(instance, baseline, neededExtensions(plan));
  const application = standIn
    ? await startApplication(
        standIn,
        (role, work) => instances.withApplicationSession(instance, role, work),
        (role, work) => instances.withRole(instance, role, work),
      )
    : undefined;
  return {
    instances,
    databases: instances,
    instance,
    database: "postgres",
    copyOf: null,
    applicationUrl: application?.url,
    leases: undefined,
    async close() {
      await application?.close();
      await instances.close();
      return [];
    },
  };
}

/** Copies are on the given database's own server, so changes to roles there are real. */
async function refuseServerWide(plan: CompiledPlan): Promise<void> {
  const { serverWide } = await import("../lib/plan/server-wide.ts");
  const found = await serverWide(plan);
  if (found.length === 0) return;
  const lines = found.slice(0, 10).map(({ path, line, does }) => `- ${path}:${line} ${does}`);
  const more = found.length > 10 ? [`- and ${found.length - 10} more`] : [];
  throw new UsageError(
    [
      "The plan changes the server itself, and with --database-url the rehearsal's copies are on the real one:",
      ...lines,
      ...more,
      "Nothing was touched. Do this by hand before the run and remove it from the plan, or rehearse without --database-url. On AWS staging is a separate server.",
    ].join("\n"),
  );
}

/**
 * A database on a server. Without `apply` a copy of it plays production and is dropped at the end: the database itself
 * is only read.
 * @param copyName of the copy that plays production; of the run's own unless given
 */
export async function serverEnvironment(
  options: RehearseOptions & { databaseUrl: string },
  run: string,
  { plan }: LoadedPlan,
  copyName: string = nameOfCopy(run),
): Promise<Environment> {
  const { databaseUrl, apply, copy } = options;
  const address = addressIn(databaseUrl);
  if (copy === "physical") return await physicalEnvironment(address, copyName, plan);
  await refuseServerWide(plan);
  const given = address.database;
  const instances = new ServerInstances(
    address,
    apply ? given : undefined,
    copy === "dump" ? given : undefined,
  );
  if (!(await describedByServer(instances, given)))
    throw new UsageError(`There is no database ${given} on that server.`);
  // Checked before any question: otherwise a snapshot may be the first to need them.
  if (copy === "dump") await needPrograms(address);
  await instances.dropLetGo();
  const unlock = apply ? await instances.lock(given) : async () => undefined;
  if (!unlock)
    throw new UsageError(
      `Another run is at work on ${given}. Wait until it has ended, or stop it, and start again.`,
    );
  const instance = apply ? given : copyName;
  const notes = apply ? [] : await instances.copy(given, instance);
  if (!apply)
    try {
      await keepFromOutside(instances, { host: instance, port: 0 }, plan);
    } catch (error) {
      await instances.drop(instance);
      throw error;
    }
  const backups = [
    { name: snapshotName(run, "final"), what: "is the snapshot from before the migration" },
    { name: momentName(run, "final"), what: "is the database's state from before the migration" },
    { name: snapshotName(run, "kept"), what: "is the snapshot from after the opening" },
  ];
  const server = await instances.state(given);
  const aside = asideName(instance, run);
  return {
    instances,
    databases: instances,
    instance,
    database: instance,
    ...(apply ? {} : { copyOf: given }),
    ...(copy === "dump" ? { copies: { how: copy, notes } } : {}),
    applicationUrl: undefined,
    leases: resolve(OWN_FOLDER, "leases", `${address.host}:${address.port}`.replace(/[^\w.-]/g, "_")),
    changedServer: async () => serverChanges(server, await instances.state(given)),
    async close() {
      await instances.close();
      await unlock();
      for (const name of [snapshotName(run, "rehearsal"), momentName(run, "rehearsal")])
        await instances.drop(name);
      await instances.dropLetGo();
      if (apply) {
        const kept = [];
        for (const { name, what } of backups)
          if (await instances.describeSnapshot(name))
            kept.push(`Database ${name} ${what}. Drop it when you no longer need it.`);
        if (await instances.describe(aside))
          kept.push(`Database ${aside} is the former ${given}. Drop it when you no longer need it.`);
        return kept;
      }
      for (const database of [...backups.map(({ name }) => name), aside, instance])
        await instances.drop(database);
      return [];
    },
  };
}

/** Keeps the copy that serves as production from reaching outside; staging is a copy of it. */
async function keepFromOutside(databases: Databases, endpoint: Endpoint, plan: CompiledPlan): Promise<void> {
  if (outsideAllowed(plan).length === 0)
    await databases.withSession(endpoint, (session) => disarmMappings(session));
}

const nameOfCopy = (run: string): string =>
  `sluice-production-${createHash("sha256").update(run).digest("hex").slice(0, 12)}`;

/** A copy of a whole server on this machine: what is done there, to roles too, is done to no real one. */
async function physicalEnvironment(
  address: Address,
  instance: string,
  plan: CompiledPlan,
): Promise<Environment> {
  const instances = await PhysicalInstances.at(address);
  try {
    const notes = await instances.copy(instance);
    const endpoint = (await instances.describe(instance))?.endpoint;
    if (endpoint) await keepFromOutside(instances, endpoint, plan);
    return {
      instances,
      databases: instances,
      instance,
      database: address.database,
      copyOf: address.database,
      copies: { how: "physical", notes },
      applicationUrl: undefined,
      leases: undefined,
      async close() {
        await instances.close();
        return [];
      },
    };
  } catch (error) {
    await instances.close();
    throw error;
  }
}

/** @throws UsageError if a pooler answers: its sessions are shared, so locks in them would protect nothing. */
async function describedByServer(
  instances: ServerInstances,
  database: string,
): Promise<Instance | undefined> {
  try {
    return await instances.describe(database);
  } catch (error) {
    if (error instanceof Pooled) throw new UsageError(error.message);
    throw error;
  }
}
