import type { EventEmitter } from "node:events";
import { visible } from "../../lambdas/shared/text.ts";

/** Where a command reads and writes. */
export interface Streams {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** Emits SIGINT, SIGTERM and SIGHUP. */
  signals: EventEmitter;
}

/** Colour only on a terminal that shows it; Node knows of NO_COLOR, FORCE_COLOR and dumb terminals. */
export function hasColor(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && stream.hasColors();
}

/** Prints text, whoever it is from: what a terminal would obey is shown. */
export function print(stream: NodeJS.WriteStream, lines: readonly string[]): void {
  printPainted(stream, lines.map(visible));
}

/** Prints lines that are painted; text from outside in them has been made visible before. */
export function printPainted(stream: NodeJS.WriteStream, lines: readonly string[]): void {
  if (lines.length > 0) stream.write(`${lines.join("\n")}\n`);
}

/** What a stream says whose reader has gone away: `head`, or a terminal that was closed. */
const GONE = ["EPIPE", "EIO", "ENXIO", "ENOTTY", "EBADF", "ERR_STREAM_DESTROYED"];

/**
 * Keeps what is written to streams that nobody reads any more from ending the process, and what is read from a terminal
 * that was closed: a run that is under way goes on, or back.
 */
export function outliveReaders({
  stdin,
  stdout,
  stderr,
}: Pick<Streams, "stdin" | "stdout" | "stderr">): void {
  for (const stream of [stdin, stdout, stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (!GONE.includes(error.code ?? "")) throw error;
    });
}
