import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CompiledPlan, Migration } from "../../../lambdas/shared/plan.ts";
import { compilePlan } from "../../../lib/plan/compile.ts";
import { synthesize } from "../../../local/synthesize.ts";
import { TINY_PLAN } from "../rehearsal.ts";
import type { Environment, Sight } from "./environment.ts";
import { type Fault, faultText } from "./faults.ts";
import { type Entry, entries, faultsOf, kindsOfFaults, sampled, statesOf, withFault } from "./matrix.ts";
import { brokenPromises, walkText } from "./promises.ts";
import { type Place, placeText, restoreOnlyAt } from "./restore-only.ts";
import { StandInEnvironment } from "./stand-in-environment.ts";
import { tally, WHOLE } from "./tally.ts";
import { backupIn, type Ground, type Walked, walk } from "./walk.ts";

/** `npm test` tries about one in so many second failures. */
const SAMPLE = 36;

/** A first migration, a middle one with a gate after it, and a last one. Their SQL never runs. */
function threeMigrations(plan: CompiledPlan): CompiledPlan {
  const [first, second] = plan.migrations as [Migration, Migration];
  const third = { ...second, version: "004", folder: "004_more", unasked: true as const };
  return { ...plan, migrations: [{ ...first, unasked: true }, second, third] };
}

/**
 * Fails every Task state, then every state that the machine enters after that failure: one of each kind of failure that
 * the machine distinguishes. Stand-ins replace the database.
 */
export async function twoFailures(
  rehearse: "before" | "inside",
  /** The migration without a rollback; undefined: all have one. */
  place?: Place,
  /** Production's environment, its name in test titles, and its backup. */
  of: { text: string; environment: () => Environment; backup?: Ground["backup"] } = {
    text: "",
    environment: () => new StandInEnvironment(),
  },
): Promise<void> {
  const three = threeMigrations(await compilePlan(TINY_PLAN));
  const plan = place === undefined ? three : restoreOnlyAt(three, place);
  const about = placeText(place) + of.text;
  const backup = of.backup ?? backupIn(rehearse, place);
  const definition = await synthesize(plan, { rehearse, backup: { snapshotAfterOpening: true, ...backup } });
  const ground: Ground = { definition, plan, rehearse, backup };

  describe(`two failures, with the rehearsal ${rehearse} the downtime${about}`, () => {
    const one = tally(`one failure, on stand-ins, rehearsal ${rehearse}${about}`);
    const two = tally(`two failures, rehearsal ${rehearse}${about}`);
    let found: Map<string, Entry>;
    let before: Sight;
    beforeAll(async () => {
      const environment = of.environment();
      before = await environment.look();
      found = await entries(ground, environment);
    });
    afterAll(() => {
      one.print();
      two.print();
    });

    const keptBy = async (walked: Walked) => {
      const broken = await brokenPromises(walked, before);
      if (broken.length > 0) expect(broken, walkText(walked)).toEqual([]);
    };

    async function secondFailures(failed: string, first: Walked, faults: readonly Fault[]): Promise<void> {
      for (const state of new Set(first.calls)) {
        const halt = first.halts.get(state);
        if (!halt || state === failed) continue;
        for (const fault of kindsOfFaults(ground, state)) {
          if (!WHOLE && !sampled(fault, SAMPLE, failed + about)) continue;
          const walked = await walk(ground, halt, withFault(faults, fault));
          two.add(walked.end);
          await keptBy(walked);
        }
      }
    }

    for (const state of statesOf(ground))
      test(`"${state}" and what follows it`, async () => {
        const entry = found.get(state);
        if (!entry) throw new Error(`No walk came to ${state}`);
        const kinds = new Set(kindsOfFaults(ground, state).map(faultText));
        for (const fault of faultsOf(ground, state)) {
          const goesOn = kinds.has(faultText(fault));
          if (!WHOLE && !goesOn) continue;
          const faults = withFault(entry.faults, fault);
          const walked = await walk(ground, entry.halt, faults, () => goesOn);
          one.add(walked.end);
          await keptBy(walked);
          if (goesOn) await secondFailures(state, walked, faults);
        }
      });
  });
}
