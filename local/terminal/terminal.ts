import { plainJson, visibleIn } from "../../lambdas/shared/plain.ts";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import type { LocalEnd } from "../events.ts";
import type { Answers } from "./answers.ts";
import { endLine, endText } from "./end-text.ts";
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

/** How a run is shown on these streams: live on a terminal, as plain lines elsewhere, not at all where JSON is wanted. */
export function open(given: {
  streams: Streams;
  plan: CompiledPlan;
  json: boolean;
  answers: Answers;
}): Presentation {
  const { streams, plan, json, answers } = given;
  const { stdin, stdout, stderr } = streams;
  const paint = paintFor(hasColor(stdout));
  const planned = plannedMinutes(plan);
  const live = !json && stdout.isTTY === true && process.env.TERM !== "dumb";
  const surface: Surface = json
    ? new QuietSurface((lines) => print(stderr, lines))
    : live
      ? new LiveSurface(streams, planned, paint)
      : new PlainSurface((lines) => printPainted(stdout, lines), planned);
  return { streams, surface, answers, paint, canAsk: live && stdin.isTTY === true, brief: json };
}

/** The report alone, or the last words for people. */
export function printEnd(end: LocalEnd, { streams, paint }: Presentation, json: boolean): void {
  const { stdout, stderr } = streams;
  if (json) {
    printPainted(stdout, [plainJson(end.report, 2)]);
    if (end.end !== "Succeeded") print(stderr, [endLine(end)]);
  } else printPainted(stdout, endText(visibleIn(end), paint, stdout.isTTY ? stdout.columns : undefined));
}
