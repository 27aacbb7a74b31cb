import type { SnapshotPurpose } from "./names.ts";
import type { Tags } from "./ports.ts";
import type { RunSettings } from "./settings.ts";

/** What whatever the run makes is tagged with: the organization's own tags first, then what tells which run it is of. */
export function runTags(
  settings: Pick<RunSettings, "tags">,
  run: string,
  purpose: SnapshotPurpose | "staging" | "aside",
): Tags {
  return { ...settings.tags, "sluice:run": run, "sluice:purpose": purpose };
}

/** Until when it is kept; people delete it. */
export const KEEP_UNTIL = "sluice:keep-until";
