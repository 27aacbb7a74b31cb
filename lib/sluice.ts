import { Names, Stack, Token } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import type * as iam from "aws-cdk-lib/aws-iam";
import * as rds from "aws-cdk-lib/aws-rds";
import type * as s3 from "aws-cdk-lib/aws-s3";
import type * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import type * as sns from "aws-cdk-lib/aws-sns";
import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { Deployment } from "./deployment.ts";
import { compilePlanNow } from "./plan/compile-now.ts";
import { MOST_TEMPLATE_BYTES, templateBytesOf } from "./plan/limits.ts";
import { type Asked, parseSettings, type Settings, SettingsError, type SettingsGiven } from "./settings.ts";

/** What a team's own app gives. Everything else is found in its constructs, or has a default. */
export interface SluiceProps {
  /** Production: an instance of this or another app, or the identifier of one outside of any app. */
  readonly instance?: rds.IDatabaseInstance | rds.DatabaseInstance | string;
  /** Instead of `instance`: a cluster of this or another app, or the identifier of one outside of any app. */
  readonly cluster?: rds.IDatabaseCluster | rds.DatabaseCluster | rds.DatabaseClusterFromSnapshot | string;
  /** For a cluster: the source of staging. Default: a clone; for a Multi-AZ DB cluster, which has none, a snapshot. */
  readonly staging?: "clone" | "snapshot";
  /**
   * For a cluster: identifiers of all its instances. Default: those that its construct names; if it names none, every
   * instance whose identifier begins with the cluster's own and a hyphen.
   */
  readonly members?: readonly string[];
  /** Network of the functions that use the database. */
  readonly vpc: ec2.IVpc;
  /** Recipients of each gate: e-mail addresses, or names with e-mail addresses. */
  readonly approvers: readonly Asked[];
  /** Folder of the default plan, for runs that name none; relative to the app's working folder. */
  readonly plan: string;
  /** Recipients of a gate that no approver answered in time. Default: the approvers. */
  readonly escalation?: readonly Asked[];
  /** Name of the database in it. Default: the initial database of the instance or cluster. */
  readonly databaseName?: string;
  /** Username and password of the migrating role. Default: the instance's or cluster's own secret. */
  readonly secret?: secretsmanager.ISecret;
  /** Instead of a secret: the migrating role. It has rds_iam, and logs in with an IAM token. */
  readonly iamUser?: string;
  /** PEM file of further certificate authorities that the functions trust. */
  readonly caBundle?: string;
  /** Subnets of the functions. They must reach S3, Secrets Manager, SNS and EventBridge. Default: private ones with a way out; if there are none, isolated ones. */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /** Security group of the functions. Default: a new one. An instance or cluster that is a construct lets it in. */
  readonly securityGroup?: ec2.ISecurityGroup;
  /** All other settings; docs/deploying.md describes them. */
  readonly settings?: Omit<
    SettingsGiven,
    "approvers" | "escalation" | "database" | "databases" | "network" | "plan" | "stackName"
  >;
}

/**
 * Sluice beside the database that it migrates, in a team's own app.
 * @throws SettingsError for invalid settings, PlanError with file and line for a mistake in the plan
 */
export class Sluice extends Construct {
  /** Runs a plan: start an execution of it. */
  readonly stateMachine: sfn.IStateMachine;
  /** Evidence of every run, and the published plans. */
  readonly evidence: s3.Bucket;
  /** Attach it to the principals that may publish plans. */
  readonly publishers: iam.IManagedPolicy;
  /** Topic with the approvers' subscriptions. */
  readonly approvers: sns.ITopic;

  constructor(scope: Construct, id: string, props: SluiceProps) {
    super(scope, id);
    const settings = settingsOf(this, props);
    const { vpc, vpcSubnets: subnets = {} } = props;
    const securityGroup =
      props.securityGroup ??
      new ec2.SecurityGroup(this, "SecurityGroup", {
        vpc,
        description: "Functions of Sluice that talk to the database",
      });
    const made = props.cluster ?? props.instance;
    if (typeof made === "object") made.connections.allowDefaultPortFrom(securityGroup, "Functions of Sluice");
    const plan = compilePlanNow(props.plan);
    const { machine, storage, publishers, notices } = new Deployment(this, "Default", {
      settings,
      plan,
      network: { vpc, subnets, securityGroup },
    });
    this.stateMachine = machine.stateMachine;
    this.evidence = storage.bucket;
    this.publishers = publishers.policy;
    this.approvers = notices.approvers;
    takeRoom(this, templateBytesOf(plan, 1));
  }
}

/** Ratio of an indented template's size to an unindented one's. */
const INDENTED = 4 / 3;

/** Estimated bytes of each construct in its stack's template, without indentation. */
const BYTES = new WeakMap<Construct, number>();

/** Checks the room here, as CloudFormation would refuse the template only at deployment. */
function takeRoom(scope: Construct, bytes: number): void {
  const stack = Stack.of(scope);
  BYTES.set(scope, bytes);
  const here = stack.node.findAll().filter((each) => BYTES.has(each) && Stack.of(each) === stack);
  const dense = here.reduce((sum, each) => sum + (BYTES.get(each) ?? 0), 0);
  // The stack has no public property for it.
  const all = Reflect.get(stack, "_suppressTemplateIndentation") === true ? dense : dense * INDENTED;
  if (here.length === 1 || all <= MOST_TEMPLATE_BYTES) return;
  const kilobytes = (size: number) => `${Math.round(size / 1000)} KB`;
  const { path } = stack.node;
  const { id } = scope.node;
  refuse(
    scope,
    `${path} has ${here.length} of Sluice, which take about ${kilobytes(all)} of its template; CloudFormation's limit is ${kilobytes(MOST_TEMPLATE_BYTES)}. Give each its own stack, or a nested one: new Sluice(new NestedStack(this, "${id}Stack"), "${id}", ...)${
      dense <= MOST_TEMPLATE_BYTES
        ? `. Or give ${path} suppressTemplateIndentation: true, which reduces that to ${kilobytes(dense)}`
        : ""
    }`,
  );
}

/** Stands for names that only CloudFormation has, while the settings are checked. */
const STANDS_IN = {
  identifier: "known-once-deployed",
  secretArn: "arn:aws:secretsmanager:eu-central-1:1:secret:",
};

function settingsOf(scope: Construct, props: SluiceProps): Settings {
  const { approvers, escalation = approvers, settings = {}, plan, iamUser } = props;
  const found = productionOf(scope, props);
  if (found.name === undefined)
    refuse(
      scope,
      `databaseName: is missing, and the ${found.kind} does not name the database that it is made with`,
    );
  if (!iamUser && !found.secretArn)
    refuse(
      scope,
      `secret: is missing, and the ${found.kind} has none. Give the migrating role's secret, or iamUser`,
    );
  // A policy with the ARN without its last six letters allows nothing.
  if (!iamUser && found.secret && found.secret.secretFullArn === undefined)
    refuse(scope, "secret: give it by its whole ARN, as secretsmanager.Secret.fromSecretCompleteArn does");
  const parsed = parseSettings(
    {
      ...settings,
      approvers,
      escalation,
      plan,
      database: {
        [found.kind]: known(found.identifier),
        ...(found.staging === undefined ? {} : { staging: found.staging }),
        ...(found.members === undefined ? {} : { members: found.members.map(known) }),
        name: found.name,
        ...(iamUser ? { iamUser } : { secretArn: STANDS_IN.secretArn }),
        ...(props.caBundle === undefined ? {} : { caBundle: props.caBundle }),
      },
      // Unused: the constructs have the network.
      network: { vpcId: "vpc-0", securityGroupId: "sg-0", availabilityZones: ["a"], subnetIds: ["subnet-0"] },
    },
    scope.node.path,
  );
  const [checked] = parsed.databases;
  const { keyArn } = found.secret?.encryptionKey ?? {};
  const database = {
    ...checked,
    instance: found.identifier,
    ...(checked.cluster && found.members ? { cluster: { ...checked.cluster, members: found.members } } : {}),
    // The label names metrics and the dashboard, so it must be known now.
    label: Token.isUnresolved(found.identifier)
      ? Names.uniqueResourceName(scope, { maxLength: 60, separator: "-" })
      : checked.label,
    ...(iamUser || !found.secretArn ? {} : { secretArn: found.secretArn }),
    ...(iamUser || keyArn === undefined ? {} : { secretKmsKeyArn: keyArn }),
    ...(found.storageKey === undefined ? {} : { storageKmsKeyArn: found.storageKey }),
  };
  return { ...parsed, databases: [database] };
}

function known(identifier: string): string {
  return Token.isUnresolved(identifier) ? STANDS_IN.identifier : identifier;
}

function refuse(scope: Construct, mistake: string): never {
  throw new SettingsError([mistake], scope.node.path);
}

interface Production {
  kind: "instance" | "cluster";
  /** The name from the app, if it has one; otherwise CloudFormation makes one up. */
  identifier: string;
  staging?: SluiceProps["staging"];
  /** A cluster's instances; undefined: found by the rule for their names. */
  members?: string[] | undefined;
  name: string | undefined;
  secret?: secretsmanager.ISecret | undefined;
  secretArn?: string | undefined;
  storageKey?: string | undefined;
}

/** What the props, and the construct of the instance or cluster, state about production. */
function productionOf(scope: Construct, props: SluiceProps): Production {
  const { instance, cluster, staging, members } = props;
  if (instance !== undefined && cluster !== undefined)
    refuse(scope, "cluster: does not go with instance. For an instance in a cluster, give only the cluster");
  if (cluster !== undefined) return clusterOf(scope, cluster, props);
  // A JavaScript app has no type check.
  if (instance === undefined || (typeof instance !== "string" && !instance?.connections))
    refuse(
      scope,
      "instance: give an rds.DatabaseInstance, or the identifier of one; or give cluster instead",
    );
  for (const [key, value] of Object.entries({ staging, members }))
    if (value !== undefined) refuse(scope, `${key}: is for clusters only. Give cluster instead of instance`);
  return instanceOf(scope, instance, props);
}

function instanceOf(
  scope: Construct,
  instance: NonNullable<SluiceProps["instance"]>,
  { databaseName, secret }: SluiceProps,
): Production {
  const kind = "instance";
  if (typeof instance === "string")
    return { kind, identifier: instance, name: databaseName, secret, secretArn: secret?.secretArn };
  const engine = instance.engine?.engineType;
  if (engine !== undefined && engine !== "postgres")
    refuse(scope, `instance: it runs ${engine}, but Sluice migrates RDS for PostgreSQL`);
  if (instance instanceof rds.DatabaseInstanceReadReplica)
    refuse(scope, "instance: it is a read replica. Give the instance that it replicates");
  const made = instance.node.defaultChild;
  const cfn = made instanceof rds.CfnDBInstance ? made : undefined;
  const own =
    instance instanceof rds.DatabaseInstance || instance instanceof rds.DatabaseInstanceFromSnapshot
      ? instance.secret
      : undefined;
  return {
    kind,
    identifier: cfn?.dbInstanceIdentifier ?? instance.instanceIdentifier,
    name: databaseName ?? cfn?.dbName,
    ...secretOf(secret ?? own, cfn),
    storageKey: typeof cfn?.kmsKeyId === "string" ? cfn.kmsKeyId : undefined,
  };
}

function clusterOf(
  scope: Construct,
  cluster: NonNullable<SluiceProps["cluster"]>,
  { databaseName, secret, members, staging }: SluiceProps,
): Production {
  const kind = "cluster";
  const named = members && [...members];
  if (typeof cluster === "string")
    return {
      kind,
      identifier: cluster,
      ...(staging && { staging }),
      members: named,
      name: databaseName,
      secret,
      secretArn: secret?.secretArn,
    };
  const made = cluster?.node?.defaultChild;
  const cfn = made instanceof rds.CfnDBCluster ? made : undefined;
  if (!cluster?.connections || !cluster.clusterIdentifier || cfn?.engineMode === "serverless")
    refuse(
      scope,
      `cluster: give an rds.DatabaseCluster, or the identifier of one${cfn ? ": Sluice does not migrate Aurora Serverless v1" : ""}`,
    );
  const engine = cluster.engine?.engineType;
  if (engine !== undefined && engine !== "aurora-postgresql" && engine !== "postgres")
    refuse(scope, `cluster: it runs ${engine}, but Sluice migrates PostgreSQL`);
  if (cfn?.replicationSourceIdentifier !== undefined)
    refuse(scope, "cluster: it is a replica. Give the cluster that it replicates");
  if (!cluster.connections.defaultPort)
    refuse(
      scope,
      "cluster: its port is missing, so its security groups cannot be opened. Give port to fromDatabaseClusterAttributes, or give the cluster's identifier",
    );
  const own = cluster instanceof rds.DatabaseClusterBase ? cluster.secret : undefined;
  // A cluster of RDS for PostgreSQL is a Multi-AZ DB cluster; RDS names its instances.
  const multiAz = engine === "postgres";
  const from = staging ?? (multiAz ? "snapshot" : undefined);
  return {
    kind,
    identifier: cfn?.dbClusterIdentifier ?? cluster.clusterIdentifier,
    ...(from && { staging: from }),
    members: named ?? (multiAz ? undefined : membersOf(cluster)),
    name: databaseName ?? cfn?.databaseName,
    ...secretOf(secret ?? own, cfn),
    storageKey: typeof cfn?.kmsKeyId === "string" ? cfn.kmsKeyId : undefined,
  };
}

function secretOf(
  used: secretsmanager.ISecret | undefined,
  cfn: rds.CfnDBInstance | rds.CfnDBCluster | undefined,
): Pick<Production, "secret" | "secretArn"> {
  const managed = cfn?.manageMasterUserPassword === true ? cfn.attrMasterUserSecretSecretArn : undefined;
  return { secret: used, secretArn: used?.secretArn ?? managed };
}

/** Returns undefined if the app does not name them: another app's cluster may be imported without its instances. */
function membersOf(cluster: rds.IDatabaseCluster): string[] | undefined {
  try {
    const named = cluster.instanceIdentifiers;
    return named.length > 0 ? named : undefined;
  } catch {
    return undefined;
  }
}
