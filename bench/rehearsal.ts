import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocalEnd } from "../local/events.ts";
import { rehearse } from "../local/rehearse.ts";
import { type Bench, PLAN } from "./harness.ts";
import { timed } from "./stats.ts";

/** A gate's own time behind the fence, without waiting: to open it, and from the answer to its effect. */
export interface GateTime {
  gate: string;
  ms: number;
  /** Processor time: without the machine's other load, and including a database in this process. */
  processorMs: number;
}

const BEHIND_THE_FENCE = /^Confirm: (after|open)/;

/** Does a whole run of the real machine. Every gate is answered at once. */
async function rehearsal(
  bench: Bench,
  databaseUrl?: string,
): Promise<{ end: LocalEnd; ms: number; gates: GateTime[] }> {
  const gates: GateTime[] = [];
  const out = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  try {
    const { ms, value } = await timed(async () => {
      const run = await rehearse({
        plan: PLAN,
        out,
        rehearse: "before",
        fence: "connect",
        apply: false,
        startedBy: "bench",
        ...(databaseUrl === undefined ? {} : { databaseUrl }),
      });
      let began = moment();
      let asked: GateTime | undefined;
      for await (const event of run.events) {
        if (event.type === "entered" && !asked) began = moment();
        if (event.type === "gate") {
          asked = { gate: event.gate.doc.gate, ...since(began) };
          await event.gate.decide("Go", "bench", "");
          began = moment();
        }
        if (event.type === "left" && asked && /^Confirm: /.test(event.state)) {
          const confirmed = since(began);
          if (BEHIND_THE_FENCE.test(event.state))
            gates.push({
              gate: asked.gate,
              ms: asked.ms + confirmed.ms,
              processorMs: asked.processorMs + confirmed.processorMs,
            });
          asked = undefined;
        }
        if (event.type === "failed") bench.progress(`${event.state}: ${event.error}: ${event.message}`);
      }
      return await run.end;
    });
    return { end: value, ms, gates };
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/** A single run shows little: another process may have used the processor. */
export const RUNS = 3;

type Rehearsed = Awaited<ReturnType<typeof rehearsal>>;

/** Does several whole runs, one after the other. @returns all, and the one to show: one that failed, or the median */
export async function rehearsals(
  bench: Bench,
  what: string,
  databaseUrl?: string,
): Promise<{ all: Rehearsed[]; shown: Rehearsed }> {
  const all: Rehearsed[] = [];
  for (let n = 1; n <= RUNS; n++) {
    bench.progress(`${what}, ${n} of ${RUNS}`);
    all.push(await rehearsal(bench, databaseUrl));
  }
  const failed = all.find(({ end }) => end.end !== "Succeeded");
  return { all, shown: failed ?? ([...all].sort((a, b) => a.ms - b.ms)[(RUNS - 1) / 2] as Rehearsed) };
}

interface Moment {
  at: number;
  processor: NodeJS.CpuUsage;
}

const moment = (): Moment => ({ at: performance.now(), processor: process.cpuUsage() });

function since({ at, processor }: Moment): Pick<GateTime, "ms" | "processorMs"> {
  const { user, system } = process.cpuUsage(processor);
  return { ms: performance.now() - at, processorMs: (user + system) / 1000 };
}
