import { slug } from "../shared/task.ts";
import { secondsBetween, toMilliseconds } from "../shared/text.ts";
import type { Facts, StateFacts } from "./facts.ts";
import { partsOf, predictionsOf } from "./parts.ts";
import { plannedOf } from "./planned.ts";
import type { Phase, Report } from "./schema.ts";

/**
 * The phases of the run, in order: those that happened as they happened, then those of the plan that are to come.
 * Each state notes its phase, so when one began and ended is read. Phases follow on each other without a gap: a gate
 * lasts from when it is prepared until its answer has taken effect.
 */
export function timelineOf(facts: Facts): Report["timeline"] {
  const startedAt = facts.request?.startedAt ?? facts.states[0]?.enteredAt ?? facts.asOf;
  const endedAt = facts.outcome?.at ?? null;
  const phases = [...reachedPhases(facts, startedAt), ...phasesToCome(facts)];
  const parts = partsOf(facts);
  return {
    startedAt,
    endedAt,
    seconds: secondsBetween(startedAt, facts.asOf),
    waitedSeconds: waitedBetween(facts, startedAt, facts.asOf),
    predictedSeconds: sum(phases.map(({ predictedSeconds }) => predictedSeconds)),
    plannedSeconds: plannedSeconds(facts),
    phases: phases.map((phase) => ({ ...phase, parts: parts.get(phase.id) ?? [] })),
  };
}

function plannedSeconds(facts: Facts): number | null {
  const planned = plannedOf(facts);
  // A sum of some parts would read like one of all.
  const all = ["admit", ...facts.plan.migrations.map(({ version }) => `migrate-${version}`), "prove", "open"];
  return all.every((id) => planned.has(id)) ? sum([...planned.values()]) : null;
}

/** Time in which gates waited for people, between two moments. */
export function waitedBetween({ gates, asOf }: Facts, from: string, to: string): number {
  return sum(
    gates
      .filter(({ request }) => request.openedAt >= from && request.openedAt < to)
      .map(({ request, decision }) => {
        const until = decision?.at ?? (request.expiresAt < asOf ? request.expiresAt : asOf);
        return secondsBetween(request.openedAt, until < to ? until : to);
      }),
  );
}

interface Span {
  id: string;
  start: string;
  /** Null: still going on. */
  end: string | null;
  states: StateFacts[];
}

type BarePhase = Omit<Phase, "parts">;

function reachedPhases(facts: Facts, runStart: string): BarePhase[] {
  const predictions = predictionsOf(facts);
  return spansOf(facts, runStart).map(({ id, start, end, states }) => ({
    ...phaseOf(facts, id, predictions),
    startedAt: start,
    endedAt: end,
    seconds: secondsBetween(start, end ?? facts.asOf),
    states: states
      .filter((state) => !facts.outcome || state.doneAt !== null || failedIn(facts, state))
      .map(({ state, enteredAt, doneAt }) => ({ state, enteredAt, doneAt })),
  }));
}

/** From when to when each phase was: each lasts until a state of another one is entered. */
function spansOf(facts: Facts, runStart: string): Span[] {
  const spans: Span[] = [];
  for (const state of facts.states) {
    const id = idOf(facts, state);
    const current = spans.at(-1);
    if (id === undefined || id === current?.id) {
      current?.states.push(state);
      continue;
    }
    const start = current ? state.enteredAt : runStart;
    if (current) current.end = start;
    spans.push({ id, start, end: null, states: [state] });
  }
  const last = spans.at(-1);
  if (!last) return spans;
  if (facts.outcome) last.end = facts.outcome.at;
  else if (isGate(last.id) && answered(facts, last.id) === "Go") {
    // After a Go that has taken effect the next phase has begun, though it has left nothing yet.
    const next = plannedIds(facts)[plannedIds(facts).indexOf(last.id) + 1];
    const doneAt = last.states.at(-1)?.doneAt;
    if (next && doneAt) {
      last.end = doneAt;
      spans.push({ id: next, start: doneAt, end: null, states: [] });
    }
  }
  return spans;
}

/** What the report calls the phases of the machine, where that is not the same word. */
const IDS: Readonly<Record<string, string>> = {
  "Fence and back up": "fence",
  "Roll back": "rollback",
  "After the opening": "open",
};

/**
 * The phase in the report that a state belongs to, from the phase of the machine that it notes and its migration;
 * undefined: what it does is part of the phase before.
 */
function idOf({ plan }: Facts, { phase, version }: StateFacts): string | undefined {
  if (phase === null || phase === "Count the loss") return undefined;
  if (phase === "Look for writes") return `migrate-${plan.migrations[0]?.version}`;
  const id = IDS[phase] ?? slug(phase);
  return version !== null && (id === "migrate" || id === "gate-after") ? `${id}-${version}` : id;
}

/** What the plan still has before it; nothing when the run is over or on its way back. */
function phasesToCome(facts: Facts): BarePhase[] {
  if (facts.outcome || facts.rollback || facts.restore) return [];
  const reached = new Set(reachedPhases(facts, "").map(({ id }) => id));
  const ids = plannedIds(facts);
  const furthest = Math.max(-1, ...ids.map((id, i) => (reached.has(id) ? i : -1)));
  const predictions = predictionsOf(facts);
  return ids.slice(furthest + 1).map((id) => ({
    ...phaseOf(facts, id, predictions),
    startedAt: null,
    endedAt: null,
    seconds: null,
    states: [],
  }));
}

function phaseOf(facts: Facts, id: string, predictions: ReturnType<typeof predictionsOf>) {
  const prediction = predictions.get(id);
  return {
    id,
    title: titleOf(facts, id),
    kind: isGate(id) ? ("gate" as const) : ("work" as const),
    predictedSeconds: prediction?.seconds ?? null,
    predictedBy: prediction?.by ?? null,
  };
}

function plannedIds({ plan, request }: Facts): string[] {
  const rehearse = ["rehearse", "gate-rehearsal"];
  return [
    "admit",
    "gate-readiness",
    ...(request?.rehearse === "inside" ? ["fence", ...rehearse] : [...rehearse, "fence"]),
    ...plan.migrations.flatMap(({ version, unasked }) => [
      `migrate-${version}`,
      ...(unasked ? [] : [`gate-after-${version}`]),
    ]),
    "prove",
    "gate-open",
    "open",
  ];
}

const TITLES: Readonly<Record<string, string>> = {
  admit: "Admit",
  look: "Look how far it came",
  rehearse: "Rehearse on staging",
  fence: "Fence and back up",
  prove: "Prove",
  open: "Open",
  "fence-again": "Fence again",
  close: "Clean up",
  rollback: "Roll back",
  restore: "Restore",
};

function titleOf({ plan }: Facts, id: string): string {
  if (isGate(id)) return `Gate: ${id.slice("gate-".length)}`;
  const migration = plan.migrations.find(({ version }) => id === `migrate-${version}`);
  return TITLES[id] ?? (migration ? `Migrate ${migration.version}: ${migration.title}` : id);
}

function isGate(id: string): boolean {
  return id.startsWith("gate-");
}

function answered({ gates }: Facts, id: string): string | undefined {
  return gates.findLast(({ request }) => `gate-${request.gate}` === id)?.decision?.decision;
}

// The state that writes the report is not done while it writes it, and no news to anyone.
function failedIn({ failures }: Facts, { state }: StateFacts): boolean {
  return failures.some((failure) => failure.state === state);
}

function sum(values: readonly (number | null)[]): number {
  return toMilliseconds(values.reduce<number>((total, value) => total + (value ?? 0), 0));
}
