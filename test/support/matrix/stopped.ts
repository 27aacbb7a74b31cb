import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLOSING_BEGINS, OPENING_BEGINS } from "../../../lambdas/clean-up/task.ts";
import type { End } from "../../../lambdas/shared/documents.ts";
import { ErrorName } from "../../../lambdas/shared/errors.ts";
import { compilePlan, loadPlan } from "../../../lib/plan/compile.ts";
import { definitionOf } from "../../../local/definition.ts";
import { templateOf } from "../../../local/synthesize.ts";
import { TINY_PLAN } from "../rehearsal.ts";
import { EmbeddedEnvironment } from "./embedded-environment.ts";
import type { Sight } from "./environment.ts";
import { type Fault, fails } from "./faults.ts";
import { sampled } from "./matrix.ts";
import { brokenPromises, walkText } from "./promises.ts";
import { type Place, placeText, withRestoreOnly } from "./restore-only.ts";
import { tally, WHOLE } from "./tally.ts";
import { EXECUTION, type Ground, type Halt, RUN, type Walked, walk } from "./walk.ts";

const CLEAN_UP = "arn:aws:states:eu-central-1:123456789012:execution:clean-up:1";

/** A sample stops a run at about one in so many states. */
const SAMPLE = 36;
/** Always in the sample: it takes longest of all states after the end is known. */
const LONG = "Delete staging";

interface Way {
  name: string;
  end: End;
  /** The state at which it leaves the way to success; the first way goes all the way. */
  from?: string;
  faults: readonly Fault[];
}

/** Stops runs of every end at every Task state, and walks through the clean-up with the real tasks. */
export async function stoppedRuns(
  rehearse: "before" | "inside",
  /** The migration, of three, without a rollback; undefined: two migrations, each with a rollback. */
  place?: Place,
): Promise<void> {
  const tiny = await compilePlan(TINY_PLAN);
  const plan = place === undefined ? tiny : withRestoreOnly(tiny, place);
  const template = await templateOf(plan, { rehearse });
  const run: Ground = { definition: definitionOf(template), plan, rehearse };
  const cleanUp: Ground = { ...run, definition: definitionOf(template, "clean-up"), execution: CLEAN_UP };

  const rehearsal = "Gate: rehearsal";
  const open = "Gate: open";
  const smoke = "Smoke-test the application";
  const [newest] = [...plan.migrations].reverse();
  const back: Fault[] = [fails(smoke, ErrorName.SmokeTestFailed), { state: "Gate: keep", kind: "no" }];
  const stuck: Fault[] = [...back, fails(`Roll back ${newest?.version}`, ErrorName.RollbackFailed)];
  const declined: Fault[] = [...stuck, { state: "Gate: restore", kind: "no" }];
  const wayBack = place === undefined ? "RolledBack" : "Restored";
  const ways: Way[] = [
    { name: "a success", end: "Succeeded", faults: [] },
    { name: "a refusal", end: "Refused", from: rehearsal, faults: [{ state: rehearsal, kind: "no" }] },
    { name: "a way back", end: wayBack, from: open, faults: [{ state: open, kind: "no" }] },
    { name: "a way back after the opening", end: wayBack, from: smoke, faults: back },
    { name: "a restore", end: "Restored", from: smoke, faults: stuck },
    { name: "a restore that is declined", end: "NeedsOperator", from: smoke, faults: declined },
  ];
  const about = placeText(place);

  describe(`a run that is stopped, with the rehearsal ${rehearse} the downtime${about}`, () => {
    const counted = tally(`stopped, rehearsal ${rehearse}${about}`);
    let before: Sight;
    let success: Walked;
    beforeAll(async () => {
      const environment = await EmbeddedEnvironment.fromBaseline(await loadPlan(TINY_PLAN));
      before = await environment.look();
      const leaves = ways.map(({ from }) => from);
      success = await walk(
        run,
        { environment },
        [],
        (state) => leaves.includes(state) || wanted(state, "a success"),
      );
    });
    afterAll(() => counted.print());

    test.each(ways)("on its way to $name is cleaned up after, wherever it was", async (way) => {
      const { name, end, from, faults } = way;
      const start = from === undefined ? undefined : success.halts.get(from);
      const walked = start ? await walk(run, start, faults, (state) => wanted(state, name)) : success;
      expect(walked.end).toBe(end);
      for (const [state, halt] of walked.halts) {
        if (!wanted(state, name)) continue;
        const cleaned = await walk(cleanUp, stoppedAt(halt), faults);
        const ended = cleaned.outcome?.end;
        counted.add(String(ended));
        // Without anything to clean up, check the run's own end.
        const seen = { ...cleaned, ...(ended === cleaned.end ? {} : cleaned.outcome) };
        const text = `stopped at "${state}": ${walkText(cleaned)}`;
        expect(await brokenPromises(seen, before), text).toEqual([]);
        const only = onlyEnd(walked, state);
        if (only) expect(ended, text).toBe(only);
        await cleaned.environment.close();
      }
    });
  });

  function stoppedAt({ evidence, alarmsOn, notices, environment }: Halt): Halt {
    const input = { run: RUN, execution: EXECUTION, status: "ABORTED" };
    return { state: cleanUp.definition.parsed.StartAt, input, evidence, alarmsOn, notices, environment };
  }
}

function wanted(state: string, way: string): boolean {
  return WHOLE || state === LONG || sampled({ state, kind: "status" }, SAMPLE, way);
}

/** Returns the end that a stop before that state must lead to; undefined where several are right. */
function onlyEnd({ calls, end }: Walked, state: string): End | undefined {
  const at = calls.indexOf(state);
  const applied = calls.findIndex((call) => /^Apply .* to production$/.test(call));
  if (applied >= at) return "Refused";
  const known = end === "Succeeded" ? OPENING_BEGINS : CLOSING_BEGINS;
  return at > calls.indexOf(known) ? (end as End) : undefined;
}
