import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { plainJson, visibleIn } from "../../lambdas/shared/text.ts";
import type { LocalEnd } from "../events.ts";
import { RolloutSurface } from "../rollout/surface.ts";
import type { Answers } from "./answers.ts";
import { endLine, endText, shortEndText } from "./end-text.ts";
import { LiveSurface } from "./live.ts";
import { paintFor } from "./paint.ts";
import { plannedMinutes } from "./phases.ts";
import { PlainSurface } from "./plain.ts";
import type { Presentation } from "./present.ts";
import { QuietSurface } from "./quiet.ts";
import { hasColor, print, printPainted, type Streams } from "./streams.ts";
import type { Surface } from "./surface.ts";

export { leftText } from "./left-text.ts";
export { gateNames } from "./phases.ts";
export { present } from "./present.ts";
export { print } from "./streams.ts";

/** How much is shown: the whole report, ten lines after a success, one line, or only report.json. */
export type Shown = "verbose" | "normal" | "quiet" | "json";

/** Opens the surface for a run: live on a terminal, plain lines elsewhere, or only errors. */
export function open(given: {
  streams: Streams;
  plan: CompiledPlan;
  shown: Shown;
  answers: Answers;
  /** The run is on a real database, so the plan's minutes apply to it. */
  apply: boolean;
}): Presentation {
  const { streams, plan, shown, answers, apply } = given;
  const silent = shown === "json" || shown === "quiet";
  const { stdin, stdout, stderr } = streams;
  const paint = paintFor(hasColor(stdout));
  const planned: ReadonlyMap<string, number> = apply ? plannedMinutes(plan) : new Map();
  const live = !silent && stdout.isTTY === true && process.env.TERM !== "dumb";
  const surface: Surface = silent
    ? new QuietSurface((lines) => print(stderr, lines))
    : live
      ? new LiveSurface(streams, planned, paint)
      : new PlainSurface((lines) => printPainted(stdout, lines), planned);
  return { streams, surface, answers, paint, canAsk: live && stdin.isTTY === true, brief: silent };
}

/** How a rollout is shown: as lines, wherever they go. */
export function openRollout(given: { streams: Streams; answers: Answers; quiet: boolean }): Presentation {
  const { streams, answers, quiet } = given;
  const { stdin, stdout, stderr } = streams;
  const write = (lines: readonly string[]) => print(quiet ? stderr : stdout, lines);
  return {
    streams,
    surface: new RolloutSurface(write, quiet ? "gates" : "all"),
    answers,
    // Lines of several runs go by at the same time, and each is plain.
    paint: paintFor(false),
    canAsk: !quiet && stdin.isTTY === true && stdout.isTTY === true,
    brief: quiet,
  };
}

/** The report alone, or the last words for people. */
export function printEnd(end: LocalEnd, { streams, paint }: Presentation, shown: Shown): void {
  const { stdout, stderr } = streams;
  const well = end.end === "Succeeded";
  if (shown === "json") {
    printPainted(stdout, [plainJson(end.report, 2)]);
    if (!well) print(stderr, [endLine(end)]);
  } else if (shown === "quiet") print(well ? stdout : stderr, [endLine(end)]);
  else if (shown === "normal" && well && end.leftBehind.length === 0 && end.neverReached.length === 0)
    printPainted(stdout, shortEndText(visibleIn(end), paint));
  else printPainted(stdout, endText(visibleIn(end), paint, stdout.isTTY ? stdout.columns : undefined));
}
