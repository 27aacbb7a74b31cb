import { type Html, html } from "../../shared/html.ts";
import { formulaOf } from "../formula.ts";
import type { Report } from "../schema.ts";
import { duration } from "../words.ts";
import { table } from "./parts.ts";
import { offBy } from "./steps.ts";

/** What the downtime was predicted to be made of, and what it was. */
export function downtimeParts({ downtime }: Report): Html | false {
  const { parts, seconds, waitedSeconds, openedAt, predictedSeconds, stopSeconds } = downtime;
  if (parts.length === 0) return false;
  const formula = formulaOf(downtime);
  const work = openedAt === null || seconds === null ? null : seconds - (waitedSeconds ?? 0);
  const lines = [
    ...parts,
    { what: "In all", seconds: predictedSeconds, took: work, by: "rehearsal" as const },
  ];
  return html`<details><summary>The downtime part by part, predicted against actual</summary>${
    formula && html`<p>${formula}</p>`
  }${table(
    "Downtime",
    [
      { head: "What", cell: ({ what }) => what },
      {
        head: "Predicted",
        number: true,
        cell: ({ seconds, by }) =>
          html`${duration(seconds)}${by === "plan" && html` <span class="soft small">by the plan</span>`}`,
      },
      { head: "Took", number: true, cell: ({ took }) => (took === null ? "–" : duration(took)) },
      {
        head: "Off by",
        number: true,
        cell: ({ seconds, took, by }) =>
          offBy({ seconds: took, predictedSeconds: seconds, by: by === "plan" ? by : "" }),
      },
    ],
    lines,
  )}${stopSeconds !== null && html`<p>Before it the application took ${duration(stopSeconds)} to stop. No rehearsal shows that.</p>`}</details>`;
}
