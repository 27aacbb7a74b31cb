import { ErrorName, SluiceError } from "../lambdas/shared/errors.ts";
import type { Task } from "../lambdas/shared/task.ts";
import type { Definition } from "./definition.ts";
import { UsageError } from "./events.ts";

/** The task that fails instead of doing its work, as one does that must not be tried again. */
export function broken<Event>(task: Task<Event>, state: string): Task<Event> {
  return {
    ...task,
    run: async () => {
      throw new SluiceError(ErrorName.Drill, `"${state}" was broken on purpose (--fail), and did nothing.`);
    },
  };
}

/** @throws UsageError for a name of no state that does any work, with those that there are */
export function refuseUnknownStates(names: readonly string[], { capabilities, phases }: Definition): void {
  const unknown = names.find((name) => !capabilities.has(name));
  if (unknown === undefined) return;
  const known = phases.map(({ phase, states }) => `  ${phase}: ${states.join(", ")}`);
  throw new UsageError(
    `--fail "${unknown}": the machine has no such state that does any work. Its states, by phase:\n${known.join("\n")}`,
  );
}
