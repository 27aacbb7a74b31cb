import type { Surface } from "./surface.ts";
import type { RowView, RunView, ViewEvent } from "./view.ts";
import { answerText, failureText, STOPPING, secondsOf, timeOf } from "./words.ts";

/** Lines for a log: one for each finished state, for each failure, and for each finished phase. */
export class PlainSurface implements Surface {
  constructor(
    private readonly write: (lines: readonly string[]) => void,
    private readonly planned: ReadonlyMap<string, number>,
  ) {}

  async show(before: RunView, view: RunView, event: ViewEvent): Promise<void> {
    this.write(plainLines(before, view, event, this.planned));
  }

  async hold(lines: readonly string[]): Promise<void> {
    this.write(lines);
  }

  async resume(): Promise<void> {}

  async close(): Promise<void> {}
}

export function plainLines(
  before: RunView,
  view: RunView,
  event: ViewEvent,
  planned: ReadonlyMap<string, number>,
): string[] {
  switch (event.type) {
    case "started":
      return [`Run ${event.run}: ${event.plan}`, `Evidence: ${event.evidence}`];
    case "entered":
    case "ended":
      return [...doneRows(before, view, planned), ...endedPhases(before, view, planned)];
    case "failed":
      return [
        `${event.phase} > ${event.state}: failed${event.willRetry ? ", trying again" : ""}: ${failureText(event)}`,
      ];
    case "stopping":
      return [STOPPING];
    default:
      return [];
  }
}

// A state is done once another is entered: until then it may loop.
function doneRows(before: RunView, view: RunView, planned: ReadonlyMap<string, number>): string[] {
  return view.phases.flatMap(({ phase, rows }) => {
    const earlier = before.phases.find((candidate) => candidate.phase === phase)?.rows ?? [];
    return rows
      .filter((row, place) => row.over && !earlier[place]?.over)
      .map((row) => {
        const now = row.endedAt ?? row.startedAt;
        const said = [...outcome(row), timeOf(secondsOf(row, now), planned.get(row.state))];
        return `${phase} > ${row.state}: ${said.join(", ")}`;
      });
  });
}

function outcome({ answer, failures }: RowView): string[] {
  const done = answer === undefined ? "done" : answerText(answer);
  return failures.length === 0 ? [done] : [done, `at try ${failures.length + 1}`];
}

function endedPhases(before: RunView, view: RunView, planned: ReadonlyMap<string, number>): string[] {
  return view.phases.flatMap((phase) => {
    const earlier = before.phases.find((candidate) => candidate.phase === phase.phase);
    if (!phase.endedAt || earlier?.endedAt) return [];
    const how = { done: "done", turned: "turned back", failed: "failed", waiting: "", working: "" }[
      phase.status
    ];
    return [`${phase.phase}: ${how}, ${timeOf(secondsOf(phase, phase.endedAt), planned.get(phase.phase))}`];
  });
}
