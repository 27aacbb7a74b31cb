/** Runs that are not counted: at least so many, and no more than so many, nor for longer than so. */
const LEAST = 3;
const MOST = 20;
const LONGEST_WARM_UP_MS = 60_000;

/**
 * True when the last runs say that there is nothing left to warm up. A restored volume loads lazily: of two runs the
 * second may take a thousandth of the first, and the third still half of the second.
 */
export function isWarm(takenMs: readonly number[]): boolean {
  if (takenMs.length < LEAST) return false;
  const fastest = Math.min(...takenMs);
  return takenMs.slice(-LEAST).every((ms) => ms <= fastest * 2);
}

/** Runs it until it is warm; resolves to what each run took, in milliseconds. */
export async function warmUp(run: () => Promise<number>): Promise<number[]> {
  const taken: number[] = [];
  let spent = 0;
  while (taken.length < MOST && spent < LONGEST_WARM_UP_MS && !isWarm(taken)) {
    const ms = await run();
    taken.push(ms);
    spent += ms;
  }
  return taken;
}
