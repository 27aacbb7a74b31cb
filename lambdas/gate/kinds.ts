import type { GateDoc } from "../shared/documents.ts";
import type { RunSettings } from "../shared/settings.ts";

export type GateKind = GateDoc["kind"];

export const GATE_KINDS = [
  "readiness",
  "rehearsal",
  "after",
  "open",
  "keep",
  "restore",
] as const satisfies readonly GateKind[];

/** What a run calls a gate: one that it comes to after each of several migrations, by that migration too. */
export function gateName(kind: GateKind, version: string | undefined): string {
  return version === undefined ? kind : `${kind}-${version}`;
}

/** True where a Go leads to a change of production, the application's downtime being one. */
export function leadsToProduction(kind: GateKind, { rehearse }: Pick<RunSettings, "rehearse">): boolean {
  switch (kind) {
    case "readiness":
      return rehearse === "inside";
    case "keep":
      return false;
    case "rehearsal":
    case "after":
    case "open":
    case "restore":
      return true;
  }
}

/** True where a Go takes the database's name: whoever gives it is to know which one it is about. */
export function takesName(
  kind: GateKind,
  settings: Pick<RunSettings, "rehearse" | "nameAtEveryGate">,
): boolean {
  return settings.nameAtEveryGate === true || leadsToProduction(kind, settings);
}

/**
 * Gates that nothing but a person's answer, or the end of its own time, closes: no maintenance window's end, and no
 * wish to stop the run. At the others a No-Go is the quickest way out of the downtime. At `keep` it would begin another
 * one, with the application in and writing; at `restore` it would leave production broken and give up the way back.
 */
export function isForPeopleAlone({ kind }: { kind: GateKind }): boolean {
  return kind === "keep" || kind === "restore";
}
