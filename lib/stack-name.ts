import type { Settings } from "./settings.ts";

/** What a deployment's stack is called. */
export function stackName({
  stackName,
  databases: [first],
}: Pick<Settings, "stackName" | "databases">): string {
  return stackName ?? stackNameAfter(first.instance);
}

export function stackNameAfter(instance: string): string {
  return `Sluice-${instance}`;
}
