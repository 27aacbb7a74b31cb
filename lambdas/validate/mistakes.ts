import {
  type ChecksDoc,
  Doc,
  docName,
  type LeftDoc,
  type ProofDoc,
  type StepsDoc,
} from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";

/**
 * Ends a rehearsal with mistakes once everything was tried, so that all of them can be fixed before the next run.
 * @throws SluiceError NotBack, CheckFailed or StepFailed: the most serious of the findings
 */
export async function refuseMistakes(evidence: RunEvidence): Promise<void> {
  const all = async <T>(prefix: string): Promise<T[]> => {
    const found: T[] = [];
    for (const name of await evidence.list(prefix)) found.push(await evidence.require(docName<T>(name)));
    return found;
  };
  const proofs = await all<ProofDoc>(Doc.proof("staging-"));
  const checks = await all<ChecksDoc>("checks/staging-");
  const steps = await all<StepsDoc>("steps/staging-");
  const left = (await evidence.read(Doc.left("staging"))) ?? null;
  const lines = mistakesOf({ proofs, checks, steps, left });
  if (lines.length === 0) return;
  const name = proofs.some(({ equal }) => !equal)
    ? ErrorName.NotBack
    : checks.some(({ results }) => results.some(({ passed }) => !passed)) || left?.invalidIndexes.length
      ? ErrorName.CheckFailed
      : ErrorName.StepFailed;
  const count = lines.length === 1 ? "one mistake" : `${lines.length} mistakes`;
  throw new SluiceError(name, [`${FOUND} ${count}:`, ...lines.map((line) => `- ${line}`)].join("\n"));
}

/** Evidence that a rehearsal leaves. */
interface Rehearsed {
  proofs: readonly ProofDoc[];
  checks: readonly ChecksDoc[];
  steps: readonly StepsDoc[];
  left: LeftDoc | null;
}

/** Start of the message that refuses a run for these mistakes. */
export const FOUND = "The rehearsal found";

const MOST_DIFFERENCES = 5;

/** Mistakes on staging that did not stop the rehearsal, one line each: proofs first. */
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
      (name) => `index ${name} is left invalid: no query uses it. Rebuild it or drop it in the migration`,
    ),
  ];
  // A step is applied twice, and a check runs three times: list each line once.
  return [...new Set(lines)];
}

/** Returns the version that a proof on staging is about, and whether it proves a rollback's second try. */
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
    ? `the rollback of ${version} does not work a second time: ${some}${more}`
    : `rolling back ${version} does not bring staging back: ${some}${more}${MENDS}`;
}

/** Other remedies than a better rollback. */
const MENDS =
  ". If it cannot be brought back: keep what the migration drops, name what is left under `leaves`, or set `rollback: restore` (docs/plan-format.md)";

function rewriteLines({ steps }: StepsDoc): string[] {
  return steps.flatMap(({ name, at, rewrites }) =>
    rewrites && !rewrites.meant
      ? [
          `${at}: step "${name}" rewrites the whole of ${rewrites.tables.join(", ")}, and nobody can read it meanwhile. If that is intended: -- sluice: step "${name}" rewrites`,
        ]
      : [],
  );
}
