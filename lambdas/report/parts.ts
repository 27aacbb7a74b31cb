import { type Direction, EVERYTHING, type Target } from "../shared/documents.ts";
import type { Facts } from "./facts.ts";
import { machineTimeOfMigration, machineTimeOn } from "./machine-time.ts";
import type { PhasePart } from "./schema.ts";
import { secondsBetween, toMilliseconds, total } from "./words.ts";

/**
 * What a phase on production is made of: what the rehearsal says of each part, and how long it took. Null where it was
 * not rehearsed, or not done (yet). The last time on staging counts, when it was warm, as production is.
 */
export function partsOf(facts: Facts): Map<string, PhasePart[]> {
  const { plan, readSeconds } = facts;
  const reading = lastReading(facts);
  const read = (name: string) => readSeconds[name] ?? null;
  const versions = plan.migrations.map(({ version }) => version);
  const machine = machineTimeOfMigration(facts);
  const from = facts.rollback?.from ?? null;
  const toUndo = from === null ? [] : versions.slice(0, versions.indexOf(from) + 1);
  const undone = versions
    .toReversed()
    .filter((version) => toUndo.includes(version) || passOf(facts, "production", version, "rollback"));
  return new Map([
    [
      "fence",
      [
        part("Record production", reading, read("before")),
        // The moment is noted with the record, and costs nothing.
        ...(facts.backup?.by === "point-in-time"
          ? []
          : [part("Final snapshot", snapshotSeconds(facts, "rehearsal"), snapshotSeconds(facts, "final"))]),
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
          // Older runs did not rehearse it.
          total(
            versions.map(
              (version) => checksOf(facts, "staging", version, true) ?? checksOf(facts, "staging", version),
            ),
          ),
          total(versions.map((version) => checksOf(facts, "production", version, true))),
        ),
        part("Benchmarks", benchmarkSeconds(facts, "staging"), benchmarkSeconds(facts, "production")),
      ],
    ],
    [
      "rollback",
      // Where only the restore leads back, nothing is rolled back.
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
          facts.backup?.by === "point-in-time" ? "Restore to the moment" : "Restore the snapshot",
          stagingRestored(facts),
          restored(facts),
        ),
        part("Prove it back", reading, read("after-production-restored")),
      ],
    ],
    ["open", (facts.afterOpening?.results ?? []).map(({ title, seconds }) => part(title, null, seconds))],
  ]);
}

/** The first time a restored volume is read it loads; production's is loaded. So the last rollback's proof counts. */
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
    passOf(facts, "staging", version, direction)?.seconds ?? null,
    passOf(facts, "production", version, direction)?.seconds ?? null,
  ];
}

/** Each migration's checks are run after it and, when all of them stand, once more: `again`. */
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

/** Of those that production has data for: what staging was measured with generated data takes no time there. */
function benchmarkSeconds({ benchmarks }: Facts, target: Target): number | null {
  const results = benchmarks[target]?.results;
  if (!results) return null;
  return total(
    results
      .filter(({ generated }) => !generated)
      .map(({ seconds, p50Ms, runs }) => seconds ?? ((p50Ms ?? 0) * runs) / 1000),
  );
}

function stagingRestored({ staging, stagingAgain, snapshots }: Facts): number | null {
  if (stagingAgain) return stagingAgain.seconds;
  const snapshot = snapshots.find(({ purpose }) => purpose === "rehearsal") ?? snapshots[0];
  return staging && snapshot ? secondsBetween(snapshot.at, staging.at) : null;
}

function restored({ restore, proofs, readSeconds }: Facts): number | null {
  const proof = proofs.find(({ name }) => name === "production-restored");
  if (!restore || !proof) return null;
  return Math.max(0, secondsBetween(restore.at, proof.at) - (readSeconds["after-production-restored"] ?? 0));
}
