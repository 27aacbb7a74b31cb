import { slug } from "../shared/task.ts";
import { secondsBetween, toMilliseconds } from "../shared/text.ts";
import type { Facts, StateFacts } from "./facts.ts";
import { plannedOf } from "./migrations.ts";
import { partsOf, predictionsOf } from "./parts.ts";
import type { Phase, Report } from "./schema.ts";

/**
 * Returns the phases of the run in order: first those that happened, then those still planned. Each state notes its
 * phase, which gives the beginning and end. Phases have no gaps: a gate lasts from its preparation until its answer
 * takes effect.
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
  // A partial sum would look like the whole.
  const all = ["admit", ...facts.plan.migrations.map(({ version }) => `migrate-${version}`), "prove", "open"];
  return all.every((id) => planned.has(id)) ? sum([...planned.values()]) : null;
}

/** Returns the seconds that gates waited for people, between two moments. */
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
  /** Null: not ended yet. */
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

/** The begin and end of each phase: it lasts until a state of another phase is entered. */
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
    // After an effective Go the next phase has begun, although its states have left nothing yet.
    const next = plannedIds(facts)[plannedIds(facts).indexOf(last.id) + 1];
    const doneAt = last.states.at(-1)?.doneAt;
    if (next && doneAt) {
      last.end = doneAt;
      spans.push({ id: next, start: doneAt, end: null, states: [] });
    }
  }
  return spans;
}

/** Phase ids of the report that differ from the machine's names. */
const IDS: Readonly<Record<string, string>> = {
  "Fence and back up": "fence",
  "Roll back": "rollback",
  "After the opening": "open",
};

/**
 * The report's phase for a state, from the machine's phase and the migration that the state notes; undefined: the state
 * belongs to the phase before.
 */
function idOf({ plan }: Facts, { phase, version }: StateFacts): string | undefined {
  if (phase === null || phase === "Count the loss") return undefined;
  if (phase === "Look for writes") return `migrate-${plan.migrations[0]?.version}`;
  const id = IDS[phase] ?? slug(phase);
  return version !== null && (id === "migrate" || id === "gate-after") ? `${id}-${version}` : id;
}

/** The planned phases not reached yet; none when the run has ended or is on its way back. */
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

// The state that writes the report is never done at that moment, so it is listed only if it failed.
function failedIn({ failures }: Facts, { state }: StateFacts): boolean {
  return failures.some((failure) => failure.state === state);
}

function sum(values: readonly (number | null)[]): number {
  return toMilliseconds(values.reduce<number>((total, value) => total + (value ?? 0), 0));
}
