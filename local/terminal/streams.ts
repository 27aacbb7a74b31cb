import type { EventEmitter } from "node:events";

/** Where a command reads and writes. */
export interface Streams {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** Emits SIGINT and SIGTERM. */
  signals: EventEmitter;
}

/** Colour only on a terminal that shows it; Node knows of NO_COLOR, FORCE_COLOR and dumb terminals. */
export function hasColor(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && stream.hasColors();
}

export function print(stream: NodeJS.WriteStream, lines: readonly string[]): void {
  if (lines.length > 0) stream.write(`${lines.join("\n")}\n`);
}
