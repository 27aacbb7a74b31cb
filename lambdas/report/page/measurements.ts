import { type Html, html } from "../../shared/html.ts";
import { count, duration, lockText, milliseconds, moment } from "../../shared/text.ts";
import { formulaOf } from "../downtime.ts";
import type { BenchmarkReport, MigrationReport, Report, WatchReport } from "../schema.ts";
import { offBy } from "./migrations.ts";
import { bullets, mark, section, table } from "./parts.ts";

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

/** The plan behind each figure: production's if it was measured there, else staging's. */
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
  return `, after ${count(warmUpRuns, "run")} to warm up; the first took ${milliseconds(firstMs)}`;
}

/** Returns the locks of production's steps that others would have waited for. Behind the fence nobody waits. */
export function locksSection({ locks, migrations, fence }: Report): Html | false {
  if (!locks) return false;
  const { longest, heldSeconds, gaveWay, waitedSeconds } = locks;
  const behind = fence?.mode === "connect" ? ", with the application behind the fence" : "";
  return section(
    "locks",
    "Locks and blocked time",
    html`<p>${
      longest
        ? html`A step blocked others for <strong>at most ${duration(longest.seconds)}</strong> at a time${behind}: ${lockText(longest)}, by “${longest.step}” of ${longest.version}. In total ${duration(heldSeconds)}.`
        : html`No step held a lock that blocks others.`
    } ${
      gaveWay === 0
        ? "No step had to give way to others."
        : `Steps gave way to others ${count(gaveWay, "time")}, and waited ${duration(waitedSeconds)}.`
    }</p>`,
    table<MigrationReport>(
      "Locks by migration",
      [
        { head: "Migration", cell: ({ version, title }) => `${version} ${title}` },
        { head: "Longest lock", cell: ({ production }) => longestOf(production) },
        {
          head: "Gave way",
          number: true,
          cell: ({ production }) =>
            count(
              sum(production, (s) => s.gaveWay),
              "time",
            ),
        },
        {
          head: "Waited",
          number: true,
          cell: ({ production }) =>
            duration(sum(production, ({ waits }) => waits.reduce((all, { seconds }) => all + seconds, 0))),
        },
        { head: "Held on staging", cell: ({ staging }) => longestOf(staging) },
      ],
      migrations,
    ),
  );
}

type Side = MigrationReport["production"];
type Step = Side["passes"][number]["steps"][number];

function longestOf({ passes }: Side): string {
  const [longest] = passes
    .flatMap(({ steps }) => steps)
    .flatMap(({ locks }) => locks)
    .sort((a, b) => b.seconds - a.seconds);
  return longest ? lockText(longest) : "none";
}

function sum({ passes }: Side, of: (step: Step) => number): number {
  return passes.flatMap(({ steps }) => steps).reduce((all, step) => all + of(step), 0);
}

/** Returns the downtime part by part, predicted and actual. */
export function downtimeParts({ downtime }: Report): Html | false {
  const { parts, seconds, waitedSeconds, openedAt, predictedSeconds, stopSeconds } = downtime;
  if (parts.length === 0) return false;
  const formula = formulaOf(downtime);
  const work = openedAt === null || seconds === null ? null : seconds - (waitedSeconds ?? 0);
  const lines = [
    ...parts,
    { what: "Total", seconds: predictedSeconds ?? 0, took: work, by: "rehearsal" as const },
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
  )}${stopSeconds !== null && html`<p>Before the fence, the application took ${duration(stopSeconds)} to stop. A rehearsal cannot measure that.</p>`}</details>`;
}

type Metric = WatchReport["metrics"][number];

/** Returns the plan's metrics from the run's own reading, and what else follows a success. */
export function watchSection({ watch, backups, verifiedAgain }: Report): Html | false {
  if (!watch || (watch.at === null && !backups)) return false;
  const { metrics, schedule, connections, readings } = watch;
  return section(
    "watch",
    "After the opening",
    table<Metric>(
      "What is watched",
      [
        { head: "Metric", cell: ({ title }) => title },
        { head: "Standing", plain: true, cell: standing },
        {
          head: "At the opening",
          number: true,
          cell: ({ first }) => (first === null || first === "not measured" ? "–" : first),
        },
        { head: "Target", number: true, cell: ({ target }) => target },
        { head: "Alert", number: true, cell: ({ alert }) => alert },
        { head: "On staging", number: true, cell: ({ staging }) => staging ?? "–" },
        { head: "How", cell: ({ note }) => html`<span class="soft small">${note ?? ""}</span>` },
        ...(readings > 1
          ? [{ head: `Worst of ${readings} readings`, cell: ({ worst }: Metric) => worstText(worst) }]
          : []),
      ],
      metrics,
    ),
    facts([
      schedule
        ? `Read every ${schedule.everyMinutes} minutes until ${moment(schedule.until)}, then every ${schedule.thenEveryMinutes} until ${moment(schedule.ends)}.`
        : "No schedule continues the watch.",
      connections &&
        html`${mark(connections.most >= connections.minimum, { yes: "Room for the pool", no: "Too few connections", unknown: "" })}: ${connections.most} for clients, the plan asks for ${connections.minimum}.`,
      backups &&
        html`${mark(backups.passed, { yes: "Backed up", no: "Not backed up", unknown: "Backups not known" })}${backups.seen === "" ? "" : `: ${backups.seen}`}.`,
      verifiedAgain
        ? html`${mark(verifiedAgain.failed.length === 0, { yes: "Verified again", no: "Fails now", unknown: "" })}, ${moment(verifiedAgain.at)}: ${count(verifiedAgain.passed, "check")} of ${verifiedAgain.migrations.join(", ")} passed${verifiedAgain.failed.length > 0 && `, ${verifiedAgain.failed.length} did not`}.`
        : false,
    ]),
  );
}

function facts(lines: readonly (Html | string | null | false)[]): Html {
  return bullets(lines.filter((line) => line !== null && line !== false));
}

const LOOKS = {
  target: [true, "Within target"],
  between: [null, "Misses target"],
  alert: [false, "Alert"],
  unknown: [null, "Not measured"],
} as const;

function standing({ standing, runbook }: Metric): Html {
  const [passed, word] = LOOKS[standing];
  return html`${mark(passed, { yes: word, no: word, unknown: word })}${standing === "alert" && html` <span class="small">see ${runbook}</span>`}`;
}

function worstText(worst: Metric["worst"]): Html {
  if (!worst) return html`–`;
  return html`${worst.value} <span class="soft small">${moment(worst.at)}${worst.alerts > 0 && `, ${count(worst.alerts, "alert")}`}</span>`;
}
