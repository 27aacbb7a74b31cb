import type { EventEmitter } from "node:events";

/** npm hands Ctrl-C on to what it runs, which has had it from the terminal already: one press arrives twice. */
const SAME_PRESS_MS = 300;

/** The command was left at once, by a second Ctrl-C. */
export class LeftAtOnce extends Error {
  override readonly name = "LeftAtOnce";
}

/** Ctrl-C: once asks the run to stop, twice leaves. */
export class Interrupts {
  /** Rejects with LeftAtOnce when the command is to be left. */
  readonly left: Promise<never>;
  private leave: (error: Error) => void = () => undefined;
  private pressedAt: number | undefined;
  private readonly onSignal = () => this.press();

  constructor(
    private readonly signals: EventEmitter,
    private readonly onStop: () => void,
    private readonly now: () => number = Date.now,
  ) {
    this.left = new Promise((_, reject) => {
      this.leave = reject;
    });
    this.left.catch(() => undefined);
    for (const signal of ["SIGINT", "SIGTERM"]) signals.on(signal, this.onSignal);
  }

  press(): void {
    const before = this.pressedAt;
    this.pressedAt = this.now();
    if (before === undefined) this.onStop();
    else if (this.pressedAt - before > SAME_PRESS_MS) this.leave(new LeftAtOnce());
  }

  close(): void {
    for (const signal of ["SIGINT", "SIGTERM"]) this.signals.removeListener(signal, this.onSignal);
  }
}
