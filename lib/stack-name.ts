import type { Settings } from "./settings.ts";

/** What a deployment's stack is called. */
export function stackName({ database }: Pick<Settings, "database">): string {
  return `Sluice-${database.instance}`;
}
