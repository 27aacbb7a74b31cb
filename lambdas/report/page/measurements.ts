import { type Html, html } from "../../shared/html.ts";
import type { BenchmarkReport, Report } from "../schema.ts";
import { milliseconds } from "../words.ts";
import { mark, section, table } from "./parts.ts";

export function benchmarksSection({ benchmarks }: Report): Html | false {
  if (benchmarks.length === 0) return false;
  return section(
    "benchmarks",
    "Benchmarks",
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
  );
}

function figures(measured: BenchmarkReport["production"]): Html {
  const passed = mark(measured?.passed ?? null, { yes: "Within", no: "Too slow", unknown: "Not measured" });
  const note = measured?.note && html` <span class="soft small">${measured.note}</span>`;
  if (measured?.p95Ms == null) return html`${passed}${note}`;
  const p50 = measured.p50Ms === null ? "" : `p50 ${milliseconds(measured.p50Ms)}, `;
  return html`${passed} <span class="small">${p50}p95 ${milliseconds(measured.p95Ms)}, ${measured.runs} runs</span>${note}`;
}
