import { messageOf, nameTransient, RETRYABLE, SluiceError } from "../shared/errors.ts";
import type { PreflightCheck } from "../shared/ports.ts";

/**
 * Returns the findings of an inspection. An inspection that fails becomes a failed check beside the others.
 * @throws SluiceError ConnectionLost or LockTimeout: the inspection may simply run again
 */
export async function inspected(
  name: string,
  work: () => Promise<PreflightCheck | PreflightCheck[]>,
): Promise<PreflightCheck[]> {
  try {
    return [await work()].flat();
  } catch (caught) {
    const error = nameTransient(caught);
    if (error instanceof SluiceError && RETRYABLE.includes(error.name)) throw error;
    return [
      {
        name,
        passed: false,
        expected: "can be determined",
        seen: messageOf(error),
        mend: "Fix what the message names: often the migrating role lacks a right, or a column is missing.",
      },
    ];
  }
}

/** Most findings that a check lists. */
const MOST = 5;

/** A passed check that found nothing. */
export function none(name: string, expected = "none"): PreflightCheck {
  return { name, passed: true, expected, seen: "none", mend: "" };
}

/** A finding that people must see; it does not stop the run. */
export function note(name: string, expected: string, found: readonly string[], mend: string): PreflightCheck {
  return { name, passed: null, expected, seen: some(found), mend };
}

export function problem(
  name: string,
  expected: string,
  found: readonly string[],
  mend: string,
): PreflightCheck {
  return { name, passed: false, expected, seen: some(found), mend };
}

export function some(found: readonly string[]): string {
  const more = found.length - MOST;
  return `${found.slice(0, MOST).join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}
