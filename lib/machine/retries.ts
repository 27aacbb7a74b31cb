import { Duration } from "aws-cdk-lib";
import type { RetryProps } from "aws-cdk-lib/aws-stepfunctions";

/** The phases that bring production back and give back what the run holds, in their order. */
export const WAYS_BACK: readonly string[] = [
  "Fence again",
  "Roll back",
  "Count the loss",
  "Gate: restore",
  "Restore",
  "Close",
];

/**
 * Errors of Lambda itself that pass, by the names that Step Functions gives them. A function in a VPC that nobody called
 * for weeks is inactive: its first call fails, and so does every other until its network interface is there again.
 */
export const LAMBDA_ERRORS: readonly string[] = [
  // Its service, and the way to it. Unknown: the worker died.
  "ServiceException",
  "AWSLambdaException",
  "SdkClientException",
  "ClientExecutionTimeoutException",
  "Unknown",
  // Too many functions run in the account.
  "TooManyRequestsException",
  // Inactive or pending.
  "ResourceNotReadyException",
  "ResourceConflictException",
  "CodeArtifactUserPendingException",
  "CodeArtifactUserDeletedException",
  // Its network interface.
  "ENINotReadyException",
  "ENILimitReachedException",
  "SubnetIPAddressLimitReachedException",
  "EC2ThrottledException",
  "EC2UnexpectedException",
].map((name) => `Lambda.${name}`);

/** What is lost where a state gives up: nothing on the way forward; production, perhaps, on the ways back. */
export type Patience = "usual" | "long";

/** Nine minutes; an hour where nothing but this machine brings production back. */
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
