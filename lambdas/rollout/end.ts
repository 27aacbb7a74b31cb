import { latestAttempt } from "../gate/attempts.ts";
import { likenessDoc } from "../gate/likeness.ts";
import { Doc } from "../shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import { endsOf, RolloutDocs, type RunEnd } from "../shared/rollout-documents.ts";
import { rolloutRun } from "../shared/rollout-name.ts";
import { type Answer, DONE, RUNNING, waitSeconds } from "../shared/task.ts";
import type { OfItem } from "./begin.ts";
import { executionOf, summaryOf } from "./runs.ts";

export interface EndOfItem extends OfItem {
  /** What the machine caught as it started the run; its Error is empty where nothing was. */
  failure: { Error: string; Cause: string };
}

const HOUR_MS = 3600_000;

/** A run that was stopped is brought to its end by its clean-up, which may have to ask people. */
const ADRIFT_MS = 24 * HOUR_MS;

/** Notes how the run of that database ended, by the run's own evidence, whatever the machine heard of it. */
export async function noteEnd(event: EndOfItem, ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const { wave, item, runs, failure } = event;
  const { index } = item;
  if ((await endsOf(evidence, wave)).has(index)) return DONE;
  const begun = await evidence.read(RolloutDocs.begun(wave, index));
  if (!begun) {
    await evidence.createOnce(RolloutDocs.left(wave, index), {
      at: ports.clock.now().toISOString(),
      failure,
    });
    return DONE;
  }
  const name = rolloutRun(evidence.run, wave, index);
  const run = evidenceOf(ports.evidence, name);
  const outcome = await run.read(Doc.outcome);
  const now = ports.clock.now().getTime();
  const again = { ...RUNNING, waitSeconds: waitSeconds(Date.parse(begun.at), now) };
  if (outcome) return await note(outcome.end, event, ports, evidence);
  if (await ports.executions.isRunning(executionOf(runs, name))) return again;
  if ((await run.read(Doc.request)) === undefined) {
    if (now - Date.parse(begun.at) < HOUR_MS) return { status: "again" };
    const why = failure.Error === "" ? "The cause is unknown." : `${failure.Error}: ${failure.Cause}`;
    return await note("NotStarted", event, ports, evidence, `The run could not be started: ${why}`);
  }
  const adrift = await evidence.getOrCreate(RolloutDocs.adrift(wave, index), async () => ({
    at: ports.clock.now().toISOString(),
  }));
  if (now - Date.parse(adrift.at) < ADRIFT_MS) return again;
  return await note(
    "Unknown",
    event,
    ports,
    evidence,
    `The run was ended from outside, and for a day nobody noted how the database stands. Look at its evidence, runs/${name}, and at its clean-up.`,
  );
}

async function note(
  end: RunEnd,
  { wave, item }: EndOfItem,
  ports: Ports,
  evidence: RunEvidence,
  cause?: string,
): Promise<Answer> {
  const { index } = item;
  const summary = await summaryOf(ports.evidence, evidence.run, wave, item);
  if (end === "Succeeded") await keepReferences(evidenceOf(ports.evidence, summary.run), ports, evidence);
  else await evidence.createOnce(RolloutDocs.failed(wave, index), { end });
  await evidence.createOnce(RolloutDocs.end(wave, index, end), {
    at: ports.clock.now().toISOString(),
    end,
    ...summary,
    ...(cause === undefined ? {} : { cause }),
  });
  return DONE;
}

/** What people said Go to at the gates of a run that succeeded, for the waves to come. */
async function keepReferences(run: RunEvidence, ports: Ports, evidence: RunEvidence): Promise<void> {
  const gates = new Set(
    (await run.list("gates/")).flatMap((name) => /^gates\/(.+)-\d+\/likeness$/.exec(name)?.[1] ?? []),
  );
  for (const gate of gates) {
    const attempt = await latestAttempt(run, gate);
    const decision = await run.read(Doc.gateDecision(gate, attempt));
    const likeness = await run.read(likenessDoc(gate, attempt));
    if (decision?.decision !== "Go" || decision.byWave || !likeness) continue;
    await evidence.createOnce(RolloutDocs.reference(gate, likeness.digest), {
      at: ports.clock.now().toISOString(),
      run: run.run,
      by: decision.by,
    });
  }
}
