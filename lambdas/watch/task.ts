import * as z from "zod";
import { type CheckResult, Doc, type ReadingDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { applicationRoles, withTarget } from "../shared/places.ts";
import { migrationOf } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { type Answer, DONE, runFields, type Task } from "../shared/task.ts";
import { runChecks } from "../validate/run-checks.ts";
import { readCounters } from "./read-metric.ts";
import { countsFrom, FAILED_CHECKS, keepReading, lastReading, samplesOf } from "./readings.ts";
import { alone, takeReading } from "./take-reading.ts";

const event = z.strictObject({
  ...runFields,
  /** `rehearse` reads staging, `begin` takes the run's own reading, `probe` is called by the schedule. */
  action: z.enum(["rehearse", "begin", "probe"]),
});

/** Measures the plan's metrics. Reads only, with tight timeouts, and never twice at a time. */
export const watchTask: Task<z.infer<typeof event>> = {
  name: "watch",
  event,
  run({ action }, ports, evidence) {
    if (!ports.plan.watch) return Promise.resolve(DONE);
    if (action === "rehearse") return rehearse(ports, evidence);
    return read(action, ports, evidence);
  },
};

/** Finds a metric whose query fails on staging, before anyone relies on it. */
async function rehearse(ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const reading = await evidence.getOrCreate(Doc.watchRehearsed, () =>
    withTarget(ports, evidence, "staging", (session) =>
      takeReading(session, { ...wishes(ports), freeBytes: null }),
    ),
  );
  refuseBroken(reading, "on staging");
  return DONE;
}

async function read(action: "begin" | "probe", ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const last = await lastReading(evidence);
  // A second call finds the run's own reading.
  if (action === "begin" && last) return DONE;
  const before = await countsFrom(evidence, last);
  // The function in the database's network may not reach the RDS API for the disk; CloudWatch watches the disk itself.
  const aftercare = action === "begin" ? await evidence.read(Doc.aftercare) : undefined;
  const freeBytes = aftercare?.freeBytes ?? null;
  const outcome = await withTarget(ports, evidence, "production", (session) =>
    alone(session, evidence.run, () => takeReading(session, { ...wishes(ports), freeBytes, before })),
  );
  if ("because" in outcome) return stoodBack(outcome.because);
  const reading = await keepReading(evidence, outcome.value, last);
  const plan = ports.plan.checksum === ports.plans.standard ? "deployed" : "published";
  ports.metrics.publish(samplesOf(reading, plan));
  if (action === "probe" && (await isDue(ports, evidence))) await verifyAgain(ports, evidence);
  refuseBroken(reading, "on production");
  return { ...DONE, alerts: reading.values.filter(({ standing }) => standing === "alert").length };
}

function wishes(ports: Ports) {
  return {
    plan: ports.plan,
    roles: applicationRoles(ports),
    progress: (line: string) => ports.progress(line),
    now: () => ports.clock.now(),
  };
}

function refuseBroken({ values }: Pick<ReadingDoc, "values">, where: string): void {
  const broken = values.filter((value) => value.broken);
  if (broken.length === 0) return;
  throw new SluiceError(
    ErrorName.CheckFailed,
    `The watch cannot read ${where}: ${broken.map(({ title, note }) => `${title} (${note})`).join("; ")}`,
  );
}

function stoodBack(because: string): Answer {
  return { status: "stood back", because };
}

/** The application is in: give up early what waits for it or delays it. */
const GUARDS = "SET statement_timeout = 60000; SET lock_timeout = 1000";

/** True from the planned time after the opening until it is done. */
async function isDue({ plan, clock }: Ports, evidence: RunEvidence): Promise<boolean> {
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
async function verifyAgain(ports: Ports, evidence: RunEvidence): Promise<void> {
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
