import type { RunView, ViewEvent } from "./view.ts";

/** Where a run is shown: the live list of a terminal, plain lines, or nothing but errors. */
export interface Surface {
  /** Called after each event, with the view that came of it. */
  show(before: RunView, view: RunView, event: ViewEvent): Promise<void>;
  /** Says what stays to be read, and then keeps off the screen: somebody may be asked there. */
  hold(lines: readonly string[]): Promise<void>;
  /** Goes on showing the run. */
  resume(): Promise<void>;
  close(): Promise<void>;
}
