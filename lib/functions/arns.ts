import { ArnFormat, Fn, type Stack, Token } from "aws-cdk-lib";
import { asidePrefix, memberAsidePatterns, snapshotPrefix } from "../../lambdas/shared/names.ts";

/** ARNs of resources outside the stack, in its account and Region. Names may end in `*`. */
export function rdsArn(
  stack: Stack,
  resource:
    | "db"
    | "cluster"
    | "cluster-snapshot"
    | "cluster-pg"
    | "snapshot"
    | "subgrp"
    | "pg"
    | "og"
    | "deployment"
    | "db-proxy"
    | "target-group"
    | "target",
  resourceName: string,
): string {
  return stack.formatArn({
    service: "rds",
    resource,
    resourceName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

export function instanceArn(stack: Stack, name: string): string {
  return rdsArn(stack, "db", name);
}

/** The names of an instance or cluster that was moved aside. Of a name that CloudFormation generates, only the first word up to a hyphen is known here. */
export function asidePattern(name: string): string {
  return Token.isUnresolved(name)
    ? `${Fn.select(0, Fn.split("-", name))}*-before-*`
    : `${asidePrefix(name)}*`;
}

/** Name patterns of a cluster's instances after they were moved aside with it. */
export function memberAsidePatternsOf(cluster: string, listed: readonly string[] | undefined): string[] {
  const names = listed === undefined || listed.length === 0 ? [cluster] : listed;
  return [
    ...new Set(
      names.flatMap((name) =>
        Token.isUnresolved(name) ? asidePattern(name) : memberAsidePatterns(cluster, [name]),
      ),
    ),
  ];
}

/** ARNs of every snapshot that Sluice takes. */
export function snapshotArns(stack: Stack): string[] {
  return (["rehearsal", "final", "kept"] as const).map((purpose) =>
    rdsArn(stack, "snapshot", `${snapshotPrefix(purpose)}*`),
  );
}

/** ARN of the copies of final snapshots in another Region. */
export function finalSnapshotArn(
  stack: Stack,
  kind: "snapshot" | "cluster-snapshot",
  region: string,
): string {
  return stack.formatArn({
    service: "rds",
    region,
    resource: kind,
    resourceName: `${snapshotPrefix("final")}*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/** ARNs of every cluster snapshot that Sluice takes. */
export function clusterSnapshotArns(stack: Stack): string[] {
  return (["rehearsal", "final", "kept"] as const).map((purpose) =>
    rdsArn(stack, "cluster-snapshot", `${snapshotPrefix(purpose)}*`),
  );
}

/** ARN of the secrets that RDS makes for master passwords of instances or clusters; RDS chooses the names. */
export function managedSecretArns(stack: Stack, of: "db" | "cluster"): string {
  return stack.formatArn({
    service: "secretsmanager",
    resource: "secret",
    resourceName: `rds!${of}-*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/** Values of the condition kms:ViaService. */
export function viaServices(stack: Stack, ...services: readonly string[]): string[] {
  return services.map((service) => `${service}.${stack.region}.amazonaws.com`);
}

/** A condition's value in the form that CloudFormation shows. */
export function oneOrAll(values: string[]): string | string[] {
  const [only, ...others] = values;
  return only !== undefined && others.length === 0 ? only : values;
}
