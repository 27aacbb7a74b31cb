import type { SpentDoc } from "../shared/documents.ts";
import { stateInWords } from "../shared/names.ts";
import { secondsBetween, total } from "../shared/text.ts";
import type { Facts } from "./facts.ts";

// Each state takes time beside its work: the call, the session, the evidence, the transition. With many migrations that
// is most of the downtime, so the rehearsal measures it and the prediction includes it. All in seconds.

/** Returns the predicted machine time to apply and validate one migration on production; null until it is measured. */
export function machineTimeOfMigration(facts: Facts): number | null {
  const { plan, steps } = facts;
  const versions = plan.migrations.map(({ version }) => version);
  // A rollback on staging takes as long as an apply on production. An apply on staging also reads the database.
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

/** Returns the machine time of one simple state, measured by the validations on staging; null until it is measured. */
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

/** Returns the actual machine time of that migration on production; null until it is done. */
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
 * Returns the machine time to open and confirm a gate, without the wait for people. The gate before production opens like
 * the gates in the downtime: it reads the catalog. The first gate is confirmed like them: nothing is committed behind
 * the fence, so the catalog is not read again. Null until the rehearsal has measured it.
 */
export function machineTimeOfGate(facts: Facts): number | null {
  const opened = (kind: string): number | null => {
    const gate = facts.gates.find(({ request }) => request.kind === kind);
    // In the evidence of older runs, a separate state before the gate set its time.
    const prepared =
      facts.states.find(({ state }) => state === `Time: ${kind}`) ??
      facts.states.find(({ state }) => state === `Gate: ${kind}`);
    return gate && prepared ? secondsBetween(prepared.enteredAt, gate.request.openedAt) : null;
  };
  const [before, confirmed] = [opened("rehearsal"), spanOf(facts, "Confirm: readiness")];
  return before === null || confirmed === null ? null : before + confirmed;
}

/** A state, or parallel states whose time counts once. */
export type Called = string | readonly string[];

/**
 * Returns what the states of a phase took beside their work, to compare with the predicted time of as many calls. Null
 * if one of them is not done.
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

/** Time from the first entry to the last end of these states; null if one is not done. */
function spanOfAll({ states }: Facts, names: readonly string[]): number | null {
  const found = states.filter(({ state }) => names.includes(state));
  const entered = found.map(({ enteredAt }) => enteredAt).sort();
  const done = found.flatMap(({ doneAt }) => doneAt ?? []).sort();
  const [first, last] = [entered[0], done.at(-1)];
  return first === undefined || last === undefined || done.length < found.length
    ? null
    : secondsBetween(first, last);
}

/** Returns what the application's stop took; null if nothing was stopped. A rehearsal cannot measure it. */
export function stopSecondsOf(facts: Facts): number | null {
  const stopped = facts.hooks.some(({ evidence }) => evidence === "hooks/stop");
  return stopped ? spanOfAll(facts, ["Stop the application"]) : null;
}

/** Time from the entry of a state to the entry of the next one; null if there is no next one yet. */
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
 * Time to record or prove a database: a + b x touched rows + c x untouched rows. All in seconds. Touched rows are those
 * of tables that the rehearsal touched: their values are read.
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

/** Returns the figures of the rehearsal; null until it has measured them. */
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
  // If no rollback touched a row, only the reading that tested the backup gives a figure.
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
