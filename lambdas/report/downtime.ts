import { count, duration, grouped, secondsBetween, toMilliseconds, total } from "../shared/text.ts";
import type { Facts } from "./facts.ts";
import {
  machineTimeOfCall,
  machineTimeOfGate,
  machineTimeOfMigration,
  readingTimeOf,
  stopSecondsOf,
} from "./machine-time.ts";
import { FINAL, partsOf, predictionsOf } from "./parts.ts";
import type { PhasePart, Report } from "./schema.ts";
import { timelineOf, waitedBetween } from "./timeline.ts";

type Part = Report["downtime"]["parts"][number];

/**
 * Calls between the fence and its lifting, without migrations and gates: fence, record, backup, look for writes, proof,
 * all checks, benchmarks, the application's test, lifting.
 */
const CALLS = 9;

/** Returns how long the application is kept out, predicted and actual, in seconds. Uses the timeline's parts. */
export function downtimeOf(facts: Facts): Report["downtime"] {
  // Only a fence keeps the application out.
  const fences = [facts.fence, facts.fenceAgain]
    .filter((fence) => fence?.mode === "connect")
    .filter((fence) => fence !== null);
  const sum = (of: (from: string, to: string) => number) =>
    fences.length === 0
      ? null
      : toMilliseconds(fences.reduce((all, { at, liftedAt }) => all + of(at, liftedAt ?? facts.asOf), 0));
  const seconds = sum(secondsBetween);
  const waitedSeconds = sum((from, to) => waitedBetween(facts, from, to));
  const parts = termsOf(facts);
  const calls = callsOf(facts);
  if (calls !== null) {
    const told = parts.reduce((all, { took }) => all + (took ?? 0), 0);
    // The rest of the time, once the way forward is complete.
    const gone = facts.fence?.liftedAt && !facts.rollback && !facts.restore && seconds !== null;
    const took = gone ? Math.max(0, seconds - (waitedSeconds ?? 0) - told) : null;
    parts.push(rehearsed("Fence, calls and evidence", calls, took));
  }
  return {
    fencedAt: fences[0]?.at ?? null,
    openedAt: fences.at(-1)?.liftedAt ?? null,
    seconds,
    waitedSeconds,
    predictedSeconds:
      parts.length === 0 ? null : toMilliseconds(parts.reduce((all, part) => all + part.seconds, 0)),
    stopSeconds: stopSecondsOf(facts),
    parts,
    reading: readingTimeOf(facts),
  };
}

/** The parts, grouped by what makes them grow. All migrations are one part. */
function termsOf(facts: Facts): Part[] {
  const { plan, request } = facts;
  const { phases } = timelineOf(facts);
  const parts = partsOf(facts);
  const predictions = predictionsOf(facts);
  const versions = plan.migrations.map(({ version }) => `migrate-${version}`);
  const by = (ids: readonly string[]) => {
    const all = ids.map((id) => predictions.get(id)?.by);
    return all.every((one) => one === "rehearsal") ? "rehearsal" : "plan";
  };
  const planned = (what: string, ids: readonly string[]): Part[] => {
    const seconds = sumOfKnown(ids.map((id) => predictions.get(id)?.seconds ?? null));
    return seconds === null ? [] : [{ what, seconds: toMilliseconds(seconds), by: "plan", took: null }];
  };
  const term = (what: string, ids: readonly string[], named: RegExp): Part[] =>
    of(
      what,
      ids.flatMap((id) => parts.get(id) ?? []).filter((part) => named.test(part.what)),
    );
  const rehearsal = phases.find(({ id, endedAt }) => id === "rehearse" && endedAt !== null);
  const finalCopy = term("Final copy", ["fence"], /^Final copy/);
  const [migrate, prove] = [by(versions), by(["prove"])];
  return [
    ...term("Record production", ["fence"], /^Record /),
    ...(facts.backup?.by === "point-in-time"
      ? finalCopy.length > 0
        ? finalCopy
        : [rehearsed("Final backup: none, with point-in-time", 0, null)]
      : finalSnapshotOf(facts, parts.get("fence") ?? [])),
    ...(request?.rehearse === "inside" && rehearsal
      ? [rehearsed("Rehearsal", rehearsal.seconds ?? 0, rehearsal.seconds)]
      : []),
    ...(migrate === "plan" ? planned("Migrations", versions) : term("Migrations", versions, /^Apply /)),
    ...(prove === "plan"
      ? planned("Prove", ["prove"])
      : [
          ...term("Checks", [...(migrate === "plan" ? [] : versions), "prove"], /^Validate /),
          ...term("Prove the data", ["prove"], /^Prove /),
          ...term("Benchmarks", ["prove"], /^Benchmarks/),
        ]),
    ...gatesOf(facts, phases),
  ];
}

/** Listed also where the rehearsal took the other kind of backup: it is part of the downtime, and not measured. */
function finalSnapshotOf({ snapshots }: Facts, fence: readonly PhasePart[]): Part[] {
  const isRehearsed = snapshots.some(({ purpose }) => purpose === "rehearsal");
  return fence.flatMap((part) => {
    const { what, predictedSeconds, seconds } = part;
    if (what !== FINAL.clone && what !== FINAL.snapshot) return [];
    return isRehearsed && predictedSeconds === null
      ? [rehearsed(`${what}: not measured`, 0, seconds)]
      : of(what, [part]);
  });
}

function of(what: string, parts: readonly PhasePart[]): Part[] {
  const predicted = total(parts.map(({ predictedSeconds }) => predictedSeconds));
  if (parts.length === 0 || predicted === null) return [];
  return [rehearsed(what, predicted, sumOfKnown(parts.map(({ seconds }) => seconds)))];
}

/** Null where none is known. */
function sumOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : total(known);
}

function rehearsed(what: string, seconds: number, took: number | null): Part {
  return {
    what,
    seconds: toMilliseconds(seconds),
    by: "rehearsal",
    took: took === null ? null : toMilliseconds(took),
  };
}

/** Seconds for calls and evidence; null until the rehearsal has measured them. */
function callsOf(facts: Facts): number | null {
  const [call, migration] = [machineTimeOfCall(facts), machineTimeOfMigration(facts)];
  if (call === null || migration === null) return null;
  return CALLS * call + facts.plan.migrations.length * migration;
}

/** Time that the gates behind the fence take, even if each is answered at once. */
function gatesOf(facts: Facts, phases: Report["timeline"]["phases"]): Part[] {
  const gate = machineTimeOfGate(facts);
  if (gate === null) return [];
  const asked = facts.plan.migrations.filter(({ unasked }) => !unasked).length;
  const inside = facts.request?.rehearse === "inside";
  const gates = asked + (inside ? 2 : 1);
  const behind = phases.filter(
    ({ id }) => id.startsWith("gate-after-") || id === "gate-open" || (inside && id === "gate-rehearsal"),
  );
  const own = behind.map(({ startedAt, endedAt, seconds }) =>
    startedAt === null || endedAt === null || seconds === null
      ? null
      : seconds - waitedBetween(facts, startedAt, endedAt),
  );
  const took = sumOfKnown(own);
  return [rehearsed(`${count(gates, "gate")}, opened and confirmed`, gates * gate, took)];
}

/**
 * Returns the downtime, such as `42 s predicted`, or `2 h 45 min planned` while only the plan has a figure. Undefined
 * while nothing is planned or measured.
 */
export function predictedDowntime({ predictedSeconds, parts }: Report["downtime"]): string | undefined {
  if (predictedSeconds === null) return undefined;
  const planned = parts.every(({ by }) => by === "plan");
  return `${duration(predictedSeconds)} ${planned ? "planned" : "predicted"}`;
}

/** Returns the formula of the downtime with the rehearsal's figures; undefined until the rehearsal has measured them. */
export function formulaOf({ reading }: Report["downtime"]): string | undefined {
  if (!reading) return undefined;
  const { fixedSeconds, perTouchedRow, perUntouchedRow, touchedRows, untouchedRows } = reading;
  const million = (seconds: number) => `${duration(seconds * 1_000_000)} per million rows`;
  return (
    "Downtime = stop + fence + backup + record + migrations + checks + proof + gates. Record and proof are a + b × touched rows + c × untouched rows each. " +
    `This rehearsal measured a = ${duration(fixedSeconds)}, b = ${million(perTouchedRow)}, c = ${million(perUntouchedRow)}; ` +
    `rows: ${grouped(String(touchedRows))} in touched tables, ${grouped(String(untouchedRows))} in others.`
  );
}
