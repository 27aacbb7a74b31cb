import type { Settings } from "./settings.ts";

/** Name of a deployment's stack. */
export function stackName({
  stackName,
  databases: [first],
}: Pick<Settings, "stackName" | "databases">): string {
  return stackName ?? stackNameAfter(first.instance);
}

export function stackNameAfter(instance: string): string {
  return `Sluice-${instance}`;
}
