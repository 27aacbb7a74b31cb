import { Doc, type GateDoc, type RunWindow } from "./documents.ts";
import { ErrorName, SluiceError } from "./errors.ts";
import type { RunEvidence } from "./evidence.ts";
import type { Ports } from "./ports.ts";
import type { RunSettings } from "./settings.ts";

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

// A page may take as long as this over an answer that came in the last moment: the machine waits for it, so that
// every answer which was accepted is heard.
export const PAGE_SECONDS = 30;

/** Until when a gate can be answered, and how many seconds the machine waits from now on. */
export type GateTime = { until: string; seconds: number };

export interface TimedGate {
  gate: string;
  kind: GateKind;
  minutes: number;
}

/** The gate's own minutes from now on, or less: until the maintenance window ends. Undefined when it has ended. */
export async function timeLeft(
  { kind, minutes }: TimedGate,
  ports: Ports,
  evidence: RunEvidence,
): Promise<GateTime | undefined> {
  const now = ports.clock.now().getTime();
  const window = await windowOfGate(kind, evidence);
  const end = Math.min(now + minutes * 60_000, window ? Date.parse(window.ends) : Number.POSITIVE_INFINITY);
  if (end <= now) return undefined;
  return { until: new Date(end).toISOString(), seconds: Math.ceil((end - now) / 1000) + PAGE_SECONDS };
}

/**
 * The time of a gate that is asked now.
 * @throws SluiceError WindowClosed where the maintenance window has ended: that counts as a No-Go.
 */
export async function requireTime(gate: TimedGate, ports: Ports, evidence: RunEvidence): Promise<GateTime> {
  const time = await timeLeft(gate, ports, evidence);
  if (time) return time;
  throw new SluiceError(
    ErrorName.WindowClosed,
    `The maintenance window had ended before gate ${gate.gate} was asked: that counts as a No-Go.`,
  );
}

/** The opening of the maintenance window whose end closes a gate of this kind; undefined where none does. */
export async function windowOfGate(kind: GateKind, evidence: RunEvidence): Promise<RunWindow | undefined> {
  return isForPeopleAlone({ kind }) ? undefined : (await evidence.read(Doc.request))?.window;
}

/** True for a gate whose time is cut short by the end of the maintenance window. */
export function endsWithWindow({ expiresAt, window }: GateDoc): boolean {
  return window !== undefined && Date.parse(expiresAt) >= Date.parse(window.ends);
}
