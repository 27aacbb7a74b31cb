import { stateInWords } from "../lambdas/shared/names.ts";
import { type CompiledPlan, isRestoreOnly, type Migration } from "../lambdas/shared/plan.ts";
import { CAPABILITY_METADATA } from "../lib/functions/functions.ts";
import type { MachineCapability } from "../lib/machine/capabilities.ts";
import { MACHINE_CAPABILITIES } from "../lib/machine/capabilities.ts";
import { MACHINE_METADATA, type MachineName, PHASES_METADATA } from "../lib/machine/phases.ts";
import type { Only } from "../lib/machine/states.ts";
import type { Phase } from "./events.ts";

/** What a choice asks, as far as the machines do. */
export interface Rule {
  StringEquals?: string;
  And?: Rule[];
  Not?: Rule;
}

/** A state of the definition, as far as a local run looks at it. */
export interface StateDefinition {
  Type: string;
  Resource?: string;
  Parameters?: Readonly<Record<string, unknown>> & { FunctionName?: string };
  /** Only in a Pass state that passes on a part of its input. */
  InputPath?: string;
  Next?: string;
  End?: boolean;
  Default?: string;
  Choices?: (Rule & { Next: string })[];
  Catch?: { Next: string; ErrorEquals: string[] }[];
  /** Only in a Parallel state. */
  Branches?: StateGraph[];
}

/** The states of a machine, or of a branch of a Parallel state. */
export interface StateGraph {
  StartAt: string;
  States: Readonly<Record<string, StateDefinition>>;
}

export interface PlacedState extends StateDefinition {
  /** The Parallel state around its branch. */
  within?: string;
}

/** A phase of the machine with the states that do its work, in the order in which they are entered. */
export interface MachinePhase {
  phase: string;
  /** The phase that people see it as a part of. */
  within?: string;
  states: readonly string[];
  /** Which migrations a state works on, where not on all. */
  only: Readonly<Record<string, Only>>;
}

export interface Definition {
  /** The definition as CloudFormation would hand it to Step Functions, ARNs resolved. */
  text: string;
  parsed: StateGraph;
  /** All states by name, including those in branches: Step Functions keeps names unique across branches. */
  states: ReadonlyMap<string, PlacedState>;
  /** Which capability each Task state calls. */
  capabilities: ReadonlyMap<string, MachineCapability>;
  phases: readonly MachinePhase[];
}

/** A synthesized template, as far as anything here looks at it. */
export interface Template {
  Resources: Readonly<Record<string, Resource>>;
}

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  Metadata?: Record<string, unknown>;
}

const PSEUDO: Readonly<Record<string, string>> = {
  "AWS::Partition": "aws",
  "AWS::Region": "us-east-1",
  "AWS::AccountId": "000000000000",
};

/** Takes a state machine out of a synthesized template and resolves what CloudFormation would. */
export function definitionOf(template: Template, name: MachineName = "run"): Definition {
  const machine = Object.values(template.Resources).find(
    ({ Metadata }) => Metadata?.[MACHINE_METADATA] === name,
  );
  if (!machine) throw new Error(`The template holds no state machine for the ${name}`);
  const text = resolve(machine.Properties.DefinitionString, template);
  const parsed = JSON.parse(text) as StateGraph;
  const states = allStates(parsed);
  const capabilities = new Map<string, MachineCapability>();
  for (const [name, state] of states) {
    if (state.Type !== "Task") continue;
    const arn = state.Parameters?.FunctionName ?? state.Resource ?? "";
    // arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION
    const id = arn.split(":")[6] ?? "";
    const capability = template.Resources[id]?.Metadata?.[CAPABILITY_METADATA];
    const known = MACHINE_CAPABILITIES.find((candidate) => candidate === capability);
    if (known) capabilities.set(name, known);
    else if (machine.Metadata?.[MACHINE_METADATA] !== "rollout")
      throw new Error(`State "${name}" calls ${arn}, which is no capability of this app`);
  }
  const phases = (machine.Metadata?.[PHASES_METADATA] ?? []) as MachinePhase[];
  return { text, parsed, states, capabilities, phases: inOrderOfEntry(phases, parsed.StartAt, states) };
}

/** Returns all states of a machine by name, including those in the branches of its Parallel states. */
export function allStates(graph: StateGraph): Map<string, PlacedState> {
  const states = new Map<string, PlacedState>();
  const add = ({ States }: StateGraph, within: string | undefined): void => {
    for (const [name, state] of Object.entries(States)) {
      states.set(name, within === undefined ? state : { ...state, within });
      for (const branch of state.Branches ?? []) add(branch, name);
    }
  };
  add(graph, undefined);
  return states;
}

function resolve(value: unknown, template: Template): string {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null) {
    const [[name, argument] = ["", undefined]] = Object.entries(value);
    if (name === "Fn::Join" && Array.isArray(argument))
      return (argument[1] as unknown[]).map((part) => resolve(part, template)).join(String(argument[0]));
    if (name === "Ref" && typeof argument === "string") {
      if (PSEUDO[argument]) return PSEUDO[argument];
      // A function's version has an id that changes with the code; its name here does not.
      const { Type, Properties } = template.Resources[argument] ?? {};
      const of = (Properties?.FunctionName as { Ref?: string } | undefined)?.Ref;
      if (Type === "AWS::Lambda::Version" && of !== undefined)
        return `arn:aws:lambda:us-east-1:000000000000:function:${of}:1`;
      // What a rollout names: where lists of databases are, and the machine of the runs.
      if (Type === "AWS::S3::Bucket") return "local-evidence";
      if (Type === "AWS::StepFunctions::StateMachine")
        return `arn:aws:states:us-east-1:000000000000:stateMachine:${argument}`;
    }
  }
  throw new Error(`The definition holds what a local run cannot resolve: ${JSON.stringify(value)}`);
}

/** The states of each phase as a run meets them: depth first into branches, along Next, then a choice's usual way, then its others, then what is caught. */
function inOrderOfEntry(
  phases: readonly MachinePhase[],
  startAt: string,
  all: Definition["states"],
): MachinePhase[] {
  const order = new Map<string, number>();
  const visit = (name: string | undefined): void => {
    if (name === undefined || order.has(name)) return;
    order.set(name, order.size);
    const state = all.get(name);
    for (const branch of state?.Branches ?? []) visit(branch.StartAt);
    visit(state?.Next);
    visit(state?.Default);
    for (const choice of state?.Choices ?? []) visit(choice.Next);
    for (const caught of state?.Catch ?? []) visit(caught.Next);
  };
  visit(startAt);
  const place = (state: string) => order.get(state) ?? Number.POSITIVE_INFINITY;
  return phases.map(({ states, ...phase }) => ({
    ...phase,
    states: [...states].sort((a, b) => place(a) - place(b)),
  }));
}

/** What people call the state that is entered with that input: where it works on one migration, with its version. */
export function nameInWords({ states }: Definition, state: string, input: unknown): string {
  const version = versionPath(states.get(state))
    ?.split(".")
    .slice(1)
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], input);
  return stateInWords(called(states.get(state)) ?? state, typeof version === "string" ? version : undefined);
}

/** The machine's phases as people see them, with the states that a run of this plan can enter. */
export function phasesShown(definition: Definition, plan: CompiledPlan): Phase[] {
  const restores = definition.phases.some(({ phase }) => phase === "Restore");
  const first = plan.migrations.findIndex(isRestoreOnly);
  const isEntered = (only: Only | undefined, migration: Migration | undefined): boolean => {
    switch (only) {
      case undefined:
        return true;
      case "after the restore":
        return restores && first >= 0;
      case "with a rollback":
        return migration !== undefined && !isRestoreOnly(migration);
      case "rolled back":
        return migration !== undefined && (first < 0 || plan.migrations.indexOf(migration) < first);
    }
  };
  const calledOf = (state: string) => called(definition.states.get(state)) ?? state;
  const works = (state: string) => versionPath(definition.states.get(state)) !== undefined;
  const names = (states: readonly string[], only: MachinePhase["only"]): string[] => {
    const begin = states.findIndex(works);
    const lead = begin === -1 ? states : states.slice(0, begin);
    const own = lead.filter((state) => isEntered(only[state], undefined));
    if (begin === -1) return own;
    const rest = states.slice(begin).findIndex((state) => !works(state));
    const end = rest === -1 ? states.length : begin + rest;
    return [
      ...own,
      ...plan.migrations.flatMap((migration) =>
        states
          .slice(begin, end)
          .filter((state) => isEntered(only[state], migration))
          .map((state) => stateInWords(calledOf(state), migration.version)),
      ),
      ...names(states.slice(end), only),
    ];
  };
  return definition.phases
    .filter(({ within }) => within === undefined)
    .map(({ phase }) => ({
      phase,
      states: definition.phases
        .filter((part) => (part.within ?? part.phase) === phase)
        .flatMap(({ states, only }) => [...new Set(names(states, only))]),
    }));
}

/** Returns the name that people see for a state, if its payload has one. */
function called(state: StateDefinition | undefined): string | undefined {
  const name = sentBy(state)?.state;
  return typeof name === "string" ? name : undefined;
}

function sentBy(state: StateDefinition | undefined): Record<string, unknown> | undefined {
  return (state?.Parameters?.Payload ?? state?.Parameters) as Record<string, unknown> | undefined;
}

/** Where in its input a state finds the migration that it works on; undefined where it works on none. */
function versionPath(state: StateDefinition | undefined): string | undefined {
  const path = sentBy(state)?.["version.$"];
  return typeof path === "string" ? path : undefined;
}
