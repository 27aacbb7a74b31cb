import type { WaveSize } from "../shared/rollout-documents.ts";

const SHARE = /^(\d+(?:\.\d+)?) ?%$/;

/** Why this is no size of a wave; undefined where it is. */
export function whyNoSize(size: WaveSize): string | undefined {
  if (typeof size === "number")
    return Number.isInteger(size) && size > 0 ? undefined : `${size} is no number of databases`;
  if (size === "rest") return undefined;
  const share = Number(SHARE.exec(size)?.[1] ?? Number.NaN);
  return share > 0 && share <= 100
    ? undefined
    : `"${size}" is none of: a number of databases, a share such as "10 %", "rest"`;
}

/** Returns the number of databases in a wave, given all and those left. A share is of all databases, rounded up. */
export function sizeOf(size: WaveSize, all: number, left: number): number {
  if (size === "rest") return left;
  const share = SHARE.exec(String(size))?.[1];
  return Math.min(left, share === undefined ? Number(size) : Math.ceil((all * Number(share)) / 100));
}

/** Sizes of all waves, as long as none is cut short; waves that would be empty are left out. */
export function sizesOf(waves: readonly WaveSize[], all: number): number[] {
  let left = all;
  const sizes: number[] = [];
  for (const wave of waves) {
    const size = sizeOf(wave, all, left);
    if (size > 0) sizes.push(size);
    left -= size;
  }
  return sizes;
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
