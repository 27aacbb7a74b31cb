import {
  type CountersDoc,
  Doc,
  READINGS,
  type ReadingDoc,
  type ReadingValue,
  type ReadingWorst,
  type VerifiedAgainDoc,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Reading } from "./take-reading.ts";

/** The newest reading of this run's watch. */
export async function lastReading(evidence: RunEvidence): Promise<ReadingDoc | undefined> {
  const newest = (await evidence.list(READINGS)).at(-1);
  return newest === undefined ? undefined : await evidence.read<ReadingDoc>(newest);
}

/** What the next reading counts from: the newest one, or the checks that were run after it. */
export async function countsFrom(
  evidence: RunEvidence,
  last: ReadingDoc | undefined,
): Promise<{ at: string; counters: CountersDoc } | undefined> {
  const verified = await evidence.read<VerifiedAgainDoc>(Doc.verifiedAgain);
  return last && verified && verified.endedAt >= last.at
    ? { at: verified.endedAt, counters: verified.counters }
    : last;
}

export async function keepReading(
  evidence: RunEvidence,
  reading: Reading,
  before: ReadingDoc | undefined,
): Promise<ReadingDoc> {
  return await evidence.keep<ReadingDoc>(Doc.reading(new Date(reading.at)), {
    ...reading,
    // So that the newest reading tells of all of them.
    soFar: {
      readings: (before?.soFar.readings ?? 0) + 1,
      worst: reading.values.map((value) => worse(value, reading.at, before)),
    },
  });
}

const ORDER = ["unknown", "target", "between", "alert"] as const;

function worse(value: ReadingValue, at: string, before: ReadingDoc | undefined): ReadingWorst {
  const { name, standing } = value;
  const was = before?.soFar.worst.find((worst) => worst.name === name);
  const alerts = (was?.alerts ?? 0) + (standing === "alert" ? 1 : 0);
  const is = { name, value: value.value, standing, at, alerts };
  return was && !isWorse(value, was) ? { ...was, alerts } : is;
}

function isWorse(now: ReadingValue, was: ReadingWorst): boolean {
  const [a, b] = [ORDER.indexOf(now.standing), ORDER.indexOf(was.standing)];
  if (a !== b) return a > b;
  if (now.value === null || was.value === null) return false;
  // What alerts below a limit is the worse the less there is of it.
  return now.alert.startsWith("<") ? now.value < was.value : now.value > was.value;
}
