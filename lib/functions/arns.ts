import { ArnFormat, type Stack } from "aws-cdk-lib";
import { snapshotPrefix } from "../../lambdas/shared/names.ts";

/** ARNs of what lies outside the stack, in its own account and Region. Names may end in `*`. */
export function rdsArn(
  stack: Stack,
  resource:
    | "db"
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

/** Every snapshot that Sluice takes. */
export function snapshotArns(stack: Stack): string[] {
  return (["rehearsal", "final", "kept"] as const).map((purpose) =>
    rdsArn(stack, "snapshot", `${snapshotPrefix(purpose)}*`),
  );
}

/** Copies of final snapshots in another Region. */
export function finalSnapshotArn(stack: Stack, region: string): string {
  return stack.formatArn({
    service: "rds",
    region,
    resource: "snapshot",
    resourceName: `${snapshotPrefix("final")}*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/** Secrets that RDS makes for master passwords; it chooses the names. */
export function managedSecretArns(stack: Stack): string {
  return stack.formatArn({
    service: "secretsmanager",
    resource: "secret",
    resourceName: "rds!db-*",
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
