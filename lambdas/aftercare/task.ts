import * as z from "zod";
import { type AftercareDoc, Doc } from "../shared/documents.ts";
import type { Instance, Ports, WatchScheduleDoc } from "../shared/ports.ts";
import { DONE, runFields, type Task } from "../shared/task.ts";

const event = z.strictObject(runFields);

const EVERY_MINUTES = 5;
const FIRST_HOURS = 24;
const THEN_EVERY_MINUTES = 60;
const THEN_DAYS = 7;
const MINUTE_MS = 60_000;

/** Follows a success from outside the database: checks the automated backups and starts the watch. */
export const aftercareTask: Task<z.infer<typeof event>> = {
  name: "aftercare",
  event,
  async run({ run, execution, planChecksum, cleanUp }, ports, evidence) {
    const { instances, settings, clock, plan } = ports;
    const now = clock.now();
    const call = {
      run,
      execution,
      planChecksum,
      // For a stopped run only its clean-up may act.
      ...(cleanUp === undefined ? {} : { cleanUp }),
      state: "Watch",
      action: "probe",
    };
    const known = await evidence.read(Doc.aftercare);
    if (known) {
      // The run scheduled the watch before it was stopped, under its own name, which is refused from then on.
      if (known.watch && cleanUp !== undefined)
        await ports.schedules.startWatch(settings.label, call, later(now, EVERY_MINUTES), known.watch);
      return DONE;
    }
    await evidence.getOrCreate(Doc.aftercare, async () => {
      const instance = await instances.describe(settings.instance);
      return {
        at: now.toISOString(),
        backups: backupsOf(instance),
        freeBytes: instance?.freeBytes ?? null,
        watch: plan.watch ? await startWatch(ports, call, now) : null,
      };
    });
    return DONE;
  },
};

function backupsOf(instance: Instance | undefined): AftercareDoc["backups"] {
  const expected = "automated backups are on";
  const backups = instance?.backups;
  if (!backups) return { passed: null, expected, seen: "not reported by this server" };
  if (backups.days === 0) return { passed: false, expected, seen: "they are off" };
  const until = backups.until === undefined ? "" : `, can be restored up to ${backups.until}`;
  return { passed: true, expected, seen: `kept for ${backups.days} days${until}` };
}

async function startWatch(
  { schedules, settings }: Ports,
  call: Readonly<Record<string, string>>,
  now: Date,
): Promise<WatchScheduleDoc | null> {
  // The run itself takes the first reading.
  const from = later(now, EVERY_MINUTES);
  const until = later(now, FIRST_HOURS * 60);
  const schedule = {
    everyMinutes: EVERY_MINUTES,
    until: until.toISOString(),
    thenEveryMinutes: THEN_EVERY_MINUTES,
    ends: later(until, THEN_DAYS * 24 * 60).toISOString(),
  };
  return (await schedules.startWatch(settings.label, call, from, schedule)) ? schedule : null;
}

function later(moment: Date, minutes: number): Date {
  return new Date(moment.getTime() + minutes * MINUTE_MS);
}
