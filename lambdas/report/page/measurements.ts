import { type Html, html } from "../../shared/html.ts";
import type { BenchmarkReport, Report } from "../schema.ts";
import { count, milliseconds } from "../words.ts";
import { mark, section, table } from "./parts.ts";

type Measured = NonNullable<BenchmarkReport["production"]>;

export function benchmarksSection({ benchmarks }: Report): Html | false {
  if (benchmarks.length === 0) return false;
  return section(
    "benchmarks",
    "Benchmarks against their limits",
    table(
      "Benchmarks against their limits",
      [
        { head: "What", cell: ({ title }) => title },
        { head: "Limit for p95", number: true, cell: ({ sloMs }) => milliseconds(sloMs) },
        { head: "On production", cell: ({ production }) => figures(production) },
        { head: "On staging", cell: ({ staging }) => figures(staging) },
      ],
      benchmarks,
    ),
    plans(benchmarks),
  );
}

function figures(measured: BenchmarkReport["production"]): Html {
  const passed = mark(measured?.passed ?? null, { yes: "Within", no: "Not within", unknown: "Not measured" });
  const note = measured?.note && html` <span class="soft small">${measured.note}</span>`;
  if (measured?.p95Ms == null) return html`${passed}${note}`;
  const p50 = measured.p50Ms === null ? "" : `p50 ${milliseconds(measured.p50Ms)}, `;
  return html`${passed} <span class="small">${p50}p95 ${milliseconds(measured.p95Ms)}, ${how(measured)}</span>${note}`;
}

function how({ runs, generated }: Measured): string {
  return `${runs} runs${generated ? ", on generated data" : ""}`;
}

/** Which plan each figure was measured with: production's, where it was measured there. */
function plans(benchmarks: readonly BenchmarkReport[]): Html | false {
  const known = benchmarks.flatMap(({ title, production, staging }) => {
    const [where, measured] = production?.plan.length ? ["production", production] : ["staging", staging];
    return measured && measured.plan.length > 0 ? [{ title, where, measured }] : [];
  });
  if (known.length === 0) return false;
  return html`<details><summary>How these were measured: warm-up and plan</summary>${known.map(
    ({ title, where, measured }) =>
      html`<h3>${title} <small class="soft">on ${where}${warmUp(measured)}</small></h3><pre>${measured.plan.join("\n")}</pre>`,
  )}</details>`;
}

function warmUp({ warmUpRuns, firstMs }: Measured): string {
  if (warmUpRuns === null || firstMs === null) return "";
  return `, after ${count(warmUpRuns, "run")} to warm up, of which the first took ${milliseconds(firstMs)}`;
}
