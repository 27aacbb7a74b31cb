import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compilePlan, loadPlan } from "../../../lib/plan/compile.ts";
import { synthesize } from "../../../local/synthesize.ts";
import { TINY_PLAN } from "../rehearsal.ts";
import { EmbeddedEnvironment } from "./embedded-environment.ts";
import type { Sight } from "./environment.ts";
import type { Fault } from "./faults.ts";
import { type Entry, entries, faultsOf, sampled, statesOf, withFault } from "./matrix.ts";
import { brokenPromises, walkText } from "./promises.ts";
import { type Place, placeText, withRestoreOnly } from "./restore-only.ts";
import { tally, WHOLE } from "./tally.ts";
import { backupIn, type Ground, walk } from "./walk.ts";

/** A sample has about one in so many walks, and fewer of plans that are walked in three ways. */
const SAMPLE = { ordinary: 20, restoreOnly: 90 };

/** Fails every Task state in every possible way, one per walk, with the real tasks on embedded databases. */
export async function singleFailures(
  rehearse: "before" | "inside",
  /** The migration, of three, without a rollback; undefined: two migrations, each with a rollback. */
  place?: Place,
): Promise<void> {
  const tiny = await compilePlan(TINY_PLAN);
  const plan = place === undefined ? tiny : withRestoreOnly(tiny, place);
  const about = placeText(place);
  const backup = backupIn(rehearse, place);
  const definition = await synthesize(plan, { rehearse, backup: { snapshotAfterOpening: true, ...backup } });
  const ground: Ground = { definition, plan, rehearse, backup };
  const wanted = (state: string): Fault[] =>
    faultsOf(ground, state).filter(
      (fault) => WHOLE || sampled(fault, place === undefined ? SAMPLE.ordinary : SAMPLE.restoreOnly, about),
    );

  describe(`one failure, with the rehearsal ${rehearse} the downtime${about}`, () => {
    let found: Map<string, Entry>;
    let before: Sight;
    const counted = tally(`one failure, rehearsal ${rehearse}${about}`);
    beforeAll(async () => {
      const environment = await EmbeddedEnvironment.fromBaseline(await loadPlan(TINY_PLAN));
      before = await environment.look();
      found = await entries(ground, environment, (state) => wanted(state).length > 0);
      await environment.close();
    });
    afterAll(() => counted.print());

    for (const state of statesOf(ground)) {
      const faults = wanted(state);
      if (faults.length === 0) continue;
      test(`"${state}"`, async () => {
        const entry = found.get(state);
        if (!entry) throw new Error(`No walk came to ${state}`);
        for (const fault of faults) {
          const walked = await walk(ground, entry.halt, withFault(entry.faults, fault));
          counted.add(walked.end);
          expect(await brokenPromises(walked, before), walkText(walked)).toEqual([]);
          await walked.environment.close();
        }
      });
    }
  });
}
