import type { RunView, ViewEvent } from "./view.ts";

/** Where a run is shown: a live list, plain lines, or only errors. */
export interface Surface {
  /** Called after each event, with the view before and after it. */
  show(before: RunView, view: RunView, event: ViewEvent): Promise<void>;
  /** Prints lines that stay, and then keeps off the screen: a question may follow. */
  hold(lines: readonly string[]): Promise<void>;
  /** Shows the run again. */
  resume(): Promise<void>;
  close(): Promise<void>;
}
