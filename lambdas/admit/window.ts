import { DateTime } from "luxon";
import type { RunWindow } from "../shared/documents.ts";
import { DAYS, type MaintenanceWindow } from "../shared/settings.ts";

/**
 * Returns the opening of the maintenance window that bounds a run started now: the current one, or else the next. An
 * override lets the run begin at any time and pass the end of the current opening; then the next one bounds it, so that
 * there always is an end.
 */
export function windowOf(window: MaintenanceWindow, now: Date, override: string | undefined): RunWindow {
  const coming = openings(window, now);
  const open = coming.find(({ begins }) => begins <= now);
  const next = coming.find(({ begins }) => begins > now);
  const bound = override === undefined ? (open ?? next) : (next ?? open);
  if (!bound) throw new Error(`The maintenance window ${windowText(window)} never opens`);
  return {
    begins: bound.begins.toISOString(),
    ends: bound.ends.toISOString(),
    override: override ?? null,
  };
}

/** True for a run that began before its opening without an override. */
export function isOutside({ begins, override }: RunWindow, startedAt: string): boolean {
  return override === null && startedAt < begins;
}

/** Returns a text such as `sat, sun from 01:00, 6 h, Europe/Berlin`. */
export function windowText({ days, from, hours, timeZone }: MaintenanceWindow): string {
  const when = days.length === DAYS.length ? "every day" : days.join(", ");
  return `${when} from ${from}, ${hours} h, ${timeZone}`;
}

interface Opening {
  begins: Date;
  ends: Date;
}

// An opening may last for days, the next may begin in a week, and the days after that may extend it.
const DAYS_BACK = 7;
const DAYS_AHEAD = 14;

/** The openings that have not ended, earliest first. */
function openings({ days, from, hours, timeZone }: MaintenanceWindow, now: Date): Opening[] {
  const today = DateTime.fromJSDate(now, { zone: timeZone }).startOf("day");
  const [hour = 0, minute = 0] = from.split(":").map(Number);
  const each = Array.from({ length: DAYS_BACK + 1 + DAYS_AHEAD }, (_, i) =>
    today.plus({ days: i - DAYS_BACK }),
  )
    .filter(({ weekday }) => days.some((day) => DAYS.indexOf(day) === weekday - 1))
    .map((day) => {
      const begins = day.set({ hour, minute });
      return { begins: begins.toJSDate(), ends: begins.plus({ hours }).toJSDate() };
    });
  return joined(each).filter(({ ends }) => ends > now);
}

/** Merges openings that meet or overlap, so that no gate closes while the window continues. */
function joined(openings: readonly Opening[]): Opening[] {
  const whole: Opening[] = [];
  for (const next of openings) {
    const last = whole.at(-1);
    if (last && next.begins <= last.ends) last.ends = next.ends;
    else whole.push({ ...next });
  }
  return whole;
}
