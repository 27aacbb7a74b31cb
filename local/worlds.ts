import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { asideName, snapshotName } from "../lambdas/shared/names.ts";
import { Pooled } from "../lambdas/shared/pg-session.ts";
import type { DatabaseFleet, Databases, Instance } from "../lambdas/shared/ports.ts";
import type { LoadedPlan } from "../lib/plan/compile.ts";
import { startApplication } from "./application.ts";
import { EmbeddedFleet } from "./embedded-fleet.ts";
import { type RehearseOptions, UsageError } from "./events.ts";
import { addressIn } from "./server/address.ts";
import { ServerFleet } from "./server-fleet.ts";

/** The databases that a local run works on. */
export interface World {
  fleet: DatabaseFleet;
  databases: Databases;
  /** Production's name in the fleet. */
  instance: string;
  database: string;
  applicationUrl: string | undefined;
  /** Folder of the leases of these databases; none where no other process can reach them. */
  leases: string | undefined;
  /** Removes what the run made, and says what it leaves on purpose. */
  close(): Promise<string[]>;
}

/** Production made from the plan's baseline, in process. */
export async function embeddedWorld({ plan, local }: LoadedPlan): Promise<World> {
  if (!local)
    throw new UsageError(
      `The plan ${plan.name} has no local baseline ("local" in plan.yaml). Give it one, or a --database-url.`,
    );
  const fleet = new EmbeddedFleet(local.owner);
  const instance = "production";
  await fleet.createFromBaseline(
    instance,
    local.baseline,
    plan.extensions.map(({ name }) => name),
  );
  const application = local.application
    ? await startApplication(local.application, (role, work) =>
        fleet.withApplicationSession(instance, role, work),
      )
    : undefined;
  return {
    fleet,
    databases: fleet,
    instance,
    database: "postgres",
    applicationUrl: application?.url,
    leases: undefined,
    async close() {
      await application?.close();
      await fleet.close();
      return [];
    },
  };
}

/**
 * A database on a server. Without `apply` a copy of it plays production and is dropped at the end: the database itself
 * is only read.
 */
export async function serverWorld(
  options: RehearseOptions & { databaseUrl: string },
  run: string,
): Promise<World> {
  const { databaseUrl, apply } = options;
  const address = addressIn(databaseUrl);
  const given = address.database;
  const fleet = new ServerFleet(address, apply ? given : undefined);
  if (!(await describedByServer(fleet, given)))
    throw new UsageError(`There is no database ${given} on that server.`);
  const unlock = apply ? await fleet.lock(given) : async () => undefined;
  if (!unlock)
    throw new UsageError(
      `Another run is at work on ${given}. Wait until it has ended, or stop it, and start again.`,
    );
  const instance = apply
    ? given
    : `sluice-production-${createHash("sha256").update(run).digest("hex").slice(0, 12)}`;
  if (!apply) await fleet.copy(given, instance);
  const finalSnapshot = snapshotName(run, "final");
  const aside = asideName(instance, run);
  return {
    fleet,
    databases: fleet,
    instance,
    database: instance,
    applicationUrl: undefined,
    leases: resolve(".sluice/leases", `${address.host}:${address.port}`.replace(/[^\w.-]/g, "_")),
    async close() {
      await unlock();
      await fleet.deleteSnapshot(snapshotName(run, "rehearsal"));
      if (apply) {
        const kept = [];
        if (await fleet.describeSnapshot(finalSnapshot))
          kept.push(
            `Database ${finalSnapshot} is the snapshot taken before the migration. Drop it when you no longer need it.`,
          );
        if (await fleet.describe(aside))
          kept.push(`Database ${aside} is the former ${given}. Drop it when you no longer need it.`);
        return kept;
      }
      for (const database of [finalSnapshot, aside, instance]) await fleet.startDelete(database);
      return [];
    },
  };
}

/** @throws UsageError where a pooler answers: its sessions are anybody's, and locks in them keep nobody out. */
async function describedByServer(fleet: ServerFleet, database: string): Promise<Instance | undefined> {
  try {
    return await fleet.describe(database);
  } catch (error) {
    if (error instanceof Pooled) throw new UsageError(error.message);
    throw error;
  }
}
