import { type ChecksDoc, Doc, docName, type ProofDoc, type StepsDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { FOUND, mistakesOf } from "./mistakes.ts";

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
