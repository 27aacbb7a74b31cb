import { type CfnResource, Stack, Token, Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import { memberPatterns, QUIET_PREFIX, STAGING_PREFIX, snapshotPrefix } from "../lambdas/shared/names.ts";
import type { ExportRole } from "./export-role.ts";
import { asidePattern, memberAsidePatternsOf } from "./functions/arns.ts";
import type { Functions } from "./functions/functions.ts";
import { type Cluster, clustersAmong, makesClones } from "./functions/permissions-clusters.ts";
import { usesDefaultSecretKey } from "./functions/permissions-keys.ts";
import type { GateApi } from "./gate-api.ts";
import type { KeepWarm } from "./keep-warm.ts";
import type { CleanUp } from "./machine/clean-up.ts";
import type { Machine } from "./machine/machine.ts";
import type { FunctionsNetwork } from "./network.ts";
import type { Publishers } from "./publishers.ts";
import type { RolloutMachine } from "./rollout/machine.ts";
import { instancesOf, type Settings } from "./settings.ts";
import type { StoppedRuns } from "./stopped-runs.ts";
import type { Storage } from "./storage.ts";

export interface Parts {
  settings: Settings;
  storage: Storage;
  api: GateApi;
  exports: ExportRole | undefined;
  network: FunctionsNetwork;
  functions: Functions;
  machine: Machine;
  cleanUp: CleanUp;
  keepWarm: KeepWarm;
  rollout: RolloutMachine;
  stopped: StoppedRuns;
  publishers: Publishers;
}

/** Accepted findings of cdk-nag's AwsSolutions, each with its reason. A test checks that there are no others. */
export function acknowledge({
  settings,
  storage,
  api,
  exports,
  network,
  functions,
  machine,
  cleanUp,
  keepWarm,
  rollout,
  stopped,
  publishers,
}: Parts): void {
  const accept = (at: IConstruct, id: string, reason: string) =>
    Validations.of(at).acknowledge({ id: `AwsSolutions::AwsSolutions-${asShown(at, id)}`, reason });

  accept(
    storage,
    "S1",
    "Evidence is written once and versioned. CloudTrail's data events show who read it, in accounts that turn them on; server access logs would need another bucket.",
  );
  accept(
    api,
    "APIG4",
    "Approvers have no account here. The link's key of 256 bits lets them in; only its hash is stored. It expires, and decides once.",
  );

  accept(
    stopped,
    "SQS3",
    "It is itself the dead-letter queue of EventBridge; an alarm reports when a message is in it.",
  );

  const rds = (text: string) => `${RDS}:${text}`;
  const instances = instancesOf(settings.databases.filter(({ cluster }) => cluster === undefined));
  const clusters = clustersAmong(settings);
  const bucket = `<${logicalId(storage.bucket)}.Arn>`;
  const wildcards: [resource: string, reason: string][] = [
    [
      "*",
      "Describing network interfaces and subnets, which Lambda does with the function's role; ListSecrets, GetMetricStatistics, DescribeAlarms, DescribeExportTasks, DescribeAccountAttributes and DescribeDBMajorEngineVersions: these actions take no narrower resources.",
    ],
    [
      "arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:network-interface/*",
      "Lambda makes them with the function's role and chooses their names. They can be made only in these subnets, and the function's code may not make any.",
    ],
    ...[...functions.subnetIds, network.securityGroup.securityGroupId].map((id): [string, string] => [
      `arn:<AWS::Partition>:ec2:<AWS::Region>:*:${id.startsWith("sg-") ? "security-group" : "subnet"}/${id}`,
      "That one subnet or group. The account is left open, as a shared VPC belongs to another account.",
    ]),
    ...settings.databases.flatMap(({ iamUser }): [string, string][] =>
      iamUser === undefined
        ? []
        : [
            [
              `arn:<AWS::Partition>:rds-db:<AWS::Region>:<AWS::AccountId>:dbuser:*/${iamUser}`,
              "That one role. Staging and restored instances have resource ids that are unknown at deployment.",
            ],
          ],
    ),
    [`${bucket}/runs/*`, "Evidence of every run; the bucket's policy forbids overwriting."],
    [`${bucket}/plans/*`, "A run's input may name any published plan; the functions may only read them."],
    [`${bucket}/published/*`, "Notes of who published each plan; the functions may only read them."],
    [`${bucket}/leases/*`, "One object for each instance."],
    [`${bucket}/lists/*`, "Lists of databases that a rollout's input may name; it may only read them."],
    ...["deployment", "db-proxy", "target-group", "target"].map((kind): [string, string] => [
      rds(`${kind}:*`),
      "Read only, to find those that concern production.",
    ]),
    [rds(`db:${STAGING_PREFIX}*`), "Instances with that name belong to Sluice; each run has another."],
    ...instances.map((instance): [string, string] => [rds(`db:${asidePattern(instance)}`), ASIDE]),
    ...(instances.length > 0 ? ownSnapshots("snapshot") : []),
    ...(clusters.length > 0 ? ofClusters(clusters) : []),
    ...(clusters.some(makesClones)
      ? [
          [rds("cluster:*"), "Read-only: shows which clusters share production's storage."] satisfies [
            string,
            string,
          ],
        ]
      : []),
    [rds("subgrp:*"), "Production's own groups, read when it is restored: unknown at deployment."],
    [rds("pg:*"), "Production's own groups, read when it is restored: unknown at deployment."],
    [rds(`pg:${QUIET_PREFIX}*`), "Parameter groups of Sluice; each run has another."],
    [rds("og:*"), "Production's own groups, read when it is restored: unknown at deployment."],
    ...[...(instances.length > 0 ? ["db"] : []), ...(clusters.length > 0 ? ["cluster"] : [])].map(
      (kind): [string, string] => [
        `arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:rds!${kind}-*`,
        "RDS chooses the name. A condition limits it to secrets that RDS made for these, or to calls by RDS.",
      ],
    ),
    ...(settings.restore && settings.databases.some(usesDefaultSecretKey)
      ? [
          [
            "arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/*",
            "The id of the account's default key for secrets is unknown. A condition limits it to that key, which may only be described.",
          ] satisfies [string, string],
        ]
      : []),
    [
      "arn:<AWS::Partition>:iam::<AWS::AccountId>:role/*",
      "Production's own roles, read when it is restored. A condition limits it to passing them to RDS.",
    ],
    ...[machine, cleanUp, rollout].map(({ stateMachine }): [string, string] => [
      `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<${logicalId(stateMachine)}.Name>:*`,
      "Executions of these state machines.",
    ]),
  ];
  // The rights of a person who publishes plans.
  const toPublish: [resource: string, reason: string][] = [
    [`${bucket}/plans/*`, "A plan's name is its checksum; the bucket's policy forbids overwriting."],
    [`${bucket}/lists/*`, "Lists of databases for rollouts; each rollout keeps what it found."],
    [`${bucket}/published/*`, "Who published a plan is noted for each."],
    [
      `${bucket}/published/*/<aws:userid>.json`,
      "A publisher's own note on any plan: the key has the writer's id.",
    ],
    [
      `arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:stack/${Stack.of(storage).stackName}/*`,
      "This one stack: after its name comes an id, which is unknown until it is made.",
    ],
  ];
  for (const [resource, reason] of toPublish) accept(publishers, `IAM5[Resource::${resource}]`, reason);
  const { copyTo, exportTo } = settings.backup;
  const kinds = [
    ...(instances.length > 0 ? ["snapshot"] : []),
    ...(clusters.length > 0 ? ["cluster-snapshot"] : []),
  ];
  if (copyTo)
    for (const kind of kinds)
      wildcards.push([
        `arn:<AWS::Partition>:rds:${copyTo.region}:<AWS::AccountId>:${kind}:${snapshotPrefix("final")}*`,
        "Copies of Sluice's own snapshots; each run has another.",
      ]);
  if (exports && exportTo)
    accept(
      exports,
      `IAM5[Resource::arn:<AWS::Partition>:s3:::${exportTo.bucket}/${snapshotPrefix("final")}*]`,
      "Exports of Sluice's own snapshots; each has another name.",
    );
  for (const [resource, reason] of wildcards) accept(functions, `IAM5[Resource::${resource}]`, reason);

  accept(
    keepWarm,
    `IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<${logicalId(machine.stateMachine)}.Name>:*]`,
    "Whether the run still executes: each has its own name.",
  );
  const executions = (of: IConstruct, which: string) =>
    `IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<${logicalId(of)}.Name>${which}]`;
  accept(
    rollout,
    executions(machine.stateMachine, ":*"),
    "Runs that it started: each has a name of its own.",
  );
  accept(rollout, executions(rollout.stateMachine, "/*"), "Step Functions names the executions of a Map.");
  accept(rollout, `IAM5[Resource::${bucket}/runs/*/waves/*/items.json]`, "The databases of each wave.");
  accept(
    rollout,
    `IAM5[Resource::<${logicalId(functions.rollout)}.Arn>:*]`,
    "Versions of that function: an execution calls those that were deployed when it was started.",
  );
  accept(rollout, "IAM5[Resource::*]", "Log delivery and X-Ray: these actions know no narrower resources.");
  for (const each of [machine, cleanUp, keepWarm]) {
    for (const made of Object.values(functions.byCapability))
      accept(
        each,
        `IAM5[Resource::<${logicalId(made)}.Arn>:*]`,
        "Versions of that function: an execution calls those that were deployed when it started.",
      );
    accept(each, "IAM5[Resource::*]", "Log delivery and X-Ray: these actions take no narrower resources.");
  }
}

/** ARNs in the form of cdk-nag, for values that only CloudFormation has. */
const RDS = "arn:<AWS::Partition>:rds:<AWS::Region>:<AWS::AccountId>";
const ASIDE = "The former production after a restore; each run gives another name.";

function ownSnapshots(
  kind: "snapshot" | "cluster-snapshot" | "cluster",
): [resource: string, reason: string][] {
  const what = kind === "cluster" ? "clones" : "snapshots";
  const purposes = ["rehearsal", "final", ...(kind === "cluster" ? [] : (["kept"] as const))] as const;
  return purposes.map((purpose) => [
    `${RDS}:${kind}:${snapshotPrefix(purpose)}*`,
    `Sluice's own ${what}; each run has another.`,
  ]);
}

function ofClusters(clusters: readonly Cluster[]): [resource: string, reason: string][] {
  return [
    [`${RDS}:cluster:${STAGING_PREFIX}*`, "Clusters with that name belong to Sluice; each run has another."],
    ...clusters.flatMap(({ id, how: { members } }): [string, string][] => [
      [`${RDS}:cluster:${asidePattern(id)}`, ASIDE],
      ...memberPatterns(id, members).flatMap((pattern): [string, string][] =>
        pattern.endsWith("*")
          ? [
              [
                `${RDS}:db:${pattern}`,
                "Instances of the cluster, which begin with its name; database.members narrows it to their own.",
              ],
            ]
          : [],
      ),
      ...memberAsidePatternsOf(id, members).map((pattern): [string, string] => [
        `${RDS}:db:${pattern}`,
        ASIDE,
      ]),
    ]),
    ...ownSnapshots("cluster-snapshot"),
    ...ownSnapshots("cluster"),
    [`${RDS}:cluster-pg:*`, "Production's own groups, read when it is restored: unknown at deployment."],
    [`${RDS}:cluster-pg:${QUIET_PREFIX}*`, "Parameter groups of Sluice; each run has another."],
  ];
}

function asShown(at: IConstruct, text: string): string {
  if (!Token.isUnresolved(text)) return text;
  const found: unknown = Stack.of(at).resolve(text);
  const parts = isJoin(found) ? found["Fn::Join"][1] : [found];
  return parts.map((part) => (typeof part === "string" ? part : ofResource(part))).join("");
}

function isJoin(value: unknown): value is { "Fn::Join": [string, unknown[]] } {
  return typeof value === "object" && value !== null && "Fn::Join" in value;
}

function ofResource(part: unknown): string {
  const { Ref: ref, "Fn::GetAtt": of } = part as { Ref?: string; "Fn::GetAtt"?: string[] };
  return ref !== undefined || of ? `<${ref ?? of?.join(".")}>` : JSON.stringify(part);
}

function logicalId(of: IConstruct): string {
  return Stack.of(of).getLogicalId(of.node.defaultChild as CfnResource & { logicalId: string });
}
