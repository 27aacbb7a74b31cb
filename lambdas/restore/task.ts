import * as z from "zod";
import { momentsOf, noteSeen, refuseFailed } from "../moments/look.ts";
import { Doc, type MomentDoc } from "../shared/documents.ts";
import { ErrorName, messageOf, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { asideName, runTags, snapshotName } from "../shared/names.ts";
import type { Ports, SettingsGiven } from "../shared/ports.ts";
import { quietenAside } from "../shared/quiet.ts";
import { type Answer, DONE, RUNNING, runFields, type Task } from "../shared/task.ts";
import { moment as words } from "../shared/text.ts";
import { ensureRestored } from "./restored-instance.ts";

const event = z.strictObject({ ...runFields, action: z.enum(["await", "aside", "restore", "settings"]) });

/**
 * Puts production back as it was, from the final snapshot or at the noted moment. The former production is kept under
 * another name.
 */
export const restoreTask: Task<z.infer<typeof event>> = {
  name: "restore",
  event,
  async run({ action, limitMinutes }, ports, evidence) {
    switch (action) {
      case "await":
        return (await isThere(ports, evidence, limitMinutes)) ? DONE : RUNNING;
      case "aside":
        return await moveAside(ports, evidence);
      case "restore":
        return await restore(ports, evidence, limitMinutes);
      case "settings":
        return await giveBackSettings(ports, evidence);
    }
  },
};

/** The source that production is restored from. */
async function sourceOf(evidence: RunEvidence): Promise<string | MomentDoc> {
  return (await evidence.read(Doc.moment("final"))) ?? snapshotName(evidence.run, "final");
}

// End before the state machine's timeout, which could not report the reason.
const BEFORE_THE_LIMIT = 2;

/**
 * True if the source can be restored from now. For a moment, that is once the archived WAL has reached it: only a
 * restore waits for that.
 * @throws SluiceError FleetFailed if it never can
 */
async function isThere(ports: Ports, evidence: RunEvidence, limitMinutes?: number): Promise<boolean> {
  const { instances, clock, progress } = ports;
  // A restore that continues has already waited.
  if (await evidence.read(Doc.restore)) return true;
  const from = await sourceOf(evidence);
  if (typeof from === "string") {
    const found = await instances.describeSnapshot(from);
    if (found?.status === "available") return true;
    throw new SluiceError(
      ErrorName.FleetFailed,
      `Snapshot ${from} is ${found?.statusText ?? "missing"}: production stays where it is.`,
    );
  }
  const state = await momentsOf(ports).describe(from);
  refuseFailed(from, state, "Production stays where it is.");
  if (state.status === "available") {
    await noteSeen(state, ports, evidence);
    return true;
  }
  const { at: since } = await evidence.createOnce(Doc.awaiting, { at: clock.now().toISOString() });
  const waited = (clock.now().getTime() - Date.parse(since)) / 60_000;
  progress(`${words(from.moment.at)}: ${state.statusText}`);
  if (limitMinutes !== undefined && waited >= limitMinutes - BEFORE_THE_LIMIT) {
    await noteSeen(state, ports, evidence);
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${from.instance} could not be restored to ${words(from.moment.at)} after waiting since ${words(since)}: ${state.statusText} Production stays where it is. See docs/operator-runbook.md, "Restore to the moment by hand".`,
    );
  }
  return false;
}

async function moveAside(ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const { instances, settings, clock } = ports;
  const aside = asideName(settings.instance, evidence.run);
  // Check before renaming: without its source, a restore would leave no production at all.
  if (!(await isThere(ports, evidence))) return RUNNING;
  const from = await sourceOf(evidence);
  const begun = await evidence.createOnce(Doc.restore, {
    at: clock.now().toISOString(),
    ...(typeof from === "string" ? { snapshot: from } : { moment: from.moment.at }),
    aside,
  });
  const { identity, endpoint, settings: production } = await evidence.require(Doc.production);
  const former = await instances.describe(aside);
  if (!former) {
    await rename(ports, { identity, aside, since: begun.at });
    return RUNNING;
  }
  if (former.identity !== identity)
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${aside} is a different instance from the former production: nothing is restored.`,
    );
  ports.progress(`${aside} is ${former.statusText}`);
  // A broken former instance, for example with a full disk, must not block the restore.
  const broken = former.status === "failed";
  if (!broken && (former.status !== "available" || !former.endpoint)) return RUNNING;
  // Quieten it before a second instance has the same subscriptions and jobs: the two would compete.
  const tags = runTags(settings, evidence.run, "aside");
  if (!broken && !(await quietenAside(ports, evidence, aside, production, tags))) return RUNNING;
  await evidence.createOnce(Doc.movedAside, {
    at: clock.now().toISOString(),
    endpoint: former.endpoint ?? endpoint,
  });
  return DONE;
}

/** Requests the rename, again if needed, but only for the instance that was production. */
async function rename(
  { instances, settings: { instance }, clock, progress }: Ports,
  { identity, aside, since }: { identity: string; aside: string; since: string },
): Promise<void> {
  const now = await instances.describe(instance);
  // During a rename an instance may be visible under neither name.
  if (!now) return progress(`neither ${instance} nor ${aside} is visible`);
  if (now.identity !== identity)
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${instance} is a different instance from the former production, and ${aside} does not exist: nothing is renamed or restored.`,
    );
  const waited = (clock.now().getTime() - Date.parse(since)) / 1000;
  if (now.status === "failed" && waited > instances.renameSeconds)
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${instance} is ${now.statusText} and has not been renamed. See its events in the RDS console. Once it is renamed to ${aside}, its snapshot can be restored.`,
    );
  progress(`${instance} is ${now.statusText}`);
  await instances.startRename(instance, aside);
}

/** Done as soon as the instance answers: it is proven before it has all of its settings. */
async function restore(ports: Ports, evidence: RunEvidence, limitMinutes?: number): Promise<Answer> {
  const production = await evidence.require(Doc.production);
  const begun = await evidence.createOnce(Doc.restoring, { at: ports.clock.now().toISOString() });
  const restored = await ensureRestored(ports, {
    from: await sourceOf(evidence),
    instance: ports.settings.instance,
    like: production.settings,
    purpose: "production",
    tags: { "sluice:run": evidence.run, "sluice:purpose": "production" },
    since: begun.at,
    limitMinutes,
    former: production.identity,
  });
  if (!restored) return RUNNING;
  await evidence.createOnce(Doc.restored, {
    at: ports.clock.now().toISOString(),
    endpoint: restored.endpoint,
  });
  return DONE;
}

// Minutes to keep trying: the application is out and waits only for this.
const REFUSED_MINUTES = 5;
const MINUTES = 30;

/**
 * Gives the restored and proven production the settings that a restore cannot set. They are not data: refused
 * settings are requested again for a while, then reported as work that remains, and production opens.
 */
async function giveBackSettings(ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const { instances, settings, clock, progress } = ports;
  const { instance } = settings;
  const { at: since } = await evidence.createOnce(Doc.handingOver, { at: clock.now().toISOString() });
  const production = await evidence.require(Doc.production);
  const given = await instances.finishRestore(instance, production.settings, "production").catch(unknown);
  const minutes = (clock.now().getTime() - Date.parse(since)) / 60_000;
  const { changing, refused } = given;
  for (const line of refused) progress(`refused: ${line}`);
  if ((changing && minutes < MINUTES) || (refused.length > 0 && minutes < REFUSED_MINUTES)) return RUNNING;
  await evidence.getOrCreate(Doc.handedOver, async () => ({
    at: clock.now().toISOString(),
    handOver: [
      ...missing(instance, given),
      ...given.underWay,
      ...(await instances
        .handOver(asideName(instance, evidence.run), instance)
        // Production is restored even if this cannot be determined.
        .catch((error: unknown) => [`What stayed with the former instance is unknown: ${messageOf(error)}`])),
      ...(production.findings?.afterRestore ?? []),
    ],
  }));
  return DONE;
}

/** Reports a final refusal as work that remains. Any other error may pass, and is tried again. */
function unknown(error: unknown): SettingsGiven {
  if (error instanceof SluiceError && error.name === ErrorName.FleetFailed)
    return { changing: false, refused: [error.message], underWay: [] };
  throw error;
}

function missing(instance: string, { changing, refused }: SettingsGiven): string[] {
  return [
    ...refused.map((line) => `Apply to ${instance} what was refused: ${line}`),
    ...(changing
      ? [
          `Settings of ${instance} were still changing after ${MINUTES} minutes: check that it has them all (docs/operator-runbook.md, "Restore by hand on RDS", from 4).`,
        ]
      : []),
  ];
}
