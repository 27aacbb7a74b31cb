import { duration, list } from "../report/words.ts";
import { Doc, type WayBackDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { type CompiledPlan, restoreOnlyFrom } from "../shared/plan.ts";
import type { RunSettings } from "../shared/settings.ts";
import type { GateKind } from "./kinds.ts";

type Settings = Pick<RunSettings, "restore" | "fence">;

/** Where going back is not all by rollbacks that leave nothing: what a person must know before any other thing. A line each. */
export async function waysBackFor(
  kind: GateKind,
  plan: CompiledPlan,
  settings: Settings,
  evidence: RunEvidence,
): Promise<string[]> {
  const measured = await evidence.read<WayBackDoc>(Doc.wayBack);
  const restore = restoreLine(plan, settings, measured);
  if (kind === "restore") return restore;
  const left = plan.migrations.flatMap(({ version, leaves }) =>
    leaves ? [`Rolled back, ${version} leaves ${list(leaves)}.`] : [],
  );
  return [...restore, ...left];
}

function restoreLine(
  plan: CompiledPlan,
  { restore, fence }: Settings,
  measured: WayBackDoc | undefined,
): string[] {
  const from = restoreOnlyFrom(plan)?.version;
  if (from === undefined) return [];
  if (restore === false)
    return [
      `From ${from} on there is no way back: nothing may be restored here (setting restore: false), and the plan accepts that (acceptNoWayBack: true).`,
    ];
  const takes = measured ? `about ${duration(measured.restore.seconds)}` : "and the rehearsal will time it";
  const since = fence === "connect" ? "the opening" : "the final snapshot";
  return [
    `From ${from} on the way back is the restore, ${takes}; what is written after ${since} would be lost.`,
  ];
}
