import { DateTime } from "luxon";
import type { RunWindow } from "../shared/documents.ts";
import { DAYS, LONGEST_WINDOW_HOURS, type MaintenanceWindow } from "../shared/settings.ts";

/**
 * The opening of the maintenance window that bounds a run started at that moment: the one that is open or, where none
 * is, the next. An override lets the run begin at any time and go past the end of an opening: then it is the next to
 * begin, so that there is an end in any case.
 */
export function windowOf(window: MaintenanceWindow, now: Date, override: string | undefined): RunWindow {
  const coming = openings(window, now);
  const open = coming.findLast(({ begins }) => begins <= now);
  const next = coming.find(({ begins }) => begins > now);
  const bound = override === undefined ? (open ?? next) : next;
  if (!bound) throw new Error(`The maintenance window ${windowText(window)} never opens`);
  return {
    begins: bound.begins.toISOString(),
    ends: bound.ends.toISOString(),
    override: override ?? null,
  };
}

/** True for a run that began before its opening, and was not allowed to. */
export function isOutside({ begins, override }: RunWindow, startedAt: string): boolean {
  return override === null && startedAt < begins;
}

/** Such as `sat, sun from 01:00, 6 h, Europe/Berlin`. */
export function windowText({ days, from, hours, timeZone }: MaintenanceWindow): string {
  const when = days.length === DAYS.length ? "every day" : days.join(", ");
  return `${when} from ${from}, ${hours} h, ${timeZone}`;
}

interface Opening {
  begins: Date;
  ends: Date;
}

/** Those that have not ended, up to a week and a day from now: each day of the week is among them. */
function openings({ days, from, hours, timeZone }: MaintenanceWindow, now: Date): Opening[] {
  const today = DateTime.fromJSDate(now, { zone: timeZone }).startOf("day");
  const [hour = 0, minute = 0] = from.split(":").map(Number);
  const ago = Math.ceil(LONGEST_WINDOW_HOURS / 24);
  return Array.from({ length: ago + 9 }, (_, i) => today.plus({ days: i - ago }))
    .filter(({ weekday }) => days.some((day) => DAYS.indexOf(day) === weekday - 1))
    .map((day) => {
      const begins = day.set({ hour, minute });
      return { begins: begins.toJSDate(), ends: begins.plus({ hours }).toJSDate() };
    })
    .filter(({ ends }) => ends > now);
}
