import {
  firstMigration,
  followsApply,
  migrationAfter,
  migrationBefore,
  named,
  ONLY_RESTORE,
  type WayBack,
} from "../../lambdas/shared/next-migration.ts";
import { type CompiledPlan, migrationOf, restoreOnlyFrom } from "../../lambdas/shared/plan.ts";
import { type Definition, nameInWords } from "../../local/definition.ts";
import { interpret } from "../../local/interpreter.ts";

type Event = Record<string, unknown>;

const GATE_TIME = { seconds: 60, until: "2026-11-03T03:00:00.000Z" };

/** Returns a task's answer in a run that gets every Go at once and waits for nothing. */
export function usualAnswer(capability: string | undefined, event: Event, plan: CompiledPlan): Event {
  return { ...answerOf(capability, event, plan), ...(event.asks === undefined ? {} : GATE_TIME) };
}

function answerOf(capability: string | undefined, event: Event, plan: CompiledPlan): Event {
  const version = event.version === undefined ? undefined : String(event.version);
  const target = event.target === "production" ? "production" : "staging";
  switch (capability) {
    case "admit":
      return { status: "done", checksum: plan.checksum };
    case "gate":
      return { ...GATE_TIME, decision: "Go" };
    case "verify":
    case "writes":
      return { status: "done", ...firstMigration(plan) };
    case "migrate":
      return {
        status: "done",
        ...named(migrationOf(plan, String(version))),
        follows: followsApply({ plan, settings: {} }, String(version), target, Number(event.round)),
      };
    case "validate":
      return version === undefined
        ? { status: "done" }
        : { status: "done", ...migrationAfter(plan, version) };
    case "rollback":
      if (event.action === "begin") return { ...named(plan.migrations.at(-1)), way: wayOf(plan) };
      return version === undefined
        ? { status: "done" }
        : { status: "done", ...migrationBefore(plan, version) };
    default:
      return { status: "done", cause: "" };
  }
}

/** The way back of a run that has begun every migration. */
function wayOf(plan: CompiledPlan): WayBack {
  return restoreOnlyFrom(plan) ? ONLY_RESTORE : "rollback";
}

/** States by the names that people see. */
export interface UsualRun {
  /** The states that the run enters. */
  entered: readonly string[];
  /** Those of them that call a function. */
  called: readonly string[];
}

export async function usualRun(definition: Definition, plan: CompiledPlan): Promise<UsualRun> {
  const entered: string[] = [];
  const called: string[] = [];
  await interpret({
    definition,
    input: {},
    run: "run",
    execution: "arn:aws:states:us-east-1:000000000000:execution:sluice:run",
    waitMs: 0,
    task: async (state, event) => usualAnswer(definition.capabilities.get(state), event, plan),
    onEvent({ type, state }) {
      if (type !== "StateEntered" || !state) return;
      const name = nameInWords(definition, state.name, state.input);
      entered.push(name);
      if (state.type === "Task") called.push(name);
    },
  });
  return { entered, called };
}
