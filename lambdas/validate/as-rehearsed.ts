import { describeDifference, differences } from "../proof/difference.ts";
import { madeByEach, madeByPlan } from "../proof/made.ts";
import { keptFingerprint, standingCatalog } from "../proof/stored-record.ts";
import type { CheckResult, LeftDoc, Target } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Session } from "../shared/session.ts";

// Check for a migration without checks of its own: production must become what the rehearsal showed, and nothing may
// be left half made.

/** Most differences that are listed one by one. */
const MOST = 20;

/** @param path the migration's file, shown in results: there is no file of checks */
export async function asRehearsed(
  session: Session,
  evidence: RunEvidence,
  {
    target,
    version,
    path,
    roles,
  }: { target: Target; version: string; path: string; roles: readonly string[] },
): Promise<CheckResult[]> {
  const result = (passed: boolean, seen: string): CheckResult => ({
    name: "the same objects as in the rehearsal",
    at: path,
    as: null,
    passed,
    expected: "as on staging",
    seen,
  });
  // Production is compared with staging, so staging has nothing to compare with.
  if (target === "staging") return [];
  const made = await madeByPlan(evidence);
  const rehearsed = await keptFingerprint(evidence, `changed-${version}`);
  const is = await (await standingCatalog(session, evidence, roles)).whole();
  const found = differences(rehearsed, is).filter(
    // The proof reports what others changed on production.
    (difference) => made?.(difference) ?? true,
  );
  if (found.length === 0) {
    const objects = (await madeByEach(evidence))?.[version] ?? [];
    return [result(true, `${objects.length} made, changed or dropped, as there`)];
  }
  return found.slice(0, MOST).map((difference) => result(false, describeDifference(difference)));
}

/** Runs once all migrations stand, for those without checks of their own. */
export function nothingLeft(left: LeftDoc, path: string): CheckResult {
  const found = [
    ...left.invalidIndexes.map((name) => `index ${name} is invalid`),
    ...left.notValid.map((name) => `constraint ${name} is NOT VALID`),
  ];
  return {
    name: "nothing is left invalid or not validated",
    at: path,
    as: null,
    passed: found.length === 0,
    expected: "nothing",
    seen:
      found.length === 0
        ? "nothing"
        : `${found.slice(0, 5).join("; ")}. Validate it in a later step; if it is meant to stay so, write a validate.sql`,
  };
}
