import type { Surface } from "./surface.ts";
import type { RunView, ViewEvent } from "./view.ts";
import { failureText, STOPPING } from "./words.ts";

/** Shows only errors and open gates: standard output is for the report alone. */
export class QuietSurface implements Surface {
  constructor(private readonly write: (lines: readonly string[]) => void) {}

  async show(_before: RunView, _view: RunView, event: ViewEvent): Promise<void> {
    if (event.type === "failed" && !event.willRetry) this.write([`${event.state}: ${failureText(event)}`]);
    if (event.type === "stopping") this.write([STOPPING]);
  }

  async hold(lines: readonly string[]): Promise<void> {
    this.write(lines);
  }

  async resume(): Promise<void> {}

  async close(): Promise<void> {}
}
