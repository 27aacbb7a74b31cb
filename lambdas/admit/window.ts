import { DateTime } from "luxon";
import type { RunWindow } from "../shared/documents.ts";
import { DAYS, type MaintenanceWindow } from "../shared/settings.ts";

/**
 * The opening of the maintenance window that bounds a run started at that moment: the one that is open or, where none
 * is, the next. An override lets the run begin at any time and go past the end of an opening: then it is the next to
 * begin, so that there is an end in any case.
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

// One may last for days, the next may begin in a week, and each of the days after that may add to it.
const DAYS_BACK = 7;
const DAYS_AHEAD = 14;

/** Those that have not ended, by when they begin. */
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

/** As one, those that meet or overlap: no gate is to close while the window goes on. */
function joined(openings: readonly Opening[]): Opening[] {
  const whole: Opening[] = [];
  for (const next of openings) {
    const last = whole.at(-1);
    if (last && next.begins <= last.ends) last.ends = next.ends;
    else whole.push({ ...next });
  }
  return whole;
}
