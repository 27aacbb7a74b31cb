import type { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import { memberPatterns, STAGING_PREFIX, snapshotPrefix } from "../../lambdas/shared/names.ts";
import type { RunCluster } from "../../lambdas/shared/settings.ts";
import type { Database, Settings } from "../settings.ts";
import { asidePattern, clusterSnapshotArns, instanceArn, memberAsidePatternsOf, rdsArn } from "./arns.ts";
import { storageKeyStatements } from "./permissions-keys.ts";
import { deleteQuietStatement, quietStatements } from "./permissions-quiet.ts";

/** A production database that is a cluster. */
export interface Cluster {
  id: string;
  how: RunCluster;
}

/** Each cluster once: several of the databases may be in one. */
export function clustersAmong({ databases }: Settings): Cluster[] {
  const found = new Map(
    databases.flatMap(({ instance: id, cluster: how }) => (how ? [[id, { id, how }] as const] : [])),
  );
  return [...found.values()];
}

function databasesOf({ databases }: Settings): Database[] {
  return databases.filter(({ cluster }) => cluster !== undefined);
}

/** Seeing production, the former production, staging, their instances, our clones and snapshots. */
export function clusterStatements(stack: Stack, settings: Settings): iam.PolicyStatement[] {
  const clusters = clustersAmong(settings);
  if (clusters.length === 0) return [];
  const { production, aside, members, membersAside } = arnsOf(stack, clusters);
  return [
    new iam.PolicyStatement({
      actions: ["rds:DescribeDBClusters"],
      resources: [...production, ...aside, ...cloneArns(stack), stagingArn(stack)],
    }),
    new iam.PolicyStatement({
      actions: ["rds:DescribeDBInstances"],
      resources: [...members, ...membersAside, instanceArn(stack, `${STAGING_PREFIX}*`)],
    }),
    new iam.PolicyStatement({
      actions: ["rds:DescribeDBClusterSnapshots"],
      resources: [...clusterSnapshotArns(stack), ...production],
    }),
  ];
}

/** Allows to read which clusters share production's storage, so that preflight can count the clones left. */
export function clonesStatements(stack: Stack, settings: Settings): iam.PolicyStatement[] {
  return clustersAmong(settings).some(makesClones)
    ? [
        new iam.PolicyStatement({
          actions: ["rds:DescribeDBClusters"],
          resources: [rdsArn(stack, "cluster", "*")],
        }),
      ]
    : [];
}

export function makesClones({ how: { staging, backup } }: Cluster): boolean {
  return [staging, backup].includes("clone");
}

/** Taking cluster snapshots and clones of production. */
export function clusterSnapshotStatements(stack: Stack, settings: Settings): iam.PolicyStatement[] {
  const clusters = clustersAmong(settings);
  if (clusters.length === 0) return [];
  const { production } = arnsOf(stack, clusters);
  const clones = clusters.some(makesClones);
  return [
    new iam.PolicyStatement({
      actions: ["rds:CreateDBClusterSnapshot", "rds:AddTagsToResource"],
      resources: clusterSnapshotArns(stack),
    }),
    new iam.PolicyStatement({ actions: ["rds:CreateDBClusterSnapshot"], resources: production }),
    ...(clones
      ? [
          new iam.PolicyStatement({
            actions: ["rds:RestoreDBClusterToPointInTime"],
            resources: [...production, ...cloneArns(stack), ...groupArns(stack)],
          }),
          new iam.PolicyStatement({ actions: ["rds:AddTagsToResource"], resources: cloneArns(stack) }),
        ]
      : []),
    ...storageKeyStatements(stack, databasesOf(settings)),
  ];
}

/**
 * Making, changing and deleting clusters and instances with staging's name. Only the rehearsal's clones and cluster
 * snapshots may be deleted: the final one is the way back.
 */
export function clusterStagingStatements(stack: Stack, settings: Settings): iam.PolicyStatement[] {
  const clusters = clustersAmong(settings);
  if (clusters.length === 0) return [];
  const { production } = arnsOf(stack, clusters);
  const rehearsal = rdsArn(stack, "cluster", `${snapshotPrefix("rehearsal")}*`);
  const instances = instanceArn(stack, `${STAGING_PREFIX}*`);
  return [
    ...restoreStatements(stack, [stagingArn(stack)], [instances]),
    ...(settings.restore ? momentStatements(stack, settings, [stagingArn(stack)], production) : []),
    new iam.PolicyStatement({ actions: ["rds:ModifyDBCluster"], resources: [rehearsal] }),
    new iam.PolicyStatement({ actions: ["rds:DeleteDBInstance"], resources: [instances] }),
    new iam.PolicyStatement({
      actions: ["rds:DeleteDBCluster"],
      resources: [stagingArn(stack), rehearsal],
    }),
    new iam.PolicyStatement({
      actions: ["rds:DeleteDBClusterSnapshot"],
      resources: [rdsArn(stack, "cluster-snapshot", `${snapshotPrefix("rehearsal")}*`)],
    }),
    ...(["pg", "cluster-pg"] as const).flatMap((of) => [
      ...quietStatements(stack, of),
      deleteQuietStatement(stack, of),
    ]),
    ...storageKeyStatements(stack, databasesOf(settings)),
  ];
}

/** Renaming production with its instances, and restoring it under its name. Nothing here deletes anything. */
export function clusterProductionStatements(stack: Stack, settings: Settings): iam.PolicyStatement[] {
  const clusters = clustersAmong(settings);
  if (clusters.length === 0) return [];
  const { production, aside, members, membersAside } = arnsOf(stack, clusters);
  return [
    ...restoreStatements(stack, production, members),
    ...momentStatements(stack, settings, production, aside),
    new iam.PolicyStatement({
      // A clone that replaces production is renamed.
      actions: ["rds:ModifyDBCluster", "rds:RebootDBCluster"],
      resources: [...aside, rdsArn(stack, "cluster", `${snapshotPrefix("final")}*`)],
    }),
    new iam.PolicyStatement({
      actions: ["rds:ModifyDBInstance", "rds:RebootDBInstance"],
      resources: membersAside,
    }),
    new iam.PolicyStatement({ actions: ["rds:AddRoleToDBCluster"], resources: production }),
    ...quietStatements(stack, "pg"),
    ...quietStatements(stack, "cluster-pg"),
    ...storageKeyStatements(stack, databasesOf(settings)),
  ];
}

/** Restoring to a moment. IAM checks both clusters. */
function momentStatements(
  stack: Stack,
  { backup: { by } }: Settings,
  to: string[],
  from: string[],
): iam.PolicyStatement[] {
  if (by === "snapshot" || by === "clone") return [];
  return [
    new iam.PolicyStatement({
      actions: ["rds:RestoreDBClusterToPointInTime"],
      resources: [...to, ...from, ...groupArns(stack)],
    }),
  ];
}

function restoreStatements(stack: Stack, clusters: string[], instances: string[]): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      actions: [
        "rds:RestoreDBClusterFromSnapshot",
        "rds:ModifyDBCluster",
        // For a Multi-AZ DB cluster.
        "rds:RebootDBCluster",
        "rds:CreateDBInstance",
        "rds:AddTagsToResource",
      ],
      resources: clusters,
    }),
    new iam.PolicyStatement({
      actions: ["rds:RestoreDBClusterFromSnapshot"],
      resources: clusterSnapshotArns(stack),
    }),
    new iam.PolicyStatement({
      actions: [
        "rds:CreateDBInstance",
        "rds:ModifyDBInstance",
        "rds:RebootDBInstance",
        "rds:AddTagsToResource",
      ],
      resources: instances,
    }),
    new iam.PolicyStatement({
      // The parameter and subnet groups are production's own at that time: their names are not known here.
      actions: [
        "rds:RestoreDBClusterFromSnapshot",
        "rds:ModifyDBCluster",
        "rds:CreateDBInstance",
        "rds:ModifyDBInstance",
      ],
      resources: [...groupArns(stack), rdsArn(stack, "pg", "*")],
    }),
  ];
}

function stagingArn(stack: Stack): string {
  return rdsArn(stack, "cluster", `${STAGING_PREFIX}*`);
}

/** ARNs of clones that serve as snapshots: clusters without an instance. */
function cloneArns(stack: Stack): string[] {
  return (["rehearsal", "final"] as const).map((purpose) =>
    rdsArn(stack, "cluster", `${snapshotPrefix(purpose)}*`),
  );
}

function groupArns(stack: Stack): string[] {
  return [rdsArn(stack, "subgrp", "*"), rdsArn(stack, "cluster-pg", "*"), rdsArn(stack, "og", "*")];
}

function arnsOf(stack: Stack, clusters: readonly Cluster[]) {
  const instances = (names: string[]) => names.map((name) => instanceArn(stack, name));
  return {
    production: clusters.map(({ id }) => rdsArn(stack, "cluster", id)),
    aside: clusters.map(({ id }) => rdsArn(stack, "cluster", asidePattern(id))),
    members: instances(clusters.flatMap(({ id, how }) => memberPatterns(id, how.members))),
    membersAside: instances(clusters.flatMap(({ id, how }) => memberAsidePatternsOf(id, how.members))),
  };
}
