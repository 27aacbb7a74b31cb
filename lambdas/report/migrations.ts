import { changesText } from "../proof/changes-in-words.ts";
import { Doc, type HeldLockDoc, type StepsDoc, type Target } from "../shared/documents.ts";
import { noticeText } from "../shared/plan.ts";
import { toMilliseconds } from "../shared/text.ts";
import type { Facts } from "./facts.ts";
import type { MigrationReport, Report } from "./schema.ts";

/** Returns what each migration did on each target, in the plan's order. */
export function migrationsOf(facts: Facts): MigrationReport[] {
  const planned = plannedOf(facts);
  return facts.plan.migrations.map(({ version, title, folder, restoreOnly, leaves }) => ({
    version,
    title,
    expectedSeconds: planned.get(`migrate-${version}`) ?? null,
    notices: (facts.plan.notices ?? []).filter(({ file }) => file.startsWith(`${folder}/`)).map(noticeText),
    ...(restoreOnly ? { wayBack: "restore" as const } : {}),
    ...(leaves ? { leaves: [...leaves] } : {}),
    changes: changesOf(facts, version),
    staging: sideOf(facts, "staging", version),
    production: sideOf(facts, "production", version),
  }));
}

function changesOf({ changes }: Facts, version: string): MigrationReport["changes"] {
  const seen = changes.find(({ evidence }) => evidence === Doc.changes(`staging-${version}`));
  return seen
    ? {
        text: changesText(seen),
        tables: seen.tables.map(({ table, fate, to, partitionOf, rowsBefore, rows, columns }) => ({
          table,
          fate: fate ?? null,
          to: to ?? null,
          partitionOf: partitionOf ?? null,
          rowsBefore,
          added: rows?.added ?? "0",
          removed: rows?.removed ?? "0",
          changed: rows?.changed ?? "0",
          mixed: rows?.mixed ?? false,
          columns: columns.map(({ column, how, from, to }) => ({
            column,
            how,
            from: from ?? null,
            to: to ?? null,
          })),
        })),
        sequences: seen.sequences.map(({ sequence, from, to }) => ({ sequence, from, to })),
        evidence: [seen.evidence],
      }
    : null;
}

/** Returns all locks of these steps that others would have waited for, the longest first. */
export function longestLocks(steps: readonly { locks: readonly HeldLockDoc[] }[]): HeldLockDoc[] {
  return steps.flatMap(({ locks }) => locks).sort((a, b) => b.seconds - a.seconds);
}

/**
 * Returns the fastest time of a pass on staging, in seconds; null: not rehearsed. Production resembles both of staging's
 * passes: it has no dead rows, like staging in the first pass, and warm storage, like staging in the last.
 */
export function rehearsedPass(
  all: Facts["steps"],
  version: string,
  direction: StepsDoc["direction"],
): number | null {
  return fastest(rehearsedOf(all, version, direction));
}

/** The same for one step. */
function rehearsedSeconds(
  all: Facts["steps"],
  { version, direction }: StepsDoc,
  name: string,
): number | null {
  const steps = rehearsedOf(all, version, direction).flatMap((doc) => doc.steps);
  return fastest(steps.filter((step) => step.name === name));
}

function rehearsedOf(all: Facts["steps"], version: string, direction: StepsDoc["direction"]) {
  return all.filter(
    (doc) => doc.target === "staging" && doc.version === version && doc.direction === direction,
  );
}

function fastest(times: readonly { seconds: number }[]): number | null {
  return times.length === 0 ? null : Math.min(...times.map(({ seconds }) => seconds));
}

function sideOf({ steps, checks }: Facts, target: Target, version: string): MigrationReport["staging"] {
  const mine = (doc: { target: Target; version: string }) => doc.target === target && doc.version === version;
  return {
    passes: steps.filter(mine).map((doc) => ({
      direction: doc.direction,
      round: doc.round,
      startedAt: doc.startedAt,
      endedAt: doc.endedAt,
      seconds: doc.seconds,
      steps: doc.steps.map((step) => ({
        name: step.name,
        at: step.at,
        startedAt: step.startedAt,
        seconds: step.seconds,
        predictedSeconds: target === "staging" ? null : rehearsedSeconds(steps, doc, step.name),
        gaveWay: step.gaveWay,
        // A dropped table takes its counters with it, so a negative difference is no row count.
        rows: step.rows !== null && step.rows < 0 ? null : step.rows,
        walBytes: step.walBytes,
        sizeBytes: step.sizeBytes,
        locks: step.locks,
        waits: step.waits,
        notes: step.notes,
      })),
      evidence: [doc.evidence],
    })),
    checks: checks.filter(mine).map((doc) => ({
      at: doc.at,
      round: doc.round,
      seconds: doc.seconds,
      results: doc.results.map(({ name, at, as, passed, expected, seen }) => ({
        name,
        at,
        as,
        passed,
        expected,
        seen,
      })),
      evidence: [doc.evidence],
    })),
  };
}

/** Returns the locks that production's steps held against others, and what the steps waited for. */
export function locksOf({ steps }: Facts): Report["locks"] {
  const onProduction = steps
    .filter(({ target }) => target === "production")
    .flatMap(({ version, steps }) => steps.map((step) => ({ version, ...step })));
  if (onProduction.length === 0) return null;
  const held = onProduction
    .flatMap(({ version, name, locks }) => locks.map((lock) => ({ ...lock, version, step: name })))
    .sort((a, b) => b.seconds - a.seconds);
  const sum = (values: readonly number[]) => toMilliseconds(values.reduce((all, value) => all + value, 0));
  return {
    longest: held[0] ?? null,
    // The locks of one step are held at the same time.
    heldSeconds: sum(onProduction.map(({ locks }) => Math.max(0, ...locks.map(({ seconds }) => seconds)))),
    gaveWay: sum(onProduction.map(({ gaveWay }) => gaveWay)),
    waitedSeconds: sum(onProduction.flatMap(({ waits }) => waits.map(({ seconds }) => seconds))),
  };
}

/**
 * Returns the seconds that the plan expects for each phase of the timeline, by phase id. The plan's minutes are for
 * production, so a run on copies has none.
 */
export function plannedOf({ plan, request }: Pick<Facts, "plan" | "request">): ReadonlyMap<string, number> {
  if (request?.copyOf !== undefined) return new Map();
  const { admit, prove, open } = plan.expectedMinutes ?? {};
  const planned: (readonly [string, number | undefined])[] = [
    ["admit", admit],
    ...plan.migrations.map((one) => [`migrate-${one.version}`, one.expectedMinutes] as const),
    ["prove", prove],
    ["open", open],
  ];
  return new Map(planned.flatMap(([id, minutes]) => (minutes === undefined ? [] : [[id, minutes * 60]])));
}
