import type { OpenGate } from "../../local/events.ts";
import type { RolloutEnd, RolloutEvent, RolloutOptions } from "../../local/rollout/events.ts";
import { rollOut } from "../../local/rollout/rollout.ts";
import { TINY_PLAN, temporaryFolder } from "./rehearsal.ts";

export interface RanRollout {
  end: RolloutEnd;
  /** Names of the gates that people answered, in order. */
  gates: string[];
  lines: string[];
}

export interface RolloutWishes extends Partial<RolloutOptions> {
  databases: RolloutOptions["databases"];
  /** Gates that are answered with a No-Go; all others get a Go. */
  noGo?: readonly string[];
  onEvent?: (event: RolloutEvent, stop: () => void) => void | Promise<void>;
}

/** Runs a rollout of the tiny plan to its end. */
export async function runRollout({ noGo = [], onEvent, ...options }: RolloutWishes): Promise<RanRollout> {
  const rollout = await rollOut({
    plan: TINY_PLAN,
    out: options.out ?? (await temporaryFolder()),
    apply: false,
    waves: [1, "rest"],
    atATime: 4,
    tolerated: 0,
    rehearse: "before",
    fence: "connect",
    startedBy: "a test",
    ...options,
  });
  const gates: string[] = [];
  const lines: string[] = [];
  for await (const event of rollout.events) {
    await onEvent?.(event, () => rollout.stop());
    if (event.type === "progress") lines.push(event.line);
    else gates.push(await answer(event.gate, noGo));
  }
  return { end: await rollout.end, gates, lines };
}

async function answer({ doc, decide }: OpenGate, noGo: readonly string[]): Promise<string> {
  const no = noGo.includes(doc.gate);
  const comment = no ? "the test wants it" : "";
  if ((await decide(no ? "NoGo" : "Go", "an approver", comment)) === "counted")
    await decide("Go", "another approver", comment);
  return doc.gate;
}

/** How many databases came to each end. */
export function endsIn({ rows }: RolloutEnd): Record<string, number> {
  const ends: Record<string, number> = {};
  for (const { end } of rows) ends[end] = (ends[end] ?? 0) + 1;
  return ends;
}
