import { ErrorName, FINAL } from "../../../lambdas/shared/errors.ts";
import { type CompiledPlan, migrationOf, restoreOnlyFrom } from "../../../lambdas/shared/plan.ts";
import type { MachineCapability } from "../../../lib/machine/capabilities.ts";
import { type Definition, nameInWords, phasesShown } from "../../../local/definition.ts";
import type { Environment } from "./environment.ts";
import { errorsByCapability } from "./errors.ts";
import { type Fault, fails, faultText, TIMEOUT, UNNAMED } from "./faults.ts";
import { type Ground, type Halt, type Walked, walk } from "./walk.ts";

/** A state with everything needed to enter it, and all other faults of the walk. */
export interface Entry {
  halt: Halt;
  /** Faults of the way to this state; later ones occur again. */
  faults: readonly Fault[];
}

/**
 * Walks that enter every Task state between them: the way forward, on which nobody answers a gate at once; a No-Go in
 * the middle; and the whole way back after a smoke test failed, with a rollback that fails as well. Where a migration has
 * no rollback, its failing before it did anything leads to the rollbacks of those before it.
 */
export async function entries(
  ground: Ground,
  environment: Environment,
  wanted: (state: string) => boolean = () => true,
): Promise<Map<string, Entry>> {
  const states = statesOf(ground);
  const found = new Map<string, Entry>();
  const entered = new Set<string>();
  const smoke = "Smoke-test the application";
  // States from which these walks themselves continue are always kept.
  const only = restoreOnlyFrom(ground.plan);
  const onlyBegins = `Apply ${only?.version} to production`;
  const kept = (state: string) =>
    wanted(state) || [smoke, onlyBegins].includes(state) || state.startsWith("Gate: ");
  const go = async (from: { environment: Environment } | Halt, faults: readonly Fault[]): Promise<Walked> => {
    const walked = await walk(ground, from, faults, (state) => !entered.has(state) && kept(state));
    for (const state of walked.calls) entered.add(state);
    for (const [state, halt] of walked.halts) found.set(state, { halt, faults });
    return walked;
  };
  const at = (state: string): Halt => need(found, state).halt;
  const silent = (gate: string): Fault => ({ state: gate, kind: "silence" });
  const gates = states.filter((state) => state.startsWith("Gate: "));
  const forward = await go({ environment }, gates.map(silent));
  const openGate = lastGate(forward);
  await go(at(openGate), [{ state: openGate, kind: "no" }]);
  const [newest] = [...ground.plan.migrations].reverse();
  await go(at(smoke), [
    fails(smoke, ErrorName.SmokeTestFailed),
    silent("Gate: restore"),
    silent("Gate: keep"),
    { state: "Escalate: keep", kind: "no" },
    fails(`Roll back ${newest?.version}`, ErrorName.RollbackFailed),
  ]);
  if (only) await go(at(onlyBegins), [fails(onlyBegins, ErrorName.StepFailed)]);
  const missing = states.filter((state) => !entered.has(state));
  if (missing.length > 0) throw new Error(`No walk comes to ${missing.join(", ")}`);
  return found;
}

/** Returns every state that does work, for each migration that it may be entered for. */
export function statesOf({ definition, plan }: Ground): string[] {
  return phasesShown(definition, plan)
    .flatMap(({ states }) => states)
    .filter((state) => !isNeverEntered(plan, state));
}

/** True for states of the gate after an unasked migration: the machine never enters them. */
function isNeverEntered(plan: CompiledPlan, state: string): boolean {
  const version = /^(?:Time|Gate|Escalate|Confirm|Look at the backup): after (\d+)$/.exec(state)?.[1];
  return version !== undefined && migrationOf(plan, version).unasked === true;
}

/** Returns every way in which a state can fail or its gate can be answered. */
export function faultsOf({ definition, plan }: Ground, state: string): Fault[] {
  const name = [...definition.capabilities.keys()].find((known) => isCalled(definition, plan, known, state));
  const capability = definition.capabilities.get(name ?? "") as MachineCapability;
  const { waits, loops } = shapeOf(definition.states.get(name ?? ""));
  const typed = (ERRORS.get(capability) ?? []).filter((name) => name !== ErrorName.TookTooLong || loops);
  const died = (when: "before" | "after", tries: "every" | "first"): Fault => ({
    state,
    kind: "error",
    error: UNNAMED,
    when,
    tries,
  });
  return [
    ...typed.map((name) => fails(state, name)),
    died("before", "every"),
    died("after", "every"),
    died("after", "first"),
    ...(waits
      ? [{ state, kind: "no" } as const, { state, kind: "silence" } as const]
      : [fails(state, TIMEOUT)]),
    ...(LOOKS_AT_THE_FLEET.test(state) ? [{ state, kind: "status" } as const] : []),
  ];
}

function isCalled(definition: Definition, plan: CompiledPlan, known: string, state: string): boolean {
  const versions = plan.migrations.map(({ version }) => ({ version, title: "" }));
  return versions.some(
    (about) => nameInWords(definition, known, { next: about, migration: about, rollback: about }) === state,
  );
}

/** Returns one failure of each kind that the machine distinguishes. */
export function kindsOfFaults(ground: Ground, state: string): Fault[] {
  const all = faultsOf(ground, state);
  const first = (is: (fault: Fault) => boolean) => all.filter(is).slice(0, 1);
  return [
    ...first((fault) => fault.kind === "error" && FINAL.some((name) => name === fault.error)),
    ...first((fault) => fault.kind === "error" && fault.when === "after" && fault.tries === "every"),
    ...first((fault) => fault.kind === "no" || (fault.kind === "error" && fault.error === TIMEOUT)),
    ...first((fault) => fault.kind === "silence"),
  ];
}

/** Computed once, as it bundles every capability. */
const ERRORS = errorsByCapability();

const LOOKS_AT_THE_FLEET =
  /^(Admit the run|Snapshot production|Back up production|Wait for the backup|Look at the backup: \w+(?: \d+)?|Send the final snapshot away|Restore staging|Restore staging again|Move production aside|Restore production)$/;

function shapeOf(state: unknown): { waits: boolean; loops: boolean } {
  const text = JSON.stringify(state);
  return { waits: text.includes(".waitForTaskToken"), loops: text.includes('"limitMinutes"') };
}

/** Adds a fault to a way's faults. It replaces a fault at the same state. */
export function withFault(faults: readonly Fault[], fault: Fault): Fault[] {
  return [...faults.filter(({ state }) => state !== fault.state), fault];
}

/** Returns a sample of about one in so many; the same one each time. */
export function sampled(fault: Fault, oneIn: number, after = ""): boolean {
  let hash = 0;
  for (const char of after + faultText(fault)) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return hash % oneIn === 0;
}

function need(found: ReadonlyMap<string, Entry>, state: string): Entry {
  const entry = found.get(state);
  if (!entry) throw new Error(`No walk came to ${state}`);
  return entry;
}

function lastGate({ calls }: Walked): string {
  return calls.findLast((state) => state.startsWith("Gate: ")) ?? "";
}
