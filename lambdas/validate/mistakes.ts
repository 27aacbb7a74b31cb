import type { ChecksDoc, LeftDoc, ProofDoc, StepsDoc } from "../shared/documents.ts";

/** What a rehearsal leaves in its evidence. */
export interface Rehearsed {
  proofs: readonly ProofDoc[];
  checks: readonly ChecksDoc[];
  steps: readonly StepsDoc[];
  left: LeftDoc | null;
}

/** Begins the message of whoever refuses for them. */
export const FOUND = "The rehearsal found";

const MOST_DIFFERENCES = 5;

/** What went wrong on staging and did not keep the rehearsal from going on, one line each: proofs first. */
export function mistakesOf({ proofs, checks, steps, left }: Rehearsed): string[] {
  const lines = [
    ...proofs.filter(({ name, equal }) => name.startsWith("staging-") && !equal).map(proofLine),
    ...checks
      .filter(({ target }) => target === "staging")
      .flatMap(({ version, results }) =>
        results
          .filter(({ passed }) => !passed)
          .map(
            ({ name, expected, seen, at, as }) =>
              `check '${name}' of ${version} failed on staging${as ? ` as ${as}` : ""} (expected ${expected}, seen ${seen}; ${at})`,
          ),
      ),
    ...steps.filter(({ target }) => target === "staging").flatMap(rewriteLines),
    ...(left?.invalidIndexes ?? []).map(
      (name) => `index ${name} is left invalid: no query uses it. Build it again or drop it in the migration`,
    ),
  ];
  // A step is applied twice, and a check is run three times.
  return [...new Set(lines)];
}

/** The version that a proof on staging is about, and whether it is of a rollback that was tried again. */
export function stagingProof(name: string): { version: string; again: boolean } {
  const of = name.slice("staging-".length);
  const version = of.replace(/-again$/, "");
  return { version, again: version !== of };
}

function proofLine({ name, differences }: ProofDoc): string {
  const { version, again } = stagingProof(name);
  const some = differences.slice(0, MOST_DIFFERENCES).join("; ");
  const more =
    differences.length > MOST_DIFFERENCES ? `; and ${differences.length - MOST_DIFFERENCES} more` : "";
  return again
    ? `the rollback of ${version} does not bear being tried again: ${some}${more}`
    : `rolling back ${version} does not bring staging back: ${some}${more}${MENDS}`;
}

/** There is more to do about it than to mend the rollback. */
const MENDS =
  ". Where nothing can bring that back: keep what the migration drops, name what is left under `leaves`, or say `rollback: restore` (docs/plan-format.md)";

function rewriteLines({ steps }: StepsDoc): string[] {
  return steps.flatMap(({ name, at, rewrites }) =>
    rewrites && !rewrites.meant
      ? [
          `${at}: step "${name}" writes the whole of ${rewrites.tables.join(", ")} anew, while nobody can read it. Where it is meant: -- sluice: step "${name}" rewrites`,
        ]
      : [],
  );
}
