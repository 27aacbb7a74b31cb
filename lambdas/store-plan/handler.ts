import { S3Client } from "@aws-sdk/client-s3";
import type { CloudFormationCustomResourceEvent, CloudFormationCustomResourceResponse } from "aws-lambda";
import { S3Evidence } from "../shared/aws/s3.ts";
import { readPlanDocument } from "../shared/aws/shipped.ts";
import { Envar, requireEnvar } from "../shared/deployment.ts";
import { messageOf } from "../shared/errors.ts";
import { storePlan } from "../shared/plan-document.ts";

/** Keeps the response below CloudFormation's limit of 4,096 bytes. */
const LONGEST_REASON = 1_000;

/**
 * Stores the deployed plan when CloudFormation creates its resource. Plans are never deleted: people may look into runs
 * of a plan for years.
 */
export async function handler(event: CloudFormationCustomResourceEvent): Promise<void> {
  const { StackId, RequestId, LogicalResourceId, RequestType, ResponseURL } = event;
  const checksum = String(event.ResourceProperties.Plan);
  // A deletion returns the id it received: after a failed creation that is CloudFormation's own.
  const PhysicalResourceId = RequestType === "Delete" ? event.PhysicalResourceId : `plan-${checksum}`;
  const about = { StackId, RequestId, LogicalResourceId, PhysicalResourceId };
  let response: CloudFormationCustomResourceResponse;
  try {
    if (RequestType !== "Delete")
      await storePlan(
        new S3Evidence(new S3Client(), requireEnvar(Envar.bucket)),
        readPlanDocument(),
        checksum,
      );
    response = { ...about, Status: "SUCCESS" };
  } catch (error) {
    console.error(error);
    response = { ...about, Status: "FAILED", Reason: messageOf(error).slice(0, LONGEST_REASON) };
  }
  const answered = await fetch(ResponseURL, {
    method: "PUT",
    headers: { "content-type": "" },
    body: JSON.stringify(response),
  });
  if (!answered.ok) throw new Error(`CloudFormation did not accept the response: HTTP ${answered.status}`);
}
