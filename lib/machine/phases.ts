import type { CfnResource } from "aws-cdk-lib";
import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { END_NAMES, type End } from "../../lambdas/shared/documents.ts";
import { noteEnd } from "./close.ts";
import type { States } from "./states.ts";
import { Way } from "./way.ts";

/** CloudFormation metadata of a state machine: its phases in order, each with the states that do its work. */
export const PHASES_METADATA = "sluice:phases";

/** CloudFormation metadata of a state machine: which of the three it is. */
export const MACHINE_METADATA = "sluice:machine";

export type MachineName = "run" | "clean-up" | "rollout";

/** A phase of a machine: what makes its states, and where each of its ways leads: to another phase, or to an end. */
export interface Phase {
  build(states: States, ways: Readonly<Record<string, Way>>): sfn.State;
  leads: Readonly<Record<string, string>>;
  /** The phase that people see it as a part of, if any. */
  within: string | undefined;
}

/** Phases by name, in the order of a run. The machine starts with the first. */
export type PhaseTable = Readonly<Record<string, Phase>>;

/** @param build makes the states, and returns the first of them */
export function phase<W extends string>(
  build: (states: States, ways: Readonly<Record<W, Way>>) => sfn.State,
  leads: Readonly<Record<W, string>>,
  within?: string,
): Phase {
  return { build: build as Phase["build"], leads, within };
}

/** Makes the states of all phases, from first to last, and then connects each to what follows it. */
export function build(states: States, table: PhaseTable): sfn.State {
  const firsts = new Map<string, sfn.State>();
  const out: { way: Way; target: string }[] = [];
  for (const [name, { build, leads, within }] of Object.entries(table)) {
    const ways = Object.fromEntries(Object.keys(leads).map((exit) => [exit, new Way()]));
    firsts.set(
      name,
      states.phase(name, within, () => build(states, ways)),
    );
    for (const [exit, target] of Object.entries(leads)) out.push({ way: ways[exit] as Way, target });
  }
  const at = (name: string): sfn.State => {
    const first = firsts.get(name);
    if (!first) throw new Error(`No phase is called ${name}`);
    return first;
  };
  for (const { way, target } of out)
    way.leadTo(isEnd(target) ? noteEnd(states, target, at("Close")) : at(target));
  return at(Object.keys(table)[0] ?? "");
}

function isEnd(target: string): target is End {
  return END_NAMES.some((name) => name === target);
}

/** Writes into the template which machine this is, and its phases. */
export function noteMachine(machine: sfn.StateMachine, name: MachineName, { phases }: States): void {
  const resource = machine.node.defaultChild as CfnResource;
  resource.addMetadata(MACHINE_METADATA, name);
  resource.addMetadata(PHASES_METADATA, phases);
}
