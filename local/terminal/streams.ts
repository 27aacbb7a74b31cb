import type { EventEmitter } from "node:events";
import { visible } from "../../lambdas/shared/text.ts";

/** The streams and signals of a command. */
export interface Streams {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** Emits SIGINT, SIGTERM and SIGHUP. */
  signals: EventEmitter;
}

/** Colour only on a terminal that shows it; Node checks NO_COLOR, FORCE_COLOR and dumb terminals. */
export function hasColor(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && stream.hasColors();
}

/** Prints text from any source: control characters are made visible. */
export function print(stream: NodeJS.WriteStream, lines: readonly string[]): void {
  printPainted(stream, lines.map(visible));
}

/** Prints painted lines; text from outside in them is already made visible. */
export function printPainted(stream: NodeJS.WriteStream, lines: readonly string[]): void {
  if (lines.length > 0) stream.write(`${lines.join("\n")}\n`);
}

/** Error codes of a stream whose reader has gone: `head`, or a closed terminal. */
const GONE = ["EPIPE", "EIO", "ENXIO", "ENOTTY", "EBADF", "ERR_STREAM_DESTROYED"];

/**
 * Keeps the process alive when nobody reads its streams any more, or when its terminal was closed: a run under way goes
 * on, or goes back.
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
