import { type CheckResult, Doc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { applicationRoles, withTarget } from "../shared/places.ts";
import { migrationOf } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { runChecks } from "../validate/run-checks.ts";
import { readCounters } from "./read-metric.ts";
import { FAILED_CHECKS } from "./readings.ts";

/** The application is in: give up early what waits for it or delays it. */
const GUARDS = "SET statement_timeout = 60000; SET lock_timeout = 1000";

/** True from the planned time after the opening until it is done. */
export async function isDue({ plan, clock }: Ports, evidence: RunEvidence): Promise<boolean> {
  const wanted = plan.watch?.verifyAgain;
  if (!wanted || (await evidence.read(Doc.verifiedAgain))) return false;
  const opened = await evidence.read(Doc.afterOpening);
  return (
    opened !== undefined && clock.now().getTime() >= Date.parse(opened.at) + wanted.afterMinutes * 60_000
  );
}

/**
 * Runs the checks of some migrations once more, under the application's load. Their rolled-back writes show in the
 * watch's counters, so these are read again for the next reading to count from.
 * @throws SluiceError CheckFailed with every failed check
 */
export async function verifyAgain(ports: Ports, evidence: RunEvidence): Promise<void> {
  const { plan, clock } = ports;
  const migrations = [...(plan.watch?.verifyAgain?.migrations ?? [])];
  const at = clock.now().toISOString();
  const results = await withTarget(ports, evidence, "production", async (session) => {
    await session.exec(GUARDS);
    const all: CheckResult[] = [];
    for (const version of migrations)
      all.push(...(await runChecks(session, migrationOf(plan, version).validate, applicationRoles(ports))));
    await session.query("SELECT pg_stat_force_next_flush()");
    return all;
  });
  const counters = await withTarget(ports, evidence, "production", (session) =>
    readCounters(session, plan.watch?.metrics ?? []),
  );
  const doc = await evidence.createOnce(Doc.verifiedAgain, {
    at,
    endedAt: clock.now().toISOString(),
    migrations,
    results,
    counters,
  });
  const failed = doc.results.filter(({ passed }) => !passed);
  ports.metrics.publish([{ name: FAILED_CHECKS, unit: "", value: failed.length }]);
  if (failed.length === 0) return;
  throw new SluiceError(
    ErrorName.CheckFailed,
    `${failed.length} checks that passed before the opening fail now: ${failed
      .slice(0, 5)
      .map(({ name, expected, seen }) => `${name} (expected ${expected}, seen ${seen})`)
      .join("; ")}`,
  );
}
