import type { GateDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { sha256 } from "../shared/sha256.ts";

/** What somebody saw who answered, kept by its SHA-256: a gate's page, or what a terminal said. */
export type ShownOn = "page" | "terminal";

const ENDINGS: Readonly<Record<ShownOn, { ending: string; type: string }>> = {
  page: { ending: "html", type: "text/html; charset=utf-8" },
  terminal: { ending: "txt", type: "text/plain; charset=utf-8" },
};

type Attempt = Pick<GateDoc, "gate" | "attempt">;

const shownFile = ({ gate, attempt }: Attempt, shown: string, on: ShownOn) =>
  `gates/${gate}-${attempt}/shown-${shown.slice(0, 16)}.${ENDINGS[on].ending}`;

/** @returns its SHA-256 */
export async function keepShown(
  evidence: RunEvidence,
  attempt: Attempt,
  text: string,
  on: ShownOn,
): Promise<string> {
  const shown = sha256(text);
  await evidence.keepFile(shownFile(attempt, shown, on), text, ENDINGS[on].type);
  return shown;
}

/** Where what has this SHA-256 was shown; undefined: nowhere. */
export async function shownOn(
  evidence: RunEvidence,
  attempt: Attempt,
  shown: string,
): Promise<ShownOn | undefined> {
  if (!/^[0-9a-f]{64}$/.test(shown)) return undefined;
  for (const on of ["page", "terminal"] as const) {
    const text = await evidence.readFile(shownFile(attempt, shown, on));
    if (text !== undefined && sha256(text) === shown) return on;
  }
  return undefined;
}

/** What a terminal says of a gate, for evidence; the facts beside it are those of the report. */
export function terminalText(doc: GateDoc): string {
  return [
    `Gate ${doc.gate}, attempt ${doc.attempt}: ${doc.question}`,
    ...(doc.warnings ?? []).map((line) => `First: ${line}`),
    ...doc.changed.map((line) => `Changed: ${line}`),
    ...doc.checklist.map((item) => `To be true for a Go: ${item}`),
    `Go: ${doc.go}`,
    `No-Go: ${doc.noGo}`,
    "",
  ].join("\n");
}
