import { S3Client } from "@aws-sdk/client-s3";
import type { Context } from "aws-lambda";
import { Envar, requireEnvar } from "../deployment.ts";
import type { Clock } from "../ports.ts";
import { S3Evidence } from "./s3.ts";

// What every function has, the gates' page included: it imports no client of a database or an instance.

/** A value that is made on first use. A failed attempt is not kept: the next call tries again. */
export function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The time, and what this invocation still has of it. */
export function lambdaClock(context: Pick<Context, "getRemainingTimeInMillis">): Clock {
  return { now: () => new Date(), remaining: () => context.getRemainingTimeInMillis() };
}

/** Lives as long as the function's sandbox, so that its connections are used again. */
export const s3 = lazily(() => new S3Client());

/** The evidence in the deployment's bucket. */
export const evidenceStore = lazily(() => new S3Evidence(s3(), requireEnvar(Envar.bucket)));
