import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as kms from "aws-cdk-lib/aws-kms";
import * as s3 from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { planKey } from "../lambdas/shared/plan-document.ts";
import { publicationKey } from "../lambdas/shared/publications.ts";
import { SECRET_FILES } from "../lambdas/shared/sight.ts";
import type { Settings } from "./settings.ts";

const RUNS = "runs/*";
const SECRETS = SECRET_FILES.map((file) => `${RUNS}/${file}`);
const LEASES = "leases/*";
const PLANS = "plans/*";
/** Lists of databases, for rollouts. */
const LISTS = "lists/*";
const ITEMS = "runs/*/waves/*/items.json";
const PUBLISHED = "published/*";
/** The notes that a publisher may write. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: IAM puts the id in.
const OWN_NOTES = publicationKey("*", { id: "${aws:userid}" });

/** The evidence of runs, their plans, and the leases. Evidence outlives the stack. */
export class Storage extends Construct {
  readonly bucket: s3.Bucket;
  readonly key: kms.Key;

  constructor(
    scope: Construct,
    id: string,
    props: { retentionDays: number; evidenceLock?: Settings["evidenceLock"] },
  ) {
    super(scope, id);
    this.key = new kms.Key(this, "Key", {
      description: "Evidence of Sluice's runs",
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.bucket = new s3.Bucket(this, "Bucket", {
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: this.key,
      bucketKeyEnabled: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      ...lockOf(props.evidenceLock),
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        {
          id: "end-of-retention",
          prefix: "runs/",
          expiration: Duration.days(props.retentionDays),
          noncurrentVersionExpiration: Duration.days(30),
        },
        { id: "former-leases", prefix: "leases/", noncurrentVersionExpiration: Duration.days(30) },
        { id: "broken-uploads", abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
    });
    this.bucket.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: "EvidenceIsWrittenOnce",
        effect: iam.Effect.DENY,
        principals: [new iam.AnyPrincipal()],
        actions: ["s3:PutObject"],
        resources: [RUNS, PLANS, PUBLISHED].map((keys) => this.bucket.arnForObjects(keys)),
        conditions: { Null: { "s3:if-none-match": "true" } },
      }),
    );
    this.proveWhoPublished();
  }

  /**
   * A publisher's note has a key with an id, which must be the writer's own id at AWS. All other keys that may be written are
   * listed, as a denial cannot name one kind of key and leave out a part of it.
   */
  private proveWhoPublished(): void {
    this.bucket.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: "WhoPublishedIsProven",
        effect: iam.Effect.DENY,
        principals: [new iam.AnyPrincipal()],
        actions: ["s3:PutObject"],
        notResources: [RUNS, LEASES, PLANS, LISTS, OWN_NOTES].map((keys) => this.bucket.arnForObjects(keys)),
      }),
    );
  }

  /** Rights to publish plans, and to note who did. */
  publishStatements(): iam.PolicyStatement[] {
    const objects = (keys: string) => this.bucket.arnForObjects(keys);
    return [
      new iam.PolicyStatement({
        actions: ["s3:PutObject"],
        resources: [PLANS, LISTS, OWN_NOTES].map(objects),
      }),
      new iam.PolicyStatement({ actions: ["s3:GetObject"], resources: [PLANS, PUBLISHED].map(objects) }),
      new iam.PolicyStatement({
        actions: ["s3:ListBucket"],
        resources: [this.bucket.bucketArn],
        conditions: { StringLike: { "s3:prefix": [PLANS, PUBLISHED] } },
      }),
      this.keyStatement(),
    ];
  }

  /** Reading and adding evidence. Only callers that may list can see whether a key exists. */
  evidenceStatements(): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        actions: ["s3:GetObject", "s3:PutObject"],
        resources: [this.bucket.arnForObjects(RUNS)],
      }),
      new iam.PolicyStatement({ actions: ["s3:ListBucket"], resources: [this.bucket.bucketArn] }),
      this.keyStatement(),
    ];
  }

  /** Reading published plans. */
  planStatements(): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        actions: ["s3:GetObject"],
        resources: [PLANS, PUBLISHED].map((keys) => this.bucket.arnForObjects(keys)),
      }),
    ];
  }

  /** Storing that one plan. */
  storePlanStatements(checksum: string): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        actions: ["s3:GetObject", "s3:PutObject"],
        resources: [this.bucket.arnForObjects(planKey(checksum))],
      }),
      this.keyStatement(),
    ];
  }

  /** Reading lists of databases. What a rollout found there it keeps in its evidence. */
  listStatements(): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        actions: ["s3:GetObject"],
        resources: [this.bucket.arnForObjects(LISTS)],
      }),
    ];
  }

  /** Lets a state machine read the databases of each wave, as a Distributed Map does itself. */
  allowItems(machine: iam.IGrantable): void {
    machine.grantPrincipal.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ["s3:GetObject"],
        resources: [this.bucket.arnForObjects(ITEMS)],
      }),
    );
    machine.grantPrincipal.addToPrincipalPolicy(this.keyStatement("kms:Decrypt"));
  }

  /** For all who need not answer gates. */
  noTokensStatement(): iam.PolicyStatement {
    return new iam.PolicyStatement({
      effect: iam.Effect.DENY,
      actions: ["s3:GetObject", "s3:GetObjectVersion"],
      resources: SECRETS.map((keys) => this.bucket.arnForObjects(keys)),
    });
  }

  leaseStatements(): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        actions: ["s3:GetObject", "s3:PutObject"],
        resources: [this.bucket.arnForObjects(LEASES)],
      }),
    ];
  }

  private keyStatement(...actions: string[]): iam.PolicyStatement {
    return new iam.PolicyStatement({
      actions: actions.length > 0 ? actions : ["kms:Decrypt", "kms:GenerateDataKey"],
      resources: [this.key.keyArn],
      conditions: { StringEquals: { "kms:ViaService": `s3.${Stack.of(this).region}.amazonaws.com` } },
    });
  }
}

/** Locks every version of an object for so long; leases are replaced by new versions, which a lock allows. */
function lockOf(lock: Settings["evidenceLock"]): Partial<s3.BucketProps> {
  if (!lock) return {};
  const days = Duration.days(lock.days);
  return {
    objectLockEnabled: true,
    objectLockDefaultRetention:
      lock.mode === "compliance"
        ? s3.ObjectLockRetention.compliance(days)
        : s3.ObjectLockRetention.governance(days),
  };
}
