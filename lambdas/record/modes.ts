import type { CompiledPlan } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { qualifiedName } from "../shared/table-name.ts";
import type { ContentMode } from "./checksums.ts";

/** How the plan wants tables' contents read, by the tables' names as records have them. All others are read in full. */
export async function contentModes(
  session: Session,
  contents: CompiledPlan["contents"],
): Promise<ReadonlyMap<string, ContentMode>> {
  const modes = new Map<string, ContentMode>();
  for (const [name, mode] of Object.entries(contents)) {
    const table = await qualifiedName(session, name);
    // growing.ts reads those that only grow.
    if (table !== undefined) modes.set(table, mode === "grows" ? "count" : mode);
  }
  return modes;
}
