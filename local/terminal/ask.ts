import { createInterface } from "node:readline/promises";
import type { Decision } from "../../lambdas/shared/documents.ts";
import { visible } from "../../lambdas/shared/text.ts";
import type { Streams } from "./streams.ts";

export interface Asked {
  decision: Decision;
  comment: string;
}

/** Nobody reads and answers a question within this time. */
const QUIET_MS = 40;

/**
 * Asks for a Go or a No-Go. Resolves to undefined if there was no answer here: the signal was aborted, or the input ended.
 * During a question the terminal reports Ctrl-C as a key, which goes to `onInterrupt`. Text typed before the question
 * never counts as an answer.
 * @param about what the Go is for, in one line, shown on the line of the question
 * @param typed text that a Go also requires
 */
export async function ask(
  { stdin, stdout }: Pick<Streams, "stdin" | "stdout">,
  {
    signal,
    onInterrupt,
    about,
    typed,
  }: { signal: AbortSignal; onInterrupt: () => void; about: string; typed?: string | undefined },
): Promise<Asked | undefined> {
  const question = async (text: string): Promise<string> => {
    await discardTypedAhead(stdin, signal, onInterrupt);
    return await readAnswer({ stdin, stdout }, text, signal, onInterrupt);
  };
  try {
    for (;;) {
      const answer = (await question(`  ${about} Go? Type y or n, and Enter: `)).toLowerCase();
      if (/^(y|yes|go)$/.test(answer)) {
        if (typed === undefined) return { decision: "Go", comment: "" };
        const name = await question(`  Type ${visible(typed)}, the database that this run changes: `);
        if (name === typed) return { decision: "Go", comment: "" };
        continue;
      }
      if (!/^(n|no|no-go)$/.test(answer)) continue;
      const comment = await question("  Why not? (Enter alone goes back to the question): ");
      if (comment !== "") return { decision: "NoGo", comment };
    }
  } catch (error) {
    if (!(error instanceof NotAnswered)) throw error;
    stdout.write("\n");
    return undefined;
  }
}

/** The signal was aborted, or the input has ended. */
class NotAnswered extends Error {}

/**
 * Reads and drops what is in the terminal's buffer until nothing more comes: it was typed or pasted before the question
 * was visible.
 */
async function discardTypedAhead(
  stdin: NodeJS.ReadStream,
  signal: AbortSignal,
  onInterrupt: () => void,
): Promise<void> {
  if (signal.aborted || stdin.destroyed || stdin.readableEnded) throw new NotAnswered();
  // In cooked mode the terminal would keep back a line without Enter.
  stdin.setRawMode(true);
  await new Promise<void>((resolve, reject) => {
    let timer: NodeJS.Timeout;
    const over = (end: () => void) => () => {
      clearTimeout(timer);
      stdin.off("data", onData).off("end", gone).off("error", gone).off("close", gone);
      signal.removeEventListener("abort", gone);
      end();
    };
    const quiet = over(resolve);
    const gone = over(() => {
      stdin.setRawMode(false);
      stdin.pause();
      reject(new NotAnswered());
    });
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(quiet, QUIET_MS);
    };
    const onData = (keys: Buffer | string) => {
      if (String(keys).includes("\u0003")) onInterrupt();
      wait();
    };
    stdin.on("data", onData).on("end", gone).on("error", gone).on("close", gone);
    signal.addEventListener("abort", gone);
    wait();
  });
}

async function readAnswer(
  { stdin, stdout }: Pick<Streams, "stdin" | "stdout">,
  text: string,
  signal: AbortSignal,
  onInterrupt: () => void,
): Promise<string> {
  const reader = createInterface({ input: stdin, output: stdout, terminal: true, historySize: 0 });
  const closed = new AbortController();
  reader.on("SIGINT", onInterrupt);
  reader.on("close", () => closed.abort());
  // The terminal was closed; this also happens when the reader closes and gives the terminal back.
  reader.on("error", () => closed.abort());
  const either = AbortSignal.any([signal, closed.signal]);
  try {
    return (await reader.question(text, { signal: either })).trim();
  } catch (error) {
    throw either.aborted ? new NotAnswered() : error;
  } finally {
    reader.close();
  }
}
