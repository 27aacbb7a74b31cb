import type { Surface } from "../terminal/surface.ts";
import type { RunView, ViewEvent } from "../terminal/view.ts";
import { STOPPING } from "../terminal/words.ts";

/**
 * Shows a rollout as lines, one for each report of a run. Runs work side by side, so no list could mark one of them as
 * the current one.
 */
export class RolloutSurface implements Surface {
  constructor(
    private readonly write: (lines: readonly string[]) => void,
    private readonly shows: "all" | "gates",
  ) {}

  async show(_before: RunView, _view: RunView, event: ViewEvent): Promise<void> {
    if (event.type === "stopping") this.write([STOPPING]);
    if (event.type === "progress" && this.shows === "all") this.write([event.line]);
  }

  async hold(lines: readonly string[]): Promise<void> {
    this.write(lines);
  }

  async resume(): Promise<void> {}

  async close(): Promise<void> {}
}
