import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compilePlan } from "../../../lib/plan/compile.ts";
import { synthesize } from "../../../local/synthesize.ts";
import type { Fault } from "../../support/matrix/faults.ts";
import {
  type Entry,
  entries,
  faultsOf,
  kindsOfFaults,
  sampled,
  withFault,
} from "../../support/matrix/matrix.ts";
import { brokenPromises, walkText } from "../../support/matrix/promises.ts";
import { StandInWorld } from "../../support/matrix/stand-in-world.ts";
import { tally, WHOLE } from "../../support/matrix/tally.ts";
import { type Ground, type Walked, walk } from "../../support/matrix/walk.ts";
import type { Sight } from "../../support/matrix/world.ts";
import { TINY_PLAN } from "../../support/rehearsal.ts";

/** Of the second failures, about one in so many in `npm test`. */
const SAMPLE = 12;

const plan = await compilePlan(TINY_PLAN);

// A state fails, and so does any that the machine enters because of it. A stand-in takes the database's place.
describe.each(["before", "inside"] as const)(
  "two failures, with the rehearsal %s the downtime",
  async (rehearse) => {
    const definition = await synthesize(plan, { rehearse });
    const ground: Ground = { definition, plan, rehearse };
    const [one, two] = [
      tally(`one failure, stand-ins, rehearsal ${rehearse}`),
      tally(`two failures, rehearsal ${rehearse}`),
    ];
    let found: Map<string, Entry>;
    let before: Sight;
    beforeAll(async () => {
      const world = new StandInWorld();
      before = await world.look();
      found = await entries(ground, world);
    });
    afterAll(() => {
      one.print();
      two.print();
    });

    /** The second failures that follow on this walk's. */
    async function secondFailures(first: Walked, faults: readonly Fault[]): Promise<void> {
      const [failed] = first.calls;
      for (const state of new Set(first.calls)) {
        const halt = first.halts.get(state);
        if (!halt || state === failed) continue;
        for (const fault of kindsOfFaults(ground, state)) {
          if (!WHOLE && !sampled(fault, SAMPLE, String(failed))) continue;
          const walked = await walk(ground, halt, withFault(faults, fault));
          two.add(walked.end);
          const broken = await brokenPromises(walked, before);
          if (broken.length > 0) expect(broken, walkText(walked)).toEqual([]);
        }
      }
    }

    for (const state of definition.capabilities.keys())
      test(`"${state}" and what follows it`, async () => {
        const entry = found.get(state);
        if (!entry) throw new Error(`No walk came to ${state}`);
        const kinds = kindsOfFaults(ground, state);
        for (const fault of faultsOf(ground, state)) {
          const faults = withFault(entry.faults, fault);
          const goesOn =
            kinds.includes(fault) || kinds.some((kind) => JSON.stringify(kind) === JSON.stringify(fault));
          const walked = await walk(ground, entry.halt, faults, () => goesOn);
          one.add(walked.end);
          expect(await brokenPromises(walked, before), walkText(walked)).toEqual([]);
          if (goesOn) await secondFailures(walked, faults);
        }
      });
  },
);
