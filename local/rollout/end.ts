import { existsSync } from "node:fs";
import { join } from "node:path";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import type { EvidenceStore } from "../../lambdas/shared/ports.ts";
import { endsOf, latestWave, RolloutDocs } from "../../lambdas/shared/rollout-documents.ts";
import type { DatabaseRow, RolloutEnd, RolloutEndName } from "./events.ts";

const ENDS: readonly RolloutEndName[] = ["Succeeded", "Refused", "Incomplete"];

/** What the rollout's evidence shows of its databases, those of earlier starts among them. */
export async function rowsOf(
  store: EvidenceStore,
  name: string,
  labelOf: (database: string) => string,
): Promise<DatabaseRow[]> {
  const evidence = evidenceOf(store, name);
  const databases = (await evidence.read(RolloutDocs.databases))?.databases ?? [];
  const rows = databases.map(
    (one): DatabaseRow => ({
      database: labelOf(one.name),
      wave: 0,
      run: "",
      end: "NotStarted",
      cause: "No run of it was started.",
      downtimeSeconds: null,
      predictedSeconds: null,
    }),
  );
  const waves = await latestWave(evidence);
  // The newest wave that a database was in counts.
  for (let wave = 1; wave <= waves; wave++)
    for (const [index, end] of await endsOf(evidence, wave)) {
      const doc = await evidence.require(RolloutDocs.end(wave, index, end));
      rows[index] = {
        database: labelOf(doc.database),
        wave,
        run: doc.run,
        end,
        cause: doc.cause,
        downtimeSeconds: doc.downtime,
        predictedSeconds: doc.predictedDowntime,
      };
    }
  return rows;
}

/** @throws Error for an end that a rollout does not have */
export function endNamed(name: string): RolloutEnd["end"] {
  const end = ENDS.find((one) => one === name);
  if (!end) throw new Error(`The rollout ended as ${name}, which is none of its ends`);
  return end;
}

/** The page of a rollout, where it was written: each start writes one of its own. */
export function pageIn(evidence: string): string | undefined {
  const numbered = (n: number) => join(evidence, n === 1 ? "rollout.html" : `rollout-${n}.html`);
  let n = 0;
  while (existsSync(numbered(n + 1))) n++;
  return n === 0 ? undefined : numbered(n);
}
