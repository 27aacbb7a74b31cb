import { backedUpBy, momentLine } from "../moments/look.ts";
import { duration, list } from "../report/words.ts";
import { Doc, type WayBackDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { type CompiledPlan, restoreOnlyFrom } from "../shared/plan.ts";
import type { BackupKind, RunSettings } from "../shared/settings.ts";
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
  const seen = settings.restore === false ? undefined : await momentLine(evidence);
  const restore = [
    ...restoreLine(plan, settings, measured, await backedUpBy(evidence)),
    ...(seen === undefined ? [] : [seen]),
  ];
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
  by: BackupKind,
): string[] {
  const from = restoreOnlyFrom(plan)?.version;
  if (from === undefined) return [];
  if (restore === false)
    return [
      `From ${from} on there is no way back: nothing may be restored here (setting restore: false), and the plan accepts that (acceptNoWayBack: true).`,
    ];
  const takes = measured ? `about ${duration(measured.restore.seconds)}` : "and the rehearsal will time it";
  const taken = by === "snapshot" ? "the final snapshot" : "the moment that it goes back to";
  const since = fence === "connect" ? "the opening" : taken;
  return [
    `From ${from} on the way back is the restore, ${takes}; what is written after ${since} would be lost.`,
  ];
}
