import { latestAttempt } from "../gate/approvals.ts";
import { likenessDoc } from "../gate/likeness.ts";
import { buildReport } from "../report/build.ts";
import { Doc, docName, type GateDecisionDoc } from "../shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import type { EvidenceStore, LeaseHolder, Ports } from "../shared/ports.ts";
import {
  endsOf,
  type Item,
  placesOf,
  RolloutDocs,
  type RunEnd,
  type RunSummary,
  rolloutRun,
} from "../shared/rollout-documents.ts";
import { type Answer, DONE, RUNNING, waitSeconds } from "../shared/task.ts";
import { lockText } from "../shared/text.ts";

/** One database of one wave. */
interface OfItem {
  wave: number;
  item: Item;
  runs: string;
}

const NO = { start: "no", name: "", input: "{}", status: "done" } as const;

/** How long a run that was begun may take to show up, in milliseconds. */
const STARTING_MS = 60_000;

/**
 * Starts the run of this database, if it may start now. The name of a begun run is noted: a later call finds that run
 * and follows it.
 */
export async function begin(
  { wave, item, runs }: OfItem,
  ports: Ports,
  evidence: RunEvidence,
): Promise<Answer> {
  const { index } = item;
  if ((await endsOf(evidence, wave)).has(index)) return NO;
  const { name: rollout, tolerated, outsideWindow } = await evidence.require(RolloutDocs.rollout);
  const name = rolloutRun(rollout, wave, index);
  const execution = executionOf(runs, name);
  const begunBefore = await evidence.read(RolloutDocs.begun(wave, index));
  if (begunBefore && (await isThere(name, execution, ports)))
    return { start: "follow", name, input: "{}", status: "done" };
  if (!begunBefore && (await placesOf(evidence, "failed", wave)).size > tolerated) {
    await evidence.createOnce(RolloutDocs.left(wave, index), { at: ports.clock.now().toISOString() });
    return NO;
  }
  const at = ports.clock.now().toISOString();
  const turn = await takeTurn(await instanceOf(item, evidence), { run: name, execution, since: at }, ports);
  if (!turn) {
    const { at: since } = await evidence.require(RolloutDocs.wave(wave));
    return { ...NO, ...RUNNING, waitSeconds: waitSeconds(Date.parse(since), Date.parse(at)) };
  }
  await evidence.createOnce(RolloutDocs.begun(wave, index), { at, run: name, execution });
  const request = await evidence.require(Doc.request);
  const { held } = await evidence.require(RolloutDocs.wave(wave));
  const input = {
    ...(request.startedBy === undefined ? {} : { startedBy: request.startedBy }),
    reason: `Wave ${wave} of rollout ${rollout}.${request.reason === undefined ? "" : ` ${request.reason}`}`,
    plan: request.plan.checksum,
    database: item.database,
    rollout: { name: rollout, wave, index, held },
    ...(outsideWindow === undefined ? {} : { outsideWindow }),
  };
  return { start: "yes", name, input: JSON.stringify(input), status: "done" };
}

/** Whether a run of that name was started, be it over. */
async function isThere(name: string, execution: string, ports: Ports): Promise<boolean> {
  const run = evidenceOf(ports.evidence, name);
  return (
    (await run.read(Doc.outcome)) !== undefined ||
    (await run.read(Doc.request)) !== undefined ||
    (await ports.executions.isRunning(execution))
  );
}

async function instanceOf({ index }: Item, evidence: RunEvidence): Promise<string> {
  const { databases } = await evidence.require(RolloutDocs.databases);
  const instance = databases[index]?.instance;
  if (instance === undefined) throw new Error(`Rollout ${evidence.run} has no database ${index}`);
  return instance;
}

/**
 * An instance has one run at a time, as a restore takes all of its databases back. So databases of one instance go one
 * after the other. A turn ends with its run.
 * @returns false while another run has the turn
 */
async function takeTurn(instance: string, holder: LeaseHolder, ports: Ports): Promise<boolean> {
  const lease = await ports.evidence.readLease(turnOf(instance));
  const other = lease?.holder;
  if (other?.run === holder.run) return true;
  if (other && !(await isOver(other, ports))) return false;
  return await ports.evidence.swapLease(turnOf(instance), lease, holder);
}

const turnOf = (instance: string) => `rollout-${instance}`;

async function isOver(
  { run, execution, since }: LeaseHolder,
  { evidence, executions, clock }: Ports,
): Promise<boolean> {
  if ((await evidenceOf(evidence, run).read(Doc.outcome)) !== undefined)
    return !(await executions.isRunning(execution, true));
  if (clock.now().getTime() - Date.parse(since) < STARTING_MS) return false;
  return !(await executions.isRunning(execution));
}

interface EndOfItem extends OfItem {
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

/** The execution of a run, as Step Functions names it. */
function executionOf(runs: string, run: string): string {
  return `${runs.replace(":stateMachine:", ":execution:")}:${run}`;
}

/** What people want to know of a run at a glance, as far as it has come. */
export async function summaryOf(
  store: EvidenceStore,
  rollout: string,
  wave: number,
  { index, database }: Item,
): Promise<RunSummary> {
  const run = rolloutRun(rollout, wave, index);
  const evidence = evidenceOf(store, run);
  const outcome = await evidence.read(Doc.outcome);
  const rehearsal = await evidence.read(Doc.gate("rehearsal", await latestAttempt(evidence, "rehearsal")));
  // A run that was refused at once has evidence of little.
  const report = await buildReport(evidence).catch(() => undefined);
  const longest = report?.locks?.longest;
  const decided = (await evidence.list("gates/")).filter((name) => name.endsWith("/decision"));
  const decisions = await Promise.all(
    decided.map((name) => evidence.require(docName<GateDecisionDoc>(name))),
  );
  const byWave = decisions.filter((decision) => decision.byWave).length;
  return {
    index,
    database,
    run,
    cause: outcome?.cause ?? "",
    fingerprint: rehearsal?.basis.fingerprint ?? null,
    downtime: report?.downtime.seconds ?? null,
    predictedDowntime: rehearsal ? (report?.downtime.predictedSeconds ?? null) : null,
    worstLock: longest ? { seconds: longest.seconds, text: lockText(longest) } : null,
    gates: { byWave, byPeople: decisions.length - byWave },
  };
}
