import { linked } from "../../lambdas/shared/chain.ts";
import { Doc, type End, type OutcomeDoc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import type { Environment } from "../../lambdas/shared/ports.ts";
import { latestWave, placesOf, rolloutRun } from "../../lambdas/shared/rollout-documents.ts";

/**
 * Notes the end of runs whose process was killed. On AWS a run outlives its rollout. Here it ends with the process,
 * without a note of its end. Each is noted once, before the rollout continues.
 * @param apply whether the databases themselves were migrated
 * @returns a line for each
 */
export async function noteKilled(
  environment: Environment,
  rollout: string,
  apply: boolean,
): Promise<string[]> {
  const of = evidenceOf(environment.evidence, rollout);
  const lines: string[] = [];
  for (let wave = await latestWave(of); wave > 0; wave--)
    for (const index of await placesOf(of, "begun", wave)) {
      const name = rolloutRun(rollout, wave, index);
      const request = await evidenceOf(environment.evidence, name).read(Doc.request);
      if (!request || (await environment.executions.isRunning(request.execution))) continue;
      const end = await noteBrokenOff(environment, name, apply, "its process was killed");
      if (end) lines.push(`${name} was under way when an earlier start of this rollout was killed: ${end}`);
    }
  return lines;
}

/**
 * Notes the end of a run that broke off: nothing of it runs any more, and it noted none itself.
 * @param why it broke off, as a part of a sentence
 * @returns undefined where it has an end
 */
export async function noteBrokenOff(
  environment: Environment,
  name: string,
  apply: boolean,
  why: string,
): Promise<End | undefined> {
  const run = evidenceOf(environment.evidence, name);
  if ((await run.read(Doc.outcome)) !== undefined) return undefined;
  const request = await run.read(Doc.request);
  const touched = apply && (await run.read(Doc.fence)) !== undefined;
  const end = touched ? "NeedsOperator" : "Refused";
  const outcome: OutcomeDoc = {
    at: environment.clock.now().toISOString(),
    end,
    cause: touched
      ? `${end}: the run broke off after the fence, as ${why}. So ${request?.database} may be fenced or half migrated. Before anything uses it, follow "A local run was left at once" in docs/operator-runbook.md.`
      : `${end}: the run broke off before it touched the database, as ${why}`,
    leftBehind: [],
  };
  await linked(environment, (noted) => evidenceOf(noted.evidence, name).createOnce(Doc.outcome, outcome));
  return end;
}
