import type { GateDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { RolloutDocs } from "../shared/rollout-documents.ts";
import { sha256 } from "../shared/sha256.ts";
import { type WaveGate, waveGateName } from "./wave-gates.ts";

/** What a decision on a wave is bound to: the plan, the wave with each of its databases, and the results that were shown. */
export async function basisOfWave(
  gate: WaveGate,
  wave: number,
  attempt: number,
  planChecksum: string,
  rollout: RunEvidence,
): Promise<GateDoc["basis"]> {
  const texts = await Promise.all(
    [
      `${RolloutDocs.wave(wave)}.json`,
      RolloutDocs.items(wave),
      `${RolloutDocs.results(waveGateName(gate, wave), attempt)}.json`,
    ].map((file) => rollout.readFile(file)),
  );
  return { fingerprint: null, planChecksum, report: sha256(JSON.stringify(texts)) };
}
