import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocalEnd } from "../local/events.ts";
import { rehearse } from "../local/rehearse.ts";
import { type Bench, PLAN } from "./harness.ts";
import { timed } from "./stats.ts";

/** A whole run of the real machine, every gate answered at once. */
export async function rehearsal(bench: Bench, databaseUrl?: string): Promise<{ end: LocalEnd; ms: number }> {
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
      for await (const event of run.events) {
        if (event.type === "gate") await event.gate.decide("Go", "bench", "");
        if (event.type === "failed") bench.progress(`${event.state}: ${event.error}: ${event.message}`);
      }
      return await run.end;
    });
    return { end: value, ms };
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}
