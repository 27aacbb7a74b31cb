import * as z from "zod";
import { Doc, type ReadingDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { applicationRoles, withTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import { type Answer, DONE, runFields, type Task } from "../shared/task.ts";
import { countsFrom, keepReading, lastReading, samplesOf } from "./readings.ts";
import { alone, takeReading } from "./take-reading.ts";
import { isDue, verifyAgain } from "./verify-again.ts";

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
