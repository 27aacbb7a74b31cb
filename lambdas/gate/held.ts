import { Doc, type GateDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { storedDecision } from "./approvals.ts";
import { latestAttempt } from "./attempts.ts";

/** Whether the run waits for its wave at its gate `keep`. One whose smoke tests failed asks people itself. */
export async function isHeld(run: RunEvidence): Promise<boolean> {
  const request = await run.read(Doc.request);
  const smoke = await run.read(Doc.hook("smoke"));
  return request?.rollout?.held === true && smoke?.results.every(({ passed }) => passed !== false) === true;
}

/** The gate `keep` of a run that waits there for its wave; undefined where it does not. */
export async function openKeep(run: RunEvidence): Promise<GateDoc | undefined> {
  if (!(await isHeld(run))) return undefined;
  const attempt = await latestAttempt(run, "keep");
  const doc = await run.read(Doc.gate("keep", attempt));
  return doc && (await storedDecision(run, doc)) === undefined ? doc : undefined;
}
