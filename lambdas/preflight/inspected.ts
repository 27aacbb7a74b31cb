import { messageOf, nameTransient, RETRYABLE, SluiceError } from "../shared/errors.ts";
import type { PreflightCheck } from "../shared/ports.ts";

/**
 * What an inspection found; one that fails is a problem among the others and hides none of them.
 * @throws SluiceError ConnectionLost or LockTimeout: after these the inspection may simply be done again.
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
        expected: "can be found out",
        seen: messageOf(error),
        mend: "Mend what the message names: often the migrating role may not look, or a column is not there.",
      },
    ];
  }
}

/** Of a list, what is shown. */
const MOST = 5;

/** Nothing of the kind is there. */
export function none(name: string, expected = "none"): PreflightCheck {
  return { name, passed: true, expected, seen: "none", mend: "" };
}

/** Something that people must know of: it keeps no run from beginning. */
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
