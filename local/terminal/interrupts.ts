import type { EventEmitter } from "node:events";

/** npm hands Ctrl-C on to what it runs, which has had it from the terminal already: one press arrives twice. */
const SAME_PRESS_MS = 300;

/**
 * Ctrl-C: once asks the run to stop, twice leaves. A terminal that is closed asks it to stop too, and never leaves: it
 * may say so more than once, as its shell does, and nobody is there who wants to leave.
 */
export class Interrupts {
  /** Resolves when the command is to be left at once. */
  readonly left: Promise<void>;
  private leave: () => void = () => undefined;
  private pressedAt: number | undefined;
  private readonly onSignal = () => this.press();
  private readonly onHangUp = () => {
    if (this.pressedAt === undefined) this.press();
  };

  constructor(
    private readonly signals: EventEmitter,
    private readonly onStop: () => void,
    private readonly now: () => number = Date.now,
  ) {
    this.left = new Promise((resolve) => {
      this.leave = resolve;
    });
    for (const signal of ["SIGINT", "SIGTERM"]) signals.on(signal, this.onSignal);
    signals.on("SIGHUP", this.onHangUp);
  }

  press(): void {
    const before = this.pressedAt;
    this.pressedAt = this.now();
    if (before === undefined) this.onStop();
    else if (this.pressedAt - before > SAME_PRESS_MS) this.leave();
  }

  close(): void {
    for (const signal of ["SIGINT", "SIGTERM"]) this.signals.removeListener(signal, this.onSignal);
    this.signals.removeListener("SIGHUP", this.onHangUp);
  }
}
