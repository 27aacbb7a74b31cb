import { openKeep } from "../gate/wave-answer.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { evidenceOf } from "../shared/evidence.ts";
import type { EvidenceStore } from "../shared/ports.ts";
import {
  endsOf,
  type Item,
  itemsOf,
  type Line,
  latestWave,
  placesOf,
  type Range,
  type Results,
  RolloutDocs,
  rolloutRun,
} from "../shared/rollout-documents.ts";
import { summaryOf } from "./runs.ts";

const MOST_LINES = 200;
const SOME = 5;

export async function resultsOf(wave: number, store: EvidenceStore, evidence: RunEvidence): Promise<Results> {
  const lines = await linesOf(wave, store, evidence);
  const groups = groupsOf(lines);
  const usual = groups[0]?.fingerprint ?? null;
  const ends: Record<string, number> = {};
  for (const { end } of lines) ends[end] = (ends[end] ?? 0) + 1;
  const notable = lines.filter(
    ({ end, fingerprint }) => (end !== "Succeeded" && end !== "held") || fingerprint !== usual,
  );
  const [worst] = lines.filter(({ worstLock }) => worstLock).sort(byWorstLock);
  return {
    wave,
    ends,
    downtime: rangeOf(lines.map(({ downtime }) => downtime)),
    predictedDowntime: rangeOf(lines.map(({ predictedDowntime }) => predictedDowntime)),
    worstLock: worst?.worstLock ? { database: worst.database, text: worst.worstLock.text } : null,
    groups,
    lines: (lines.length <= MOST_LINES ? lines : notable).slice(0, MOST_LINES),
    databases: lines.length,
  };
}

/** A line for each database of the wave, in the list's order. */
export async function linesOf(wave: number, store: EvidenceStore, evidence: RunEvidence): Promise<Line[]> {
  const ends = await endsOf(evidence, wave);
  const left = await placesOf(evidence, "left", wave);
  return await inTurns(await itemsOf(evidence, wave), async (item): Promise<Line> => {
    const end = ends.get(item.index);
    if (end !== undefined) {
      const doc = await evidence.require(RolloutDocs.end(wave, item.index, end));
      return { ...doc, wave };
    }
    if (left.has(item.index)) return { ...nothing(evidence.run, wave, item), end: "left out" };
    const summary = await summaryOf(store, evidence.run, wave, item);
    const held = await openKeep(evidenceOf(store, rolloutRun(evidence.run, wave, item.index)));
    return { ...summary, wave, end: held ? "held" : "under way" };
  });
}

function nothing(rollout: string, wave: number, { index, database }: Item) {
  return {
    index,
    database,
    wave,
    run: rolloutRun(rollout, wave, index),
    cause: "Not started: too many of its wave had failed.",
    fingerprint: null,
    downtime: null,
    predictedDowntime: null,
    worstLock: null,
    gates: { byWave: 0, byPeople: 0 },
  };
}

/** Every database's newest line, in the list's order; of those that no wave has come to, none. */
export async function allLines(store: EvidenceStore, evidence: RunEvidence): Promise<Line[]> {
  const newest = new Map<number, Line>();
  const latest = await latestWave(evidence);
  for (let wave = 1; wave <= latest; wave++)
    for (const line of await linesOf(wave, store, evidence)) newest.set(line.index, line);
  return [...newest.values()].sort((a, b) => a.index - b.index);
}

export function groupsOf(lines: readonly Line[]): Results["groups"] {
  const groups = new Map<string | null, string[]>();
  for (const { fingerprint, database } of lines)
    groups.set(fingerprint, [...(groups.get(fingerprint) ?? []), database]);
  return (
    [...groups]
      .map(([fingerprint, of]) => ({ fingerprint, databases: of.length, some: of.slice(0, SOME) }))
      // Those whose catalog nobody read are no group: last, whatever their number.
      .sort((a, b) =>
        (a.fingerprint === null) === (b.fingerprint === null)
          ? b.databases - a.databases
          : a.fingerprint === null
            ? 1
            : -1,
      )
  );
}

function byWorstLock(a: Line, b: Line): number {
  return (b.worstLock?.seconds ?? 0) - (a.worstLock?.seconds ?? 0);
}

function rangeOf(values: readonly (number | null)[]): Range | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  const [least, median, most] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  return least === undefined || median === undefined || most === undefined ? null : { least, median, most };
}

const AT_ONCE = 32;

async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE)
    results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(work))));
  return results;
}
