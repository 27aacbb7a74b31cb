import { decisionOn } from "../gate/wave-answer.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { requireTime } from "../shared/gates.ts";
import type { Ports } from "../shared/ports.ts";
import {
  endsOf,
  type Item,
  itemsOf,
  type ListedDatabase,
  latestWave,
  noteRan,
  placesOf,
  type RolloutDoc,
  RolloutDocs,
  startOf,
  type WaveDoc,
  type WaveSize,
} from "../shared/rollout-documents.ts";
import { sha256 } from "../shared/sha256.ts";
import type { Answer } from "../shared/task.ts";
import { sizeOf } from "./input.ts";

export interface NextWave {
  execution: string;
  /** The wave that this execution has run just now; 0: none yet. */
  ran: number;
}

/**
 * Returns what the rollout does next. Only the evidence decides it, so a rollout that was killed continues where it was:
 * with the wave that was under way, or with the databases that are not done.
 */
export async function next(event: NextWave, ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const rollout = await evidence.require(RolloutDocs.rollout);
  const start = await startOf(evidence, event.execution);
  const latest = await latestWave(evidence);
  const ran = new Set((await evidence.list(`ran/${start}/`)).map((name) => Number(name.split("/").at(-1))));
  // The wave that people did not want, or took back, is the last one of this start.
  if (ran.has(latest) && (await decisionOn(evidence, "keep", latest))?.decision === "NoGo") return DONE;
  const open = await openWave(latest, ran, evidence);
  if (open) return await lead(open, event.execution, rollout, ports, evidence);
  const made = await makeWave({ latest, ran }, rollout, ports, evidence);
  return made ? await lead(made, event.execution, rollout, ports, evidence) : DONE;
}

const DONE = { next: "done", number: 0, held: "no" } as const;

/** Returns the newest wave if it has not run to its end: this start continues it. */
async function openWave(
  latest: number,
  ran: ReadonlySet<number>,
  evidence: RunEvidence,
): Promise<WaveDoc | undefined> {
  if (latest === 0 || ran.has(latest)) return undefined;
  const wave = await evidence.require(RolloutDocs.wave(latest));
  const [ends, left] = [await endsOf(evidence, latest), await placesOf(evidence, "left", latest)];
  const items = await itemsOf(evidence, latest);
  return items.every(({ index }) => ends.has(index) || left.has(index)) ? undefined : wave;
}

/** Leads to the wave: by its gate, unless people said Go already or it is the first one, whose runs ask themselves. */
async function lead(
  wave: WaveDoc,
  execution: string,
  { atATime }: RolloutDoc,
  ports: Ports,
  evidence: RunEvidence,
): Promise<Answer> {
  const asks = wave.wave > 1 && (await decisionOn(evidence, "start", wave.wave))?.decision !== "Go";
  if (!asks) await noteRan(wave.wave, execution, ports, evidence);
  const minutes = ports.plan.gates.rehearsal.minutes;
  return {
    next: asks ? "ask" : "run",
    number: wave.wave,
    key: `runs/${evidence.run}/${RolloutDocs.items(wave.wave)}`,
    atATime,
    held: wave.held ? "yes" : "no",
    // No window closes it: each run keeps to its own.
    ...(await requireTime({ gate: "start", kind: "keep", minutes }, ports, evidence)),
  };
}

/** The next wave, made of what is not done; undefined where all is, or was tried by this start. */
async function makeWave(
  { latest, ran }: { latest: number; ran: ReadonlySet<number> },
  rollout: RolloutDoc,
  ports: Ports,
  evidence: RunEvidence,
): Promise<WaveDoc | undefined> {
  const { databases } = await evidence.require(RolloutDocs.databases);
  const done = new Set<number>();
  const tried = new Set<number>();
  for (let n = 1; n <= latest; n++)
    for (const [index, end] of await endsOf(evidence, n)) {
      if (end === "Succeeded") done.add(index);
      if (ran.has(n)) tried.add(index);
    }
  const before = latest > 0 ? await evidence.require(RolloutDocs.wave(latest)) : undefined;
  const toDo = databases.map((_, index) => index).filter((index) => !done.has(index) && !tried.has(index));
  const left = before && ran.has(latest) ? (await itemsOf(evidence, latest)).map(({ index }) => index) : [];
  const leftOut = left.filter((index) => toDo.includes(index));
  const { step, indexes } = nextWave(rollout.waves, databases.length, before?.step ?? -1, leftOut, toDo);
  if (indexes.length === 0) return undefined;
  const wave = latest + 1;
  const made = indexes.map((index): Item => ({ index, database: databases[index]?.name ?? "" }));
  await evidence.keepFile(RolloutDocs.items(wave), `${JSON.stringify(made)}\n`, "application/json");
  // A start that was killed here may have left a list of its own: that one is it then.
  const items = await itemsOf(evidence, wave);
  const whyNotHeld = whyItCannotBeHeld(
    items.map(({ index }) => databases[index]).filter((one) => one !== undefined),
    rollout,
  );
  return await evidence.createOnce(RolloutDocs.wave(wave), {
    wave,
    at: ports.clock.now().toISOString(),
    step,
    planChecksum: ports.plan.checksum,
    databases: items.length,
    items: sha256((await evidence.readFile(RolloutDocs.items(wave))) ?? ""),
    held: whyNotHeld === undefined,
    ...(whyNotHeld === undefined ? {} : { whyNotHeld }),
    references: await referencesSoFar(evidence),
  });
}

/**
 * The databases of the next wave. Those that a wave left out, as too many had failed in it, are the next one.
 * @param step place in the waves of the input; that of the wave before, -1 where there was none
 * @param leftOut indexes that the wave before left out
 * @param notDone indexes of all that are to be done yet, in order
 */
export function nextWave(
  waves: readonly WaveSize[],
  all: number,
  step: number,
  leftOut: readonly number[],
  notDone: readonly number[],
): { step: number; indexes: number[] } {
  if (leftOut.length > 0) return { step, indexes: [...leftOut] };
  // What failed in an earlier start comes again with the last wave, whatever that took at first.
  const next = Math.min(step + 1, waves.length - 1);
  const size = step + 1 < waves.length ? sizeOf(waves[next] ?? "rest", all, notDone.length) : notDone.length;
  return { step: next, indexes: notDone.slice(0, size) };
}

/**
 * A run that is held keeps its place among those under way, its staging and its instance's lease. So a wave is held where
 * all of its runs may be under way together.
 */
export function whyItCannotBeHeld(
  databases: readonly ListedDatabase[],
  { atATime }: Pick<RolloutDoc, "atATime">,
): string | undefined {
  if (databases.length > atATime)
    return `it has ${databases.length} databases, and ${atATime} are under way at a time`;
  const instances = databases.map(({ instance }) => instance);
  const twice = instances.find((instance, at) => instances.indexOf(instance) !== at);
  return twice === undefined
    ? undefined
    : `several of its databases are on ${twice}, and are migrated one after the other`;
}

/** What people approved at the gates of runs that succeeded, by the gate's name. */
async function referencesSoFar(evidence: RunEvidence): Promise<Record<string, string[]>> {
  const references: Record<string, string[]> = {};
  for (const name of await evidence.list("references/")) {
    const [, gate = "", digest = ""] = /^references\/(.+)\/([0-9a-f]{64})$/.exec(name) ?? [];
    if (gate === "") continue;
    references[gate] = [...(references[gate] ?? []), digest];
  }
  return references;
}
