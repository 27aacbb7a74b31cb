import type { EventEmitter } from "node:events";

/** npm passes Ctrl-C on to its child, which has already had it from the terminal: one press arrives twice. */
const SAME_PRESS_MS = 300;

/**
 * Ctrl-C: the first stops the run, the second leaves at once. A closed terminal also stops the run, but never leaves: its
 * signal may come more than once, as the shell sends it too, and nobody is there to leave.
 */
export class Interrupts {
  /** Resolves when the command must leave at once. */
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
