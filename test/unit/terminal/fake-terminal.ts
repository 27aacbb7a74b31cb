import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import type { Streams } from "../../../local/terminal/streams.ts";

/** Streams that keep what is printed, and a keyboard. */
export class FakeTerminal implements Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly signals = new EventEmitter();
  private readonly printed = { stdout: "", stderr: "" };

  constructor({ isTTY = false, color = false, columns = 100 } = {}) {
    this.stdin = Object.assign(new PassThrough(), { isTTY, setRawMode: () => this.stdin }) as never;
    const output = (name: "stdout" | "stderr") => {
      const stream = new PassThrough();
      stream.on("data", (chunk) => {
        this.printed[name] += String(chunk);
      });
      return Object.assign(stream, { isTTY, columns, rows: 200, hasColors: () => color }) as never;
    };
    this.stdout = output("stdout");
    this.stderr = output("stderr");
  }

  /** Everything that was printed, unchanged. */
  get raw(): string {
    return this.printed.stdout;
  }

  get out(): string {
    return stripVTControlCharacters(this.printed.stdout);
  }

  get err(): string {
    return stripVTControlCharacters(this.printed.stderr);
  }

  type(keys: string): void {
    (this.stdin as unknown as PassThrough).write(keys);
  }

  /** Waits until that text has been printed so many times. */
  async until(text: string, times = 1): Promise<void> {
    for (let tries = 0; tries < 2000; tries++) {
      if ([this.out, this.err].some((printed) => printed.split(text).length > times)) return;
      await pause(10);
    }
    throw new Error(`"${text}" was not printed, but:\n${this.out}\n${this.err}`);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
