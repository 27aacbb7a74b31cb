import { ANSWERED_BY_WAVE } from "../../lambdas/shared/errors.ts";
import { NO_MIGRATION } from "../../lambdas/shared/next-migration.ts";
import type { Definition, PlacedState, Rule } from "../../local/definition.ts";

/** A way from one state to another. */
export interface Way {
  to: string;
  /** "": the usual one; "at the same time"; "fails"; "nobody answers"; else what a choice found. */
  when: string;
}

/** A definition as a graph, each state with its phase. */
export class Flow {
  readonly definition: Definition;
  /** States in the order in which a run meets them: the usual way first, then the others. */
  readonly order: readonly string[];
  private readonly before = new Map<string, string>();
  private readonly phases: ReadonlyMap<string, string>;

  constructor(definition: Definition) {
    this.definition = definition;
    this.phases = new Map(
      definition.phases.flatMap(({ phase, states }) => states.map((state) => [state, phase] as const)),
    );
    const order: string[] = [];
    const visit = (name: string, from: string | undefined): void => {
      if (this.before.has(name)) return;
      this.before.set(name, from ?? name);
      order.push(name);
      for (const { to } of this.ways(name)) visit(to, name);
    };
    visit(definition.parsed.StartAt, undefined);
    this.order = order;
  }

  state(name: string): PlacedState {
    const found = this.definition.states.get(name);
    if (!found) throw new Error(`There is no state ${name}`);
    return found;
  }

  /** Where a state leads, the usual way first. */
  ways(name: string): Way[] {
    const { Default, Choices = [], Catch = [], Branches, InputPath } = this.state(name);
    if (Branches)
      return Branches.map(({ StartAt: to }, at) => ({ to, when: at === 0 ? "" : "at the same time" }));
    const Next = this.next(name);
    const ways: Way[] = Choices.map(({ Next: to, ...rule }) => ({ to, when: ruleText(rule) }));
    // A gate's Go is its usual way; of other choices the default is.
    const isGo = ({ when }: Way) => when.startsWith("Go");
    ways.sort((a, b) => Number(isGo(b)) - Number(isGo(a)));
    // A state that only passes on a branch's failure has no other way.
    if (Next !== undefined) ways.unshift({ to: Next, when: InputPath === undefined ? "" : "fails" });
    if (Default !== undefined) {
      const isGate = ways.some(isGo);
      ways.splice(ways.filter(isGo).length, 0, { to: Default, when: isGate ? "No-Go" : "" });
    }
    for (const { Next: to, ErrorEquals } of Catch) ways.push({ to, when: caughtText(ErrorEquals) });
    return ways;
  }

  /** The end of a branch leads where its Parallel state does. */
  private next(name: string): string | undefined {
    const { Next, End, within } = this.state(name);
    return End && within !== undefined ? this.next(within) : Next;
  }

  isTask(name: string): boolean {
    return this.phases.has(name);
  }

  /** Name of the end that the state notes. */
  endNotedBy(name: string): string | undefined {
    const { Type, Result } = this.state(name) as { Type: string; Result?: unknown };
    return Type === "Pass" && typeof Result === "string" ? Result : undefined;
  }

  /** The phase that a state belongs to: a state that is no task goes with what it leads to, or with what led to it. */
  phaseOf(name: string): string {
    const own = this.phases.get(name);
    if (own !== undefined) return own;
    const next = this.next(name);
    if (next !== undefined && this.endNotedBy(next) === undefined) return this.phaseOf(next);
    const before = this.before.get(name);
    if (before === undefined || before === name) throw new Error(`${name} belongs to no phase`);
    return this.phaseOf(before);
  }
}

function caughtText(errors: readonly string[]): string {
  if (errors.includes("States.Timeout")) return "nobody answers";
  return errors.includes(ANSWERED_BY_WAVE) ? "its wave answers" : "fails";
}

function ruleText({ StringEquals, And, Not }: Rule): string {
  if (And)
    return And.map(ruleText)
      .filter((text) => text !== "")
      .join(", ");
  // Of a branch that no failure was caught in the error is empty.
  if (Not?.StringEquals === "") return "fails";
  if (Not) return Not.StringEquals === NO_MIGRATION.version ? "one is left" : `not ${ruleText(Not)}`;
  return StringEquals === NO_MIGRATION.version ? "none is left" : (StringEquals ?? "");
}
