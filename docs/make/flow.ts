import { NO_MIGRATION } from "../../lambdas/shared/next-migration.ts";
import type { Definition, Rule, StateDefinition } from "../../local/definition.ts";

/** A transition from one state to another. */
export interface Way {
  to: string;
  /** "": the usual one; "fails"; "nobody answers"; otherwise the condition of a choice. */
  when: string;
}

/** A definition as a graph. Each state has a phase. */
export class Flow {
  readonly definition: Definition;
  /** States in the order of a run: the usual way first, then the others. */
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

  state(name: string): StateDefinition {
    const found = this.definition.parsed.States[name];
    if (!found) throw new Error(`There is no state ${name}`);
    return found;
  }

  /** Returns the transitions of a state, the usual one first. */
  ways(name: string): Way[] {
    const { Next, Default, Choices = [], Catch = [] } = this.state(name);
    const ways: Way[] = Choices.map(({ Next: to, ...rule }) => ({ to, when: ruleText(rule) }));
    // The usual way of a gate is Go; of another choice it is the default.
    const isGo = ({ when }: Way) => when.startsWith("Go");
    ways.sort((a, b) => Number(isGo(b)) - Number(isGo(a)));
    if (Next !== undefined) ways.unshift({ to: Next, when: "" });
    if (Default !== undefined) {
      const isGate = ways.some(isGo);
      ways.splice(ways.filter(isGo).length, 0, { to: Default, when: isGate ? "No-Go" : "" });
    }
    for (const { Next: to, ErrorEquals } of Catch)
      ways.push({ to, when: ErrorEquals.includes("States.Timeout") ? "nobody answers" : "fails" });
    return ways;
  }

  isTask(name: string): boolean {
    return this.phases.has(name);
  }

  /** Returns the phase of a state. A state that is no task belongs to the phase of its successor, or else of its predecessor. */
  phaseOf(name: string): string {
    const own = this.phases.get(name);
    if (own !== undefined) return own;
    const { Next } = this.state(name);
    if (Next !== undefined) return this.phaseOf(Next);
    const before = this.before.get(name);
    if (before === undefined || before === name) throw new Error(`${name} belongs to no phase`);
    return this.phaseOf(before);
  }
}

function ruleText({ StringEquals, And, Not }: Rule): string {
  if (And) return And.map(ruleText).join(", ");
  if (Not) return Not.StringEquals === NO_MIGRATION.version ? "one is left" : `not ${ruleText(Not)}`;
  return StringEquals === NO_MIGRATION.version ? "none is left" : (StringEquals ?? "");
}
