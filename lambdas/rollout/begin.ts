import { Doc } from "../shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import type { LeaseHolder, Ports } from "../shared/ports.ts";
import { endsOf, type Item, placesOf, RolloutDocs } from "../shared/rollout-documents.ts";
import { rolloutRun } from "../shared/rollout-name.ts";
import { type Answer, RUNNING, waitSeconds } from "../shared/task.ts";
import { executionOf } from "./runs.ts";

/** One database of one wave. */
export interface OfItem {
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
