import { Doc, type HandedOverDoc, type ProductionDoc } from "../shared/documents.ts";
import { ErrorName, messageOf, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { asideName } from "../shared/names.ts";
import type { Ports, SettingsGiven } from "../shared/ports.ts";
import { type Answer, DONE, RUNNING } from "../shared/task.ts";

// The application is out meanwhile, and waits for nothing but this.
const REFUSED_MINUTES = 5;
const MINUTES = 30;

/**
 * Gives production, restored and proven, the settings that a restore cannot set. They are no data: what is refused is
 * asked for again for a while, then people hear what is left to do, and production is opened.
 */
export async function giveBackSettings(ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const { fleet, settings, clock, progress } = ports;
  const { instance } = settings;
  const { at: since } = await evidence.keep(Doc.handingOver, { at: clock.now().toISOString() });
  const production = await evidence.need<ProductionDoc>(Doc.production);
  const given = await fleet.finishRestore(instance, production.settings, "production").catch(unknown);
  const minutes = (clock.now().getTime() - Date.parse(since)) / 60_000;
  const { changing, refused } = given;
  for (const line of refused) progress(`refused: ${line}`);
  if ((changing && minutes < MINUTES) || (refused.length > 0 && minutes < REFUSED_MINUTES)) return RUNNING;
  await evidence.once<HandedOverDoc>(Doc.handedOver, async () => ({
    at: clock.now().toISOString(),
    handOver: [
      ...missing(instance, given),
      ...given.underWay,
      ...(await fleet
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
