import { ArnFormat, Fn, type Stack, Token } from "aws-cdk-lib";
import { asidePrefix, memberAsidePatterns, snapshotPrefix } from "../../lambdas/shared/names.ts";

/** ARNs of what lies outside the stack, in its own account and Region. Names may end in `*`. */
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

/** What an instance or cluster is called once it was moved aside. Of a name that CloudFormation makes up only its first word is at hand here, up to a hyphen. */
export function asidePattern(name: string): string {
  return Token.isUnresolved(name)
    ? `${Fn.select(0, Fn.split("-", name))}*-before-*`
    : `${asidePrefix(name)}*`;
}

/** What instances of a cluster are called once they were moved aside with it. */
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

/** Every snapshot that Sluice takes. */
export function snapshotArns(stack: Stack): string[] {
  return (["rehearsal", "final", "kept"] as const).map((purpose) =>
    rdsArn(stack, "snapshot", `${snapshotPrefix(purpose)}*`),
  );
}

/** Copies of final snapshots in another Region. */
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

/** Every cluster snapshot that Sluice takes. */
export function clusterSnapshotArns(stack: Stack): string[] {
  return (["rehearsal", "final", "kept"] as const).map((purpose) =>
    rdsArn(stack, "cluster-snapshot", `${snapshotPrefix(purpose)}*`),
  );
}

/** Secrets that RDS makes for master passwords of instances, or of clusters; it chooses the names. */
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

/** A condition's value, as CloudFormation shows one. */
export function oneOrAll(values: string[]): string | string[] {
  const [only, ...others] = values;
  return only !== undefined && others.length === 0 ? only : values;
}
