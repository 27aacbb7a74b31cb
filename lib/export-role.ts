import { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { snapshotPrefix } from "../lambdas/shared/names.ts";

/** The role with which RDS writes an export: only to that bucket, below the names of Sluice's exports. */
export class ExportRole extends Construct {
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, { bucket }: { bucket: string }) {
    super(scope, id);
    const stack = Stack.of(this);
    this.role = new iam.Role(this, "Role", {
      description: "Sluice: exports of final snapshots",
      assumedBy: new iam.ServicePrincipal("export.rds.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": stack.account } },
      }),
    });
    const arn = (resource: string) => stack.formatArn({ service: "s3", region: "", account: "", resource });
    this.role.addToPolicy(
      new iam.PolicyStatement({
        actions: ["s3:ListBucket", "s3:GetBucketLocation"],
        resources: [arn(bucket)],
      }),
    );
    this.role.addToPolicy(
      new iam.PolicyStatement({
        // RDS writes, reads and removes a test object in the bucket.
        actions: ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
        resources: [arn(`${bucket}/${snapshotPrefix("final")}*`)],
      }),
    );
  }
}
