import { gateState } from "../shared/documents.ts";
import type { Facts, StateFacts } from "./facts.ts";
import { partsOf } from "./parts.ts";
import { predictionsOf } from "./predictions.ts";
import type { Phase, Report } from "./schema.ts";
import { secondsBetween, toMilliseconds } from "./words.ts";

/** A phase's first and last trace in the evidence. */
interface Trace {
  first: string;
  /** Null: a gate that nobody has answered. */
  last: string | null;
}

/**
 * The phases of the run, in order: those that happened as they happened, then those of the plan that are to come.
 * When a phase began and ended is read off the documents that it leaves. Phases follow on each other without a gap:
 * a gate lasts from when it is prepared until its answer takes effect, and what else lies between is the work's.
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

function plannedSeconds({ plan }: Facts): number {
  const { admit, prove, open } = plan.expectedMinutes;
  const minutes = plan.migrations.reduce(
    (all, { expectedMinutes }) => all + expectedMinutes,
    admit + prove + open,
  );
  return minutes * 60;
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
}

type BarePhase = Omit<Phase, "parts">;

function reachedPhases(facts: Facts, runStart: string): BarePhase[] {
  const spans = [...spansOf(facts, runStart)];
  const last = spans.at(-1);
  if (last?.end) {
    if (facts.outcome) {
      if (last.id !== "close" && last.end < facts.outcome.at)
        spans.push({ id: "close", start: last.end, end: facts.outcome.at });
    } else if (isGate(last.id) && answered(facts, last.id) === "Go") {
      // After a Go the next phase has begun, though it has left nothing yet.
      const next = plannedIds(facts)[plannedIds(facts).indexOf(last.id) + 1];
      if (next) spans.push({ id: next, start: last.end, end: null });
    }
  }
  const predictions = predictionsOf(facts);
  return spans.map(({ id, start, end }, i) => ({
    ...phaseOf(facts, id, predictions),
    startedAt: start,
    endedAt: end,
    seconds: secondsBetween(start, end ?? facts.asOf),
    states: statesWithin(facts, start, end, i === 0, i === spans.length - 1),
  }));
}

/** From when to when each phase was that left a trace. */
function spansOf(facts: Facts, runStart: string): Span[] {
  const traces = [...tracesOf(facts)].sort(([, a], [, b]) => (a.first < b.first ? -1 : 1));
  const spans: Span[] = [];
  for (const [i, [id, trace]] of traces.entries()) {
    const next = traces[i + 1];
    const start = isGate(id) ? trace.first : (spans.at(-1)?.end ?? runStart);
    spans.push({ id, start, end: next ? endBefore(id, trace, next) : endOfLast(facts, id, trace) });
  }
  return spans;
}

/** What lies between work and a gate is work; what lies between two kinds of work is the second's. */
function endBefore(id: string, { last }: Trace, [nextId, next]: [string, Trace]): string {
  return isGate(id) || !isGate(nextId) ? (last ?? next.first) : next.first;
}

function endOfLast({ outcome, failures }: Facts, id: string, { last }: Trace): string | null {
  if (isGate(id)) return last ?? outcome?.at ?? null;
  if (!outcome) return null;
  if (id === "close") return outcome.at;
  const failed = failures.at(-1)?.at ?? "";
  return last !== null && last > failed ? last : failed;
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
    ...plan.migrations.flatMap(({ version }) => [`migrate-${version}`, `gate-after-${version}`]),
    "prove",
    "gate-open",
    "open",
  ];
}

const TITLES: Readonly<Record<string, string>> = {
  admit: "Admit",
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

/** Which document is a trace of which phase. */
function tracesOf(facts: Facts): Map<string, Trace> {
  const traces = new Map<string, Trace>();
  const mark = (id: string, ...times: (string | null | undefined)[]) => {
    for (const time of times) {
      if (!time) continue;
      const seen = traces.get(id);
      traces.set(id, {
        first: seen && seen.first < time ? seen.first : time,
        last: seen?.last && seen.last > time ? seen.last : time,
      });
    }
  };
  const { rollback, restore, fence, fenceAgain } = facts;

  mark("admit", facts.request?.startedAt, facts.production?.at, facts.preflight?.at);
  for (const { purpose, at } of facts.snapshots) mark(purpose === "final" ? "fence" : "rehearse", at);
  mark("rehearse", facts.staging?.at, facts.stagingRecord?.at, facts.stagingVerified?.at);
  mark("rehearse", facts.benchmarks.staging?.at);
  mark("fence", fence?.at);
  for (const { target, direction, version, startedAt, endedAt } of facts.steps)
    mark(phaseOfSteps(target, direction, version), startedAt, endedAt);
  const validated = new Set<string>();
  for (const { target, version, at, seconds } of facts.checks) {
    // Production is validated after each migration and, the second time, when all of them are proven.
    const again = target === "production" && validated.has(version);
    if (target === "production") validated.add(version);
    const done = new Date(Date.parse(at) + seconds * 1000).toISOString();
    mark(target === "staging" ? "rehearse" : again ? "prove" : `migrate-${version}`, at, done);
  }
  for (const { name, at } of facts.proofs) mark(phaseOfProof(name), at);
  mark("prove", facts.benchmarks.production?.at);
  const phaseOfHook: Readonly<Record<string, string>> = {
    stop: "fence",
    test: "prove",
    start: "open",
    smoke: "open",
    "stop-again": "fence-again",
    "start-again": "close",
  };
  for (const { name, at } of facts.hooks) mark(phaseOfHook[name] ?? "open", at);
  mark("open", facts.afterOpening?.at, facts.aftercare?.at, facts.readings?.first.at);
  mark("rollback", rollback?.at);
  mark("restore", restore?.at);
  mark("fence-again", fenceAgain?.at);
  // Lifted by the opening, or by the clean-up that every way back ends with.
  mark(answered(facts, "gate-open") === "Go" ? "open" : "close", fence?.liftedAt);
  mark("close", fenceAgain?.liftedAt);
  for (const { request, decision } of facts.gates) {
    const id = `gate-${request.gate}`;
    const prepared = stateOf(facts, gateState("Time", request.question))?.enteredAt ?? request.openedAt;
    const first = traces.get(id)?.first ?? (prepared < request.openedAt ? prepared : request.openedAt);
    const confirmed = stateOf(facts, gateState("Confirm", request.question))?.doneAt ?? "";
    const last = decision && (confirmed > decision.at ? confirmed : decision.at);
    traces.set(id, { first, last });
  }
  return traces;
}

function stateOf({ states }: Facts, name: string): StateFacts | undefined {
  return states.find(({ state }) => state === name);
}

function phaseOfSteps(target: string, direction: string, version: string): string {
  if (target === "staging") return "rehearse";
  return direction === "rollback" ? "rollback" : `migrate-${version}`;
}

function phaseOfProof(name: string): string {
  if (name.startsWith("staging-")) return "rehearse";
  if (name === "production-restored") return "restore";
  return name === "production-rolled-back" ? "rollback" : "prove";
}

/** The states whose middle lies in that span: a gate's state is entered a moment before the gate opens. */
function statesWithin(facts: Facts, start: string, end: string | null, first: boolean, last: boolean) {
  return facts.states
    .filter((state) => !facts.outcome || state.doneAt !== null || failedIn(facts, state))
    .filter(({ enteredAt, doneAt }) => {
      const middle = (Date.parse(enteredAt) + Date.parse(doneAt ?? enteredAt)) / 2;
      return (first || middle >= Date.parse(start)) && (last || end === null || middle < Date.parse(end));
    });
}

// The state that writes the report is not done while it writes it, and no news to anyone.
function failedIn({ failures }: Facts, { state }: StateFacts): boolean {
  return failures.some((failure) => failure.state === state);
}

function sum(values: readonly (number | null)[]): number {
  return toMilliseconds(values.reduce<number>((total, value) => total + (value ?? 0), 0));
}
