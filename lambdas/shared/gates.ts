import { Doc, type GateDoc, type RunWindow } from "./documents.ts";
import { ErrorName, SluiceError } from "./errors.ts";
import type { RunEvidence } from "./evidence.ts";
import type { Ports } from "./ports.ts";
import type { RunSettings } from "./settings.ts";

/** Gates of a run. A rollout has one kind of its own, `wave`. */
export type GateKind = Exclude<GateDoc["kind"], "wave">;

export const GATE_KINDS = [
  "readiness",
  "rehearsal",
  "after",
  "open",
  "keep",
  "restore",
] as const satisfies readonly GateKind[];

/** Returns a gate's name in a run. A gate that follows each migration also carries that migration's version. */
export function gateName(kind: GateKind, version: string | undefined): string {
  return version === undefined ? kind : `${kind}-${version}`;
}

/** True where a Go leads to a change of production, the application's downtime being one. */
export function leadsToProduction(
  kind: GateDoc["kind"],
  { rehearse }: Pick<RunSettings, "rehearse">,
): boolean {
  switch (kind) {
    case "readiness":
      return rehearse === "inside";
    case "keep":
      return false;
    case "rehearsal":
    case "after":
    case "open":
    case "restore":
    case "wave":
      return true;
  }
}

/** True where the approver must type the database's name with a Go, to confirm which database it is about. */
export function takesName(
  kind: GateDoc["kind"],
  settings: Pick<RunSettings, "rehearse" | "nameAtEveryGate">,
): boolean {
  return settings.nameAtEveryGate === true || leadsToProduction(kind, settings);
}

/**
 * True for gates that only a person's answer, or the end of the gate's own time, closes. The end of the maintenance
 * window or a request to stop the run does not close them. At the other gates a No-Go is the quickest way out of the
 * downtime. At `keep` a No-Go would begin another downtime, with the application in and writing. At `restore` it would
 * leave production broken and give up the way back.
 */
export function isForPeopleAlone({ kind }: { kind: GateDoc["kind"] }): boolean {
  return kind === "keep" || kind === "restore";
}

// A page may take this long to process an answer that came at the last moment. The machine waits for it, so that every
// accepted answer reaches the run.
export const PAGE_SECONDS = 30;

/** The moment until which a gate can be answered, and the seconds that the machine waits from now on. */
export type GateTime = { until: string; seconds: number };

export interface TimedGate {
  gate: string;
  kind: GateKind;
  minutes: number;
}

/** Returns the gate's own minutes from now on, cut at the end of the maintenance window; undefined when that has ended. */
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
 * Returns the time of a gate that opens now.
 * @throws SluiceError WindowClosed where the maintenance window has ended: that counts as a No-Go.
 */
export async function requireTime(gate: TimedGate, ports: Ports, evidence: RunEvidence): Promise<GateTime> {
  const time = await timeLeft(gate, ports, evidence);
  if (time) return time;
  throw new SluiceError(
    ErrorName.WindowClosed,
    `The maintenance window ended before gate ${gate.gate} opened: that counts as a No-Go.`,
  );
}

/** Returns the maintenance window whose end closes a gate of this kind; undefined where no window closes it. */
export async function windowOfGate(kind: GateKind, evidence: RunEvidence): Promise<RunWindow | undefined> {
  return isForPeopleAlone({ kind }) ? undefined : (await evidence.read(Doc.request))?.window;
}

/** True for a gate whose time is cut short by the end of the maintenance window. */
export function endsWithWindow({ expiresAt, window }: GateDoc): boolean {
  return window !== undefined && Date.parse(expiresAt) >= Date.parse(window.ends);
}
