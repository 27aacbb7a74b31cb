import type { Surface } from "../terminal/surface.ts";
import type { RunView, ViewEvent } from "../terminal/view.ts";
import { STOPPING } from "../terminal/words.ts";

/**
 * Shows a rollout as lines, one for each thing that a run of it tells: runs go on side by side, so there is no list in
 * which one of them is being worked on.
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
