import { awsErrorName } from "./error-name.ts";
import { isBusy, refusal } from "./rds-errors.ts";

/** An answer; undefined where the error named `absent` says that there is no such thing. */
export async function look<T>(tried: string, absent: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (awsErrorName(error) === absent) return undefined;
    throw refusal(error, tried);
  }
}

/**
 * Asks for a change. False where RDS is busy with it: ask again.
 * @param done errors that say that what is asked for is so already
 */
export async function attempt(
  tried: string,
  done: readonly string[],
  call: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (done.includes(awsErrorName(error))) return true;
    if (isBusy(error)) return false;
    throw refusal(error, tried);
  }
}
