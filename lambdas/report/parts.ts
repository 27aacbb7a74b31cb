import { backupKind, RESTORES } from "../moments/restore-cost.ts";
import { type Direction, EVERYTHING, type Target } from "../shared/documents.ts";
import { secondsBetween, toMilliseconds, total } from "../shared/text.ts";
import type { Facts } from "./facts.ts";
import {
  besideWork,
  type Called,
  machineTimeOfCall,
  machineTimeOfMigration,
  machineTimeOn,
  readingTimeOf,
  secondsOf,
  stopSecondsOf,
} from "./machine-time.ts";
import { plannedOf, rehearsedPass } from "./migrations.ts";
import type { PhasePart } from "./schema.ts";

/**
 * Returns the parts of each phase on production, with predicted and actual seconds. Null: not rehearsed, or not done
 * yet.
 */
export function partsOf(facts: Facts): Map<string, PhasePart[]> {
  const { plan, readSeconds } = facts;
  const time = readingTimeOf(facts);
  const reading = time ? secondsOf(time) : lastReading(facts);
  const read = (name: string) => readSeconds[name] ?? null;
  const versions = plan.migrations.map(({ version }) => version);
  const machine = machineTimeOfMigration(facts);
  const from = facts.rollback?.from ?? null;
  const call = machineTimeOfCall(facts);
  const backup = backupOf(facts);
  const calls = (states: readonly Called[], work: readonly (number | null)[]) =>
    call === null ? [] : [part("Calls and evidence", states.length * call, besideWork(facts, states, work))];
  const toUndo = from === null ? [] : versions.slice(0, versions.indexOf(from) + 1);
  const undone = versions
    .toReversed()
    .filter((version) => toUndo.includes(version) || passOf(facts, "production", version, "rollback"));
  return new Map([
    [
      "fence",
      [
        part("Record production", reading, read("before")),
        ...backup,
        // A backup that is a part includes its call.
        ...calls(backup.length > 0 ? FENCE_STATES : [...FENCE_STATES, "Back up production"], [
          read("before"),
          stopSecondsOf(facts),
        ]),
      ],
    ],
    ...versions.map((version): [string, PhasePart[]] => [
      `migrate-${version}`,
      [
        part(`Apply ${version}`, ...both(facts, version, "migrate")),
        part(
          `Validate ${version}`,
          checksOf(facts, "staging", version),
          checksOf(facts, "production", version),
        ),
        ...(machine === null ? [] : [part("Calls and evidence", machine, machineTimeOn(facts, version))]),
      ],
    ]),
    [
      "prove",
      [
        part("Prove the data", reading, read("after-production-data")),
        part(
          "Validate everything",
          // Older runs did not rehearse this.
          total(
            versions.map(
              (version) => checksOf(facts, "staging", version, true) ?? checksOf(facts, "staging", version),
            ),
          ),
          total(versions.map((version) => checksOf(facts, "production", version, true))),
        ),
        part("Benchmarks", benchmarkSeconds(facts, "staging"), benchmarkSeconds(facts, "production")),
        ...calls(PROVE_STATES, [
          read("after-production-data"),
          total(versions.map((version) => checksOf(facts, "production", version, true))),
          benchmarkSeconds(facts, "production"),
        ]),
      ],
    ],
    [
      "rollback",
      // If only the restore leads back, nothing is rolled back.
      facts.rollback?.restoreFrom !== undefined
        ? []
        : [
            ...undone.map((version) => part(`Roll back ${version}`, ...both(facts, version, "rollback"))),
            part("Prove it back", reading, read("after-production-rolled-back")),
          ],
    ],
    [
      "restore",
      [
        part(
          RESTORES[backupKind(facts.backup, facts.request?.settings)],
          stagingRestored(facts),
          restored(facts),
        ),
        part("Prove it back", reading, read("after-production-restored")),
      ],
    ],
    ["open", (facts.afterOpening?.results ?? []).map(({ title, seconds }) => part(title, null, seconds))],
  ]);
}

// A rehearsal does not stop the application. That time is reported apart from the parts.
const FENCE_STATES: readonly Called[] = [
  ["Silence the alarms", "Stop the application"],
  "Fence production",
  "Record production",
];
const PROVE_STATES = [
  "Prove the data",
  "Validate everything on production",
  "Benchmark production",
  "Test the application",
];

export const FINAL = { clone: "Final clone", snapshot: "Final snapshot" } as const;

/** True if staging came from a clone, which does not predict how long a snapshot takes. */
function isCloned({ snapshots }: Facts): boolean {
  return snapshots.some(({ purpose, clone }) => purpose === "rehearsal" && clone === true);
}

/** The moment is noted with the record. It takes time only where the server keeps it by a copy. */
function backupOf(facts: Facts): PhasePart[] {
  const snapshot = snapshotSeconds(facts, "rehearsal");
  const kind = backupKind(facts.backup, facts.request?.settings);
  if (kind !== "moment") {
    const same = (kind === "clone") === isCloned(facts);
    const what = kind === "clone" ? FINAL.clone : FINAL.snapshot;
    return [part(what, same ? snapshot : null, snapshotSeconds(facts, "final"))];
  }
  if (facts.production?.moments?.by !== "copy") return [];
  return [part("Final copy", snapshot, besideWork(facts, ["Back up production"], []))];
}

/**
 * For older runs, which do not break a reading down. The first reading of a restored volume loads it, and production's
 * is loaded already. So the proof of the last rollback counts.
 */
function lastReading({ plan, stagingRecord, readSeconds }: Facts): number | null {
  const proofs = plan.migrations.toReversed().map(({ version }) => readSeconds[`after-staging-${version}`]);
  return proofs.find((seconds) => seconds !== undefined) ?? stagingRecord?.seconds ?? null;
}

function part(what: string, predictedSeconds: number | null, seconds: number | null): PhasePart {
  const rounded = (value: number | null) => (value === null ? null : toMilliseconds(value));
  return { what, predictedSeconds: rounded(predictedSeconds), seconds: rounded(seconds) };
}

function passOf({ steps }: Facts, target: Target, version: string, direction: Direction) {
  return steps.findLast(
    (doc) => doc.target === target && doc.version === version && doc.direction === direction,
  );
}

function both(facts: Facts, version: string, direction: Direction): [number | null, number | null] {
  return [
    rehearsedPass(facts.steps, version, direction),
    passOf(facts, "production", version, direction)?.seconds ?? null,
  ];
}

/** Each migration's checks run after it and, `again`, after all migrations. */
function checksOf({ checks }: Facts, target: Target, version: string, again = false): number | null {
  return (
    checks.findLast(
      (doc) => doc.target === target && doc.version === version && (doc.round === EVERYTHING) === again,
    )?.seconds ?? null
  );
}

function snapshotSeconds({ snapshots }: Facts, purpose: "rehearsal" | "final"): number | null {
  const snapshot = snapshots.find((found) => found.purpose === purpose);
  const began = snapshot?.beganAt ?? snapshot?.createdAt;
  return snapshot && began ? secondsBetween(began, snapshot.at) : null;
}

/** Seconds of the benchmarks that production has data for. Those on generated data are not run there. */
function benchmarkSeconds({ benchmarks }: Facts, target: Target): number | null {
  const results = benchmarks[target]?.results;
  if (!results) return null;
  return total(
    results
      .filter(({ generated }) => !generated)
      .map(({ seconds, p50Ms, runs }) => seconds ?? ((p50Ms ?? 0) * runs) / 1000),
  );
}

function stagingRestored(facts: Facts): number | null {
  const { staging, stagingAgain, snapshots } = facts;
  if (stagingAgain) return stagingAgain.seconds;
  // A clone skips the copying of the volume, so that was not rehearsed.
  if (isCloned(facts) && backupKind(facts.backup, facts.request?.settings) !== "clone") return null;
  const snapshot = snapshots.find(({ purpose }) => purpose === "rehearsal") ?? snapshots[0];
  return staging && snapshot ? secondsBetween(snapshot.at, staging.at) : null;
}

function restored({ restore, proofs, readSeconds }: Facts): number | null {
  const proof = proofs.find(({ name }) => name === "production-restored");
  if (!restore || !proof) return null;
  return Math.max(0, secondsBetween(restore.at, proof.at) - (readSeconds["after-production-restored"] ?? 0));
}

interface Prediction {
  seconds: number;
  by: "plan" | "rehearsal";
}

/** Returns the expected seconds of each phase on production: by the plan, or by the rehearsal once it has measured them. */
export function predictionsOf(facts: Facts): Map<string, Prediction> {
  const by = new Map<string, Prediction>();
  for (const [id, seconds] of plannedOf(facts)) by.set(id, { seconds, by: "plan" });
  for (const [id, parts] of partsOf(facts)) {
    const seconds = parts.map(({ predictedSeconds }) => predictedSeconds).filter((part) => part !== null);
    // A phase is predicted by its parts only if all have a figure.
    if (parts.length > 0 && seconds.length === parts.length)
      by.set(id, { seconds: toMilliseconds(seconds.reduce((sum, part) => sum + part, 0)), by: "rehearsal" });
  }
  return by;
}
