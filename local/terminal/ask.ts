import { createInterface } from "node:readline/promises";
import type { Decision } from "../../lambdas/shared/documents.ts";
import type { Streams } from "./streams.ts";

export interface Asked {
  decision: Decision;
  comment: string;
}

/**
 * Asks for a Go or a No-Go. Resolves to undefined when it was not answered here: the signal was given, or the terminal's
 * end of input. Ctrl-C, which a terminal hands over as a key while somebody is asked, goes to `onInterrupt`. Where
 * `typed` is given, a Go takes these words too.
 */
export async function ask(
  { stdin, stdout }: Pick<Streams, "stdin" | "stdout">,
  {
    signal,
    onInterrupt,
    typed,
  }: { signal: AbortSignal; onInterrupt: () => void; typed?: string | undefined },
): Promise<Asked | undefined> {
  const reader = createInterface({ input: stdin, output: stdout, terminal: true, historySize: 0 });
  const closed = new AbortController();
  reader.on("SIGINT", onInterrupt);
  reader.on("close", () => closed.abort());
  const either = AbortSignal.any([signal, closed.signal]);
  const question = async (text: string) => (await reader.question(text, { signal: either })).trim();
  try {
    for (;;) {
      // A whole word and Enter: what somebody typed ahead, or leaned on, is no answer.
      const answer = (await question("  Go? Type y or n, and Enter: ")).toLowerCase();
      if (/^(y|yes|go)$/.test(answer)) {
        if (typed === undefined) return { decision: "Go", comment: "" };
        const name = await question(`  Type ${typed}, the database that this changes: `);
        if (name === typed) return { decision: "Go", comment: "" };
        continue;
      }
      if (!/^(n|no|no-go)$/.test(answer)) continue;
      const comment = await question("  Why not? (Enter alone goes back to the question): ");
      if (comment !== "") return { decision: "NoGo", comment };
    }
  } catch (error) {
    if (!either.aborted) throw error;
    stdout.write("\n");
    return undefined;
  } finally {
    reader.close();
  }
}
