import { createInterface } from "node:readline";
import { UsageError } from "../../local/events.ts";
import { print, type Streams } from "../../local/terminal/streams.ts";

/** Asks the person at the terminal. */
export interface Prompt {
  /** @throws UsageError at the end of the input */
  ask(question: string): Promise<string>;
  say(lines: readonly string[]): void;
  close(): void;
}

export function openPrompt({ stdin, stdout }: Pick<Streams, "stdin" | "stdout">): Prompt {
  const reader = createInterface({ input: stdin });
  // Lines that were typed ahead or pasted wait here for their questions.
  const lines = reader[Symbol.asyncIterator]();
  return {
    async ask(question) {
      stdout.write(`${question}: `);
      const { value, done } = await lines.next();
      if (done) throw new UsageError("The input ended before everything was answered; nothing was written.");
      return value;
    },
    say: (text) => print(stdout, text),
    close: () => reader.close(),
  };
}
