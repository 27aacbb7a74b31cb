import type { Context } from "aws-lambda";
import type { Clock } from "../ports.ts";

/** The time, and what this invocation still has of it. */
export function lambdaClock(context: Pick<Context, "getRemainingTimeInMillis">): Clock {
  return { now: () => new Date(), remaining: () => context.getRemainingTimeInMillis() };
}
