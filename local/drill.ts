import { ErrorName, SluiceError } from "../lambdas/shared/errors.ts";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import type { Task } from "../lambdas/shared/task.ts";
import { cutLines } from "../lambdas/shared/text.ts";
import { type Definition, phasesShown } from "./definition.ts";
import { UsageError } from "./events.ts";

/** A task that fails instead of doing its work, with an error that is not retried. */
export function broken<Event>(task: Task<Event>, state: string): Task<Event> {
  return {
    ...task,
    run: async () => {
      throw new SluiceError(ErrorName.Drill, `"${state}" failed on purpose (--fail), and did nothing.`);
    },
  };
}

/** A plan of hundreds of migrations would list each of them a dozen times. */
const MOST_SHOWN = 60;

/** @throws UsageError with the possible names, for a name of no state that does any work */
export function refuseUnknownStates(
  names: readonly string[],
  definition: Definition,
  plan: CompiledPlan,
): void {
  const phases = phasesShown(definition, plan);
  const all = new Set([...definition.capabilities.keys(), ...phases.flatMap(({ states }) => states)]);
  const unknown = names.find((name) => !all.has(name));
  if (unknown === undefined) return;
  const known = phases.map(({ phase, states }) => `  ${phase}: ${cutLines(states, MOST_SHOWN).join(", ")}`);
  throw new UsageError(
    `--fail "${unknown}": the machine has no working state with that name. Its working states, by phase:\n${known.join("\n")}`,
  );
}
