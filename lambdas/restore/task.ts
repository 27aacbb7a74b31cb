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
 * Puts what production was, by the final snapshot or at the moment that was noted, in its place; the former production is
 * kept under another name.
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

/** What production is restored from. */
async function sourceOf(evidence: RunEvidence): Promise<string | MomentDoc> {
  return (await evidence.read(Doc.moment("final"))) ?? snapshotName(evidence.run, "final");
}

// The state machine's own end says nothing of what was waited for.
const BEFORE_THE_LIMIT = 2;

/**
 * Whether it can be restored from by now. Of a moment, once the archived WAL has come so far: that is waited for here
 * alone, where a restore was asked for.
 * @throws SluiceError FleetFailed where it never can
 */
async function isThere(ports: Ports, evidence: RunEvidence, limitMinutes?: number): Promise<boolean> {
  const { instances, clock, progress } = ports;
  // What goes on with a restore has waited already.
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
      `${from.instance} could not be restored to ${words(from.moment.at)}, though it was waited for since ${words(since)}: ${state.statusText} Production stays where it is. See docs/operator-runbook.md, "Restore to the moment by hand".`,
    );
  }
  return false;
}

async function moveAside(ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const { instances, settings, clock } = ports;
  const aside = asideName(settings.instance, evidence.run);
  // Before anything is renamed: a restore of what is not there would leave nothing at all.
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
      `${aside} is another instance than production was: nothing is restored.`,
    );
  ports.progress(`${aside} is ${former.statusText}`);
  // One that is broken, as where its disk is full, is no reason to leave production without its snapshot.
  const broken = former.status === "failed";
  if (!broken && (former.status !== "available" || !former.endpoint)) return RUNNING;
  // Before a second instance has its subscriptions and jobs: the two would compete.
  const tags = runTags(settings, evidence.run, "aside");
  if (!broken && !(await quietenAside(ports, evidence, aside, production, tags))) return RUNNING;
  await evidence.createOnce(Doc.movedAside, {
    at: clock.now().toISOString(),
    endpoint: former.endpoint ?? endpoint,
  });
  return DONE;
}

/** Asks for it, as often as it takes; but of no other instance than production was, whatever has its name by now. */
async function rename(
  { instances, settings: { instance }, clock, progress }: Ports,
  { identity, aside, since }: { identity: string; aside: string; since: string },
): Promise<void> {
  const now = await instances.describe(instance);
  // Between its names an instance may be seen under neither.
  if (!now) return progress(`there is neither ${instance} nor ${aside} to be seen`);
  if (now.identity !== identity)
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${instance} is another instance than production was, and ${aside} is not there: nothing is renamed, nothing restored.`,
    );
  const waited = (clock.now().getTime() - Date.parse(since)) / 1000;
  if (now.status === "failed" && waited > instances.renameSeconds)
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${instance} is ${now.statusText} and is not renamed. See its events in the RDS console; once it has left its name, ${aside} must be what it is called, and its snapshot can be restored.`,
    );
  progress(`${instance} is ${now.statusText}`);
  await instances.startRename(instance, aside);
}

/** Done as soon as it answers: it is proven before it has all of its settings again. */
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

// The application is out meanwhile, and waits for nothing but this.
const REFUSED_MINUTES = 5;
const MINUTES = 30;

/**
 * Gives production, restored and proven, the settings that a restore cannot set. They are no data: what is refused is
 * asked for again for a while, then people hear what is left to do, and production is opened.
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
        // Production is restored, whatever could not be found out about it.
        .catch((error: unknown) => [
          `What stayed with the former instance is not known: ${messageOf(error)}`,
        ])),
      ...(production.findings?.afterRestore ?? []),
    ],
  }));
  return DONE;
}

/** What the fleet says no more of: told to people. All else may pass, and is tried again. */
function unknown(error: unknown): SettingsGiven {
  if (error instanceof SluiceError && error.name === ErrorName.FleetFailed)
    return { changing: false, refused: [error.message], underWay: [] };
  throw error;
}

function missing(instance: string, { changing, refused }: SettingsGiven): string[] {
  return [
    ...refused.map((line) => `Give ${instance} what it was refused: ${line}`),
    ...(changing
      ? [
          `Settings of ${instance} were still being changed after ${MINUTES} minutes: see that it has them all (docs/operator-runbook.md, "Restore by hand on RDS", from 4).`,
        ]
      : []),
  ];
}
