import type { SpentDoc } from "../shared/documents.ts";
import { stateInWords } from "../shared/names.ts";
import { secondsBetween, total } from "../shared/text.ts";
import type { Facts } from "./facts.ts";

// Beside the work itself a state takes time: the call, the session, the evidence, the step to the next state. With many
// migrations that is the most of a downtime, so the rehearsal measures it, and the prediction has it. All in seconds.

/** Of a migration on production, applied and validated, by the rehearsal; null while it has not shown it. */
export function machineTimeOfMigration(facts: Facts): number | null {
  const { plan, steps } = facts;
  const versions = plan.migrations.map(({ version }) => version);
  // A rollback does what an apply does on production; an apply on staging also reads what the database holds.
  const rollbacks = versions.map((version) =>
    beside(
      spanOf(facts, stateInWords("Roll back on staging", version)),
      steps.find(
        (doc) => doc.target === "staging" && doc.version === version && doc.direction === "rollback",
      ),
    ),
  );
  const validated = machineTimeOfCall(facts);
  return total([validated, middle(rollbacks) ?? validated]);
}

/** Of a state that does little else, by those that validated on staging; null while the rehearsal has not shown it. */
export function machineTimeOfCall(facts: Facts): number | null {
  return middle(
    facts.plan.migrations.map(({ version }) =>
      beside(
        spanOf(facts, stateInWords("Validate on staging", version)),
        facts.checks.find((doc) => doc.target === "staging" && doc.version === version && doc.round === "1"),
      ),
    ),
  );
}

/** What it was of that migration; null while it is not done. */
export function machineTimeOn(facts: Facts, version: string): number | null {
  const applied = facts.steps.find(
    (doc) => doc.target === "production" && doc.version === version && doc.direction === "migrate",
  );
  const checked = facts.checks.find(
    (doc) => doc.target === "production" && doc.version === version && doc.round === "1",
  );
  return total([
    beside(spanOf(facts, stateInWords("Apply to production", version)), applied),
    beside(spanOf(facts, stateInWords("Validate on production", version)), checked),
  ]);
}

/**
 * Of a gate that is answered at once: opened and confirmed. The gate before production opens like those in the downtime:
 * it reads the catalog. The first gate is confirmed like those: behind the fence nothing is committed meanwhile, and the
 * catalog is not read again. Null while the rehearsal has not shown it.
 */
export function machineTimeOfGate(facts: Facts): number | null {
  const opened = (kind: string): number | null => {
    const gate = facts.gates.find(({ request }) => request.kind === kind);
    // In evidence of older runs a state before it said how long it may be open.
    const prepared =
      facts.states.find(({ state }) => state === `Time: ${kind}`) ??
      facts.states.find(({ state }) => state === `Gate: ${kind}`);
    return gate && prepared ? secondsBetween(prepared.enteredAt, gate.request.openedAt) : null;
  };
  const [before, confirmed] = [opened("rehearsal"), spanOf(facts, "Confirm: readiness")];
  return before === null || confirmed === null ? null : before + confirmed;
}

/** A state, or some that are side by side, whose time counts once. */
export type Called = string | readonly string[];

/**
 * Of the states that do the parts of a phase: what they took beside those parts, to be held against as many calls as the
 * rehearsal showed. Null where one of them is not done.
 */
export function besideWork(
  facts: Facts,
  called: readonly Called[],
  work: readonly (number | null)[],
): number | null {
  const [all, done] = [
    total(called.map((one) => spanOfAll(facts, typeof one === "string" ? [one] : one))),
    total(work.filter((one) => one !== null)),
  ];
  return all === null || done === null ? null : Math.max(0, all - done);
}

/** From when the first of them was entered until the last was done; null where one is not done. */
function spanOfAll({ states }: Facts, names: readonly string[]): number | null {
  const found = states.filter(({ state }) => names.includes(state));
  const entered = found.map(({ enteredAt }) => enteredAt).sort();
  const done = found.flatMap(({ doneAt }) => doneAt ?? []).sort();
  const [first, last] = [entered[0], done.at(-1)];
  return first === undefined || last === undefined || done.length < found.length
    ? null
    : secondsBetween(first, last);
}

/** What the application's stop took; null where nothing was stopped. No rehearsal shows it. */
export function stopSecondsOf(facts: Facts): number | null {
  const stopped = facts.hooks.some(({ evidence }) => evidence === "hooks/stop");
  return stopped ? spanOfAll(facts, ["Stop the application"]) : null;
}

/** From when a state was entered until the one after it was; null where there is none yet. */
function spanOf({ states }: Facts, name: string): number | null {
  const place = states.findIndex(({ state }) => state === name);
  const [state, next] = [states[place], states[place + 1]];
  return state && next ? secondsBetween(state.enteredAt, next.enteredAt) : null;
}

function beside(span: number | null, work: { seconds: number } | undefined): number | null {
  return span === null || !work ? null : Math.max(0, span - work.seconds);
}

function middle(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? null;
}

/**
 * How long it takes to record a database, or to prove it: a + b x touched rows + c x untouched rows. All in seconds. The
 * touched rows are those of tables whose values are read, as the rehearsal touched them.
 */
interface ReadingTime {
  fixedSeconds: number;
  perTouchedRow: number;
  perUntouchedRow: number;
  touchedRows: number;
  untouchedRows: number;
}

/** One reading of staging, when its storage was warm. */
export interface StagingReading {
  seconds: number;
  spent: SpentDoc;
}

/** By what the rehearsal measured; null while it has not. */
export function readingTimeOf({ stagingReadings, stagingRecord, changes }: Facts): ReadingTime | null {
  const seen = changes.find(({ evidence }) => evidence === "changes/staging");
  if (!seen || !stagingRecord || stagingReadings.length === 0) return null;
  const touched = new Set(seen.touched);
  const rows = (of: (table: string) => boolean) =>
    stagingRecord.tables.reduce((sum, { table, rows }) => sum + (of(table) ? Number(rows) : 0), 0);
  const beside = stagingReadings.map(({ seconds, spent }) =>
    Math.max(0, seconds - spent.compared.seconds - spent.read.seconds),
  );
  const compared = perRow(stagingReadings.map(({ spent }) => spent.compared));
  // Where no rollback touched a row, the reading that tested the backup is all that there is.
  const read =
    perRow(stagingReadings.map(({ spent }) => spent.read)) ??
    perRow(stagingRecord.spent ? [stagingRecord.spent.read] : []);
  return {
    fixedSeconds: beside.sort((a, b) => a - b)[Math.floor(beside.length / 2)] ?? 0,
    perTouchedRow: (compared ?? 0) + (read ?? 0),
    perUntouchedRow: compared ?? 0,
    touchedRows: rows((table) => touched.has(table)),
    untouchedRows: rows((table) => !touched.has(table)),
  };
}

export function secondsOf(time: ReadingTime): number {
  return (
    time.fixedSeconds + time.perTouchedRow * time.touchedRows + time.perUntouchedRow * time.untouchedRows
  );
}

function perRow(times: readonly SpentDoc["read"][]): number | undefined {
  const rows = times.reduce((sum, time) => sum + time.rows, 0);
  return rows === 0 ? undefined : times.reduce((sum, time) => sum + time.seconds, 0) / rows;
}
