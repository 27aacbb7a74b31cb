import { isPostgresError } from "../shared/errors.ts";

export interface LockRetry<T> {
  value: T;
  /** How often the work gave way to a lock that others held. */
  gaveWay: number;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

/** 55P03: the lock was not granted in time. 40P01: this session was chosen to end a deadlock. */
function isLockError(error: unknown): boolean {
  return isPostgresError(error) && (error.code === "55P03" || error.code === "40P01");
}

/**
 * Does the work again, whole, when it gave way to a lock; each pause is longer and jittered, so that the application
 * gets its turns. Every try has the same lock timeout: there is no last one that waits for ever.
 */
export async function withLockRetry<T>(
  tries: number,
  work: () => Promise<T>,
  onGaveWay: (error: Error) => void,
): Promise<LockRetry<T>> {
  for (let gaveWay = 0; ; gaveWay++) {
    try {
      return { value: await work(), gaveWay };
    } catch (error) {
      if (!isLockError(error) || gaveWay + 1 >= tries) throw error;
      onGaveWay(error as Error);
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** gaveWay);
      await new Promise((resolve) => setTimeout(resolve, longest * (0.5 + Math.random() / 2)));
    }
  }
}
