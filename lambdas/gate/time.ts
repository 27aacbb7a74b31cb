import { Doc, type GateDoc, type RequestDoc, type RunWindow } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import { type GateKind, isForPeopleAlone } from "./kinds.ts";

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
export async function needTime(gate: TimedGate, ports: Ports, evidence: RunEvidence): Promise<GateTime> {
  const time = await timeLeft(gate, ports, evidence);
  if (time) return time;
  throw new SluiceError(
    ErrorName.WindowClosed,
    `The maintenance window had ended before gate ${gate.gate} was asked: that counts as a No-Go.`,
  );
}

/** The opening of the maintenance window whose end closes a gate of this kind; undefined where none does. */
export async function windowOfGate(kind: GateKind, evidence: RunEvidence): Promise<RunWindow | undefined> {
  return isForPeopleAlone({ kind }) ? undefined : (await evidence.read<RequestDoc>(Doc.request))?.window;
}

/** True for a gate whose time is cut short by the end of the maintenance window. */
export function endsWithWindow({ expiresAt, window }: GateDoc): boolean {
  return window !== undefined && Date.parse(expiresAt) >= Date.parse(window.ends);
}
