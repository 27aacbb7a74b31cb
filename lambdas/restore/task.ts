import * as z from "zod";
import {
  Doc,
  type MovedAsideDoc,
  type ProductionDoc,
  type RestoreDoc,
  type RestoredDoc,
} from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { asideName, snapshotName } from "../shared/names.ts";
import type { Ports } from "../shared/ports.ts";
import { quietenAside } from "../shared/quiet.ts";
import { ensureRestored } from "../shared/restored-instance.ts";
import { runTags } from "../shared/run-tags.ts";
import { type Answer, DONE, RUNNING, runFields, type Task } from "../shared/task.ts";
import { giveBackSettings } from "./settings.ts";

const event = z.strictObject({ ...runFields, action: z.enum(["aside", "restore", "settings"]) });

/** Puts the final snapshot in production's place; the former production is kept under another name. */
export const restoreTask: Task<z.infer<typeof event>> = {
  name: "restore",
  event,
  async run({ action, limitMinutes }, ports, evidence) {
    switch (action) {
      case "aside":
        return await moveAside(ports, evidence);
      case "restore":
        return await restore(ports, evidence, limitMinutes);
      case "settings":
        return await giveBackSettings(ports, evidence);
    }
  },
};

async function moveAside(ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const { fleet, settings, clock } = ports;
  const aside = asideName(settings.instance, evidence.run);
  const snapshot = snapshotName(evidence.run, "final");
  // Before anything is renamed: a restore without a snapshot would leave nothing at all.
  const found = await fleet.describeSnapshot(snapshot);
  if (found?.status !== "available")
    throw new SluiceError(
      ErrorName.FleetFailed,
      `Snapshot ${snapshot} is ${found?.statusText ?? "missing"}: production stays where it is.`,
    );
  const begun = await evidence.keep<RestoreDoc>(Doc.restore, {
    at: clock.now().toISOString(),
    snapshot,
    aside,
  });
  const { identity, endpoint, settings: production } = await evidence.need<ProductionDoc>(Doc.production);
  const former = await fleet.describe(aside);
  if (!former) {
    await rename(ports, { identity, aside, since: begun.at });
    return RUNNING;
  }
  if (former.identity !== identity)
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${aside} is another instance than production was: nothing is restored.`,
    );
  ports.progress(`${aside} is ${former.statusText}`);
  // One that is broken, as where its disk is full, is no reason to leave production without its snapshot.
  const broken = former.status === "failed";
  if (!broken && (former.status !== "available" || !former.endpoint)) return RUNNING;
  // Before a second instance has its subscriptions and jobs: the two would compete.
  const tags = runTags(settings, evidence.run, "aside");
  if (!broken && !(await quietenAside(ports, evidence, aside, production, tags))) return RUNNING;
  await evidence.keep<MovedAsideDoc>(Doc.movedAside, {
    at: clock.now().toISOString(),
    endpoint: former.endpoint ?? endpoint,
  });
  return DONE;
}

/** Asks for it, as often as it takes; but of no other instance than production was, whatever has its name by now. */
async function rename(
  { fleet, settings: { instance }, clock, progress }: Ports,
  { identity, aside, since }: { identity: string; aside: string; since: string },
): Promise<void> {
  const now = await fleet.describe(instance);
  // Between its names an instance may be seen under neither.
  if (!now) return progress(`there is neither ${instance} nor ${aside} to be seen`);
  if (now.identity !== identity)
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${instance} is another instance than production was, and ${aside} is not there: nothing is renamed, nothing restored.`,
    );
  const waited = (clock.now().getTime() - Date.parse(since)) / 1000;
  if (now.status === "failed" && waited > fleet.renameSeconds)
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${instance} is ${now.statusText} and is not renamed. See its events in the RDS console; once it has left its name, ${aside} must be what it is called, and its snapshot can be restored.`,
    );
  progress(`${instance} is ${now.statusText}`);
  await fleet.startRename(instance, aside);
}

/** Done as soon as it answers: it is proven before it has all of its settings again. */
async function restore(ports: Ports, evidence: RunEvidence, limitMinutes?: number): Promise<Answer> {
  const production = await evidence.need<ProductionDoc>(Doc.production);
  const begun = await evidence.keep(Doc.restoring, { at: ports.clock.now().toISOString() });
  const restored = await ensureRestored(ports, {
    snapshot: snapshotName(evidence.run, "final"),
    instance: ports.settings.instance,
    like: production.settings,
    purpose: "production",
    tags: { "sluice:run": evidence.run, "sluice:purpose": "production" },
    since: begun.at,
    limitMinutes,
    former: production.identity,
  });
  if (!restored) return RUNNING;
  await evidence.keep<RestoredDoc>(Doc.restored, {
    at: ports.clock.now().toISOString(),
    endpoint: restored.endpoint,
  });
  return DONE;
}
