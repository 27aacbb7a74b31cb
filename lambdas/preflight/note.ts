import type { PreflightCheck } from "../shared/ports.ts";

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
