import { Duration } from "aws-cdk-lib";
import type { RetryProps } from "aws-cdk-lib/aws-stepfunctions";

/** The phases that bring production back and give back what the run holds, in order. */
export const WAYS_BACK: readonly string[] = [
  "Fence again",
  "Roll back",
  "Count the loss",
  "Gate: restore",
  "Restore",
  "Close",
];

/**
 * Lambda's own errors that pass, under Step Functions' names. A function in a VPC that was not called for weeks is
 * inactive: its calls fail until its network interface exists again.
 */
export const LAMBDA_ERRORS: readonly string[] = [
  // Lambda's service, and the way to it. Unknown: the worker died.
  "ServiceException",
  "AWSLambdaException",
  "SdkClientException",
  "ClientExecutionTimeoutException",
  "Unknown",
  // Too many functions run in the account.
  "TooManyRequestsException",
  // The function is inactive or pending.
  "ResourceNotReadyException",
  "ResourceConflictException",
  "CodeArtifactUserPendingException",
  "CodeArtifactUserDeletedException",
  // The function's network interface.
  "ENINotReadyException",
  "ENILimitReachedException",
  "SubnetIPAddressLimitReachedException",
  "EC2ThrottledException",
  "EC2UnexpectedException",
].map((name) => `Lambda.${name}`);

/** How long a state retries. On the way forward giving up loses nothing; on a way back it may cost production. */
export type Patience = "usual" | "long";

/** Retries for nine minutes; for an hour where only this machine brings production back. */
export function retryOfLambdaErrors(patience: Patience): RetryProps {
  return {
    errors: [...LAMBDA_ERRORS],
    interval: Duration.seconds(5),
    backoffRate: 2,
    ...(patience === "usual"
      ? { maxAttempts: 12, maxDelay: Duration.seconds(60) }
      : { maxAttempts: 34, maxDelay: Duration.seconds(120) }),
  };
}
