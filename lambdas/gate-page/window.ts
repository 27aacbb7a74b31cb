import { duration } from "../report/words.ts";
import { type Html, html } from "../shared/html.ts";
import { time } from "./layout.ts";
import type { GateView } from "./view.ts";

/** What must be known of the maintenance window: that the run is allowed outside it, and that it may not be done in time. */
export function windowNotes({ doc, report }: GateView): Html | false {
  const { window } = doc;
  if (!window) return false;
  const seconds = secondsToCome(report);
  const left = (Date.parse(window.ends) - Date.parse(doc.openedAt)) / 1000;
  return html`${
    window.override !== null &&
    html`<div class="note"><h2>Allowed outside the maintenance window</h2>
<p>${report.request?.startedBy ?? "Whoever started it"} gave this reason: <q>${window.override}</q></p>
<p>Until ${time(window.ends)} it may go on.</p></div>`
  }
${
  seconds > left &&
  html`<div class="note"><h2>This may not fit into the maintenance window</h2>
<p>What is to come is predicted to take ${duration(seconds)}, without the time that people take at gates. When this gate was opened the window, which ends at ${time(window.ends)}, had ${duration(left)} left. A gate that is open at its end counts as a No-Go.</p></div>`
}`;
}

/** Predicted work that has not begun. */
function secondsToCome({ timeline }: GateView["report"]): number {
  return timeline.phases
    .filter(({ kind, startedAt }) => kind === "work" && startedAt === null)
    .reduce((sum, { predictedSeconds }) => sum + (predictedSeconds ?? 0), 0);
}
