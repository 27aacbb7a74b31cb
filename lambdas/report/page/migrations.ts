import { type Html, html } from "../../shared/html.ts";
import { bytes, clock, count, duration, grouped, list, lockText, moment } from "../../shared/text.ts";
import type { MigrationReport, Phase, Report } from "../schema.ts";
import { mark, section, table } from "./parts.ts";

const WORTH_A_LINE_SECONDS = 0.1;

type Side = MigrationReport["production"];
type CheckRound = Side["checks"][number];
type Pass = Side["passes"][number];
type Step = Pass["steps"][number];

export function migrationsSection({ migrations }: Report): Html {
  return section("migrations", "Migrations and checks", migrations.map(migration));
}

function migration(of: MigrationReport): Html {
  const { version, title, expectedSeconds, notices, wayBack, leaves, changes, staging, production } = of;
  const expected =
    expectedSeconds !== null &&
    html` <small class="soft">the plan expects ${duration(expectedSeconds)}</small>`;
  return html`<h3>${version} ${title}${expected}</h3>
${notices.map((notice) => html`<p class="soft">${notice}</p>`)}
${changes && html`<p>On staging it ${changes.text}.</p>`}${wayBack && html`<p>It has no rollback: the way back is the restore.</p>`}${leaves && html`<p>Its rollback leaves ${list(leaves)}.</p>`}
${side("Production", production)}${side("Staging", staging)}`;
}

function side(name: string, { passes, checks }: Side): Html {
  if (passes.length === 0 && checks.length === 0)
    return html`<details><summary>${name}: <span class="soft">not applied</span></summary><p class="soft">The evidence has nothing about it.</p></details>`;
  const failed = checks.some(({ results }) => results.some(({ passed }) => !passed));
  return html`<details${failed && html` open`}><summary>${name}: ${summaryOf(passes, checks)}</summary>
${checks.slice(-1).map(checkTable)}
${lastOfEach(passes).map(passTable)}</details>`;
}

/** Only the last pass of each direction; report.json has all passes. */
function lastOfEach(passes: readonly Pass[]): Pass[] {
  return passes.filter((pass) => passes.findLast(({ direction }) => direction === pass.direction) === pass);
}

function summaryOf(passes: readonly Pass[], checks: readonly CheckRound[]): Html {
  const applied = passes.filter(({ direction }) => direction === "migrate");
  const back = passes.filter(({ direction }) => direction === "rollback");
  const results = checks.at(-1)?.results ?? [];
  const failed = results.filter(({ passed }) => !passed).length;
  const durations = (some: readonly Pass[]) => some.map(({ seconds }) => duration(seconds)).join(" and ");
  return html`${applied.length > 0 && html`applied in ${durations(applied)}`}${
    back.length > 0 && html`${applied.length > 0 ? ", r" : "R"}olled back in ${durations(back)}`
  }${results.length > 0 && html`, ${mark(failed === 0, { yes: `${count(results.length, "check")} passed`, no: `${failed} of ${count(results.length, "check")} failed`, unknown: "" })}`}`;
}

function passTable({ direction, round, startedAt, steps }: Pass): Html {
  const what = direction === "migrate" ? "Applied" : "Rolled back";
  const shown = steps.filter(saysSomething);
  return html`<p class="small soft">${what}${round > 1 && ", again"}, ${moment(startedAt)}</p>${
    shown.length > 0 &&
    table(
      `${what}, step by step`,
      [
        { head: "Step", cell: (step) => step.name },
        { head: "In", cell: (step) => html`<code>${step.at}</code>` },
        { head: "Took", number: true, cell: (step) => duration(step.seconds) },
        {
          head: "Rehearsed",
          number: true,
          cell: ({ predictedSeconds: s }) => (s === null ? "–" : duration(s)),
        },
        {
          head: "Blocked others by",
          cell: ({ locks: [longest] }) => (longest ? lockText(longest) : "no lock"),
        },
        {
          head: "Gave way to locks",
          cell: (step) =>
            step.gaveWay === 0 ? "never" : html`${count(step.gaveWay, "time")}${waitText(step)}`,
        },
        { head: "Rows", number: true, cell: ({ rows }) => (rows === null ? "–" : grouped(String(rows))) },
        { head: "WAL", number: true, cell: ({ walBytes }) => (walBytes === null ? "–" : bytes(walBytes)) },
        { head: "Growth", number: true, cell: ({ sizeBytes }) => growth(sizeBytes) },
      ],
      shown,
    )
  }${restText(steps, shown)}${steps.some(({ notes }) => notes.length > 0) && html`<ul class="small">${steps.flatMap(({ name, notes }) => notes.map((note) => html`<li>${name}: ${note}</li>`))}</ul>`}`;
}

/** False for a step that was over at once and blocked nobody for long. */
function saysSomething({ seconds, predictedSeconds, gaveWay, locks, notes }: Step): boolean {
  const longest = Math.max(seconds, predictedSeconds ?? 0, ...locks.map((lock) => lock.seconds));
  return longest >= WORTH_A_LINE_SECONDS || gaveWay > 0 || notes.length > 0;
}

function restText(steps: readonly Step[], shown: readonly Step[]): Html | false {
  const rest = steps.filter((step) => !shown.includes(step));
  if (rest.length === 0) return false;
  const seconds = rest.reduce((all, step) => all + step.seconds, 0);
  return html`<p class="small soft">${count(rest.length, "step")} took less than ${duration(WORTH_A_LINE_SECONDS)} each, ${duration(seconds)} in total: report.json has them.</p>`;
}

function waitText({ waits }: Step): Html | false {
  const last = waits.at(-1);
  if (!last) return false;
  const blockers = last.blockers.map(({ pid, user }) => `pid ${pid}${user ? ` of ${user}` : ""}`);
  const what = last.relation === null ? "older transactions" : `${last.mode} on ${last.relation}`;
  return html` <span class="soft">(${what}${blockers.length > 0 && `, held by ${list(blockers)}`})</span>`;
}

function growth(size: number | null): string {
  if (size === null) return "–";
  return size < 0 ? `−${bytes(-size)}` : bytes(size);
}

interface CheckLine {
  name: string;
  as: readonly string[];
  at: string;
  results: number;
}

/** Every failed result, and each passed check once. The evidence has all results. */
function checkTable({ at, results }: CheckRound): Html {
  const failed = results.filter(({ passed }) => !passed);
  const passed = results.filter((result) => result.passed);
  return html`<p class="small soft">Checked, ${moment(at)}</p>${
    failed.length > 0 &&
    table(
      "Checks that failed",
      [
        { head: "Check", cell: (check) => check.name },
        {
          head: "Result",
          plain: true,
          cell: () => mark(false, { yes: "", no: "Failed", unknown: "" }),
        },
        { head: "Expected", cell: (check) => check.expected },
        { head: "Seen", cell: (check) => check.seen },
        { head: "As", cell: (check) => check.as ?? "the migrating role" },
        { head: "In", cell: (check) => html`<code>${check.at}</code>` },
      ],
      failed,
    )
  }${
    passed.length > 0 &&
    table(
      "Checks that passed",
      [
        { head: "Check", cell: ({ name }) => name },
        {
          head: "Result",
          plain: true,
          cell: ({ results }) =>
            mark(true, { yes: results === 1 ? "Passed" : `${results} passed`, no: "", unknown: "" }),
        },
        { head: "As", cell: ({ as }) => (as.length === 0 ? "the migrating role" : list(as)) },
        { head: "In", cell: ({ at }) => html`<code>${at}</code>` },
      ],
      byCheck(passed),
    )
  }`;
}

/** A check may have many results: for each relation, or for each role. */
function byCheck(results: CheckRound["results"]): CheckLine[] {
  const lines = new Map<string, CheckLine>();
  for (const { name, as, at } of results) {
    const line = lines.get(at);
    const roles = as === null ? [] : [as];
    if (!line) lines.set(at, { name, as: roles, at, results: 1 });
    else
      lines.set(at, {
        ...line,
        name: sameBeginning(line.name, name),
        as: [...new Set([...line.as, ...roles])],
        results: line.results + 1,
      });
  }
  return [...lines.values()];
}

/** The title of a check, which all its results begin with. */
function sameBeginning(a: string, b: string): string {
  if (a === b || b.startsWith(`${a}: `)) return a;
  const title = a.slice(0, a.lastIndexOf(": "));
  return title !== "" && b.startsWith(`${title}: `) ? title : a;
}

/** Shorter times are noise, as are their predictions. */
const WORTH_A_BAR_SECONDS = 0.5;

interface Line {
  what: string;
  level: "phase" | "part" | "step";
  startedAt: string | null;
  endedAt: string | null;
  seconds: number | null;
  predictedSeconds: number | null;
  by: string;
}

/** Returns the timeline as a table: every phase, its parts, and the longer steps of each migration. */
export function stepsSection(report: Report): Html | false {
  const lines = report.timeline.phases.flatMap((phase) => linesOf(phase, report));
  if (lines.length === 0) return false;
  return html`<details><summary>Step by step, predicted against actual</summary>${table<Line>(
    "Timeline",
    [
      { head: "What", cell: ({ what, level }) => html`<span class="${level}">${what}</span>` },
      { head: "Start", number: true, cell: ({ startedAt }) => (startedAt ? clock(startedAt) : "") },
      { head: "End", number: true, cell: ({ endedAt }) => (endedAt ? clock(endedAt) : "") },
      { head: "Took", number: true, cell: ({ seconds }) => (seconds === null ? "–" : duration(seconds)) },
      {
        head: "Predicted",
        number: true,
        cell: ({ predictedSeconds, by }) =>
          predictedSeconds === null
            ? "–"
            : html`${duration(predictedSeconds)}${by !== "" && html` <span class="soft small">${by}</span>`}`,
      },
      { head: "Off by", number: true, cell: offBy },
    ],
    lines,
  )}</details>`;
}

function linesOf(phase: Phase, report: Report): Line[] {
  const { title, kind, startedAt, endedAt, seconds, predictedSeconds, predictedBy, parts } = phase;
  return [
    {
      what: title,
      level: "phase",
      startedAt,
      endedAt,
      seconds: kind === "gate" && startedAt === null ? null : seconds,
      predictedSeconds,
      by: predictedBy === "plan" ? "by the plan" : "",
    },
    ...parts.flatMap(({ what, ...times }): Line[] => [
      { what, level: "part", startedAt: null, endedAt: null, by: "", ...times },
      ...stepsOf(what, report),
    ]),
  ];
}

/** The steps of the pass that a part is named after. */
function stepsOf(what: string, { migrations }: Report): Line[] {
  return migrations.flatMap(({ version, production }) => {
    const direction = { [`Apply ${version}`]: "migrate", [`Roll back ${version}`]: "rollback" }[what];
    const pass = production.passes.findLast((candidate) => candidate.direction === direction);
    return (pass?.steps ?? [])
      .filter(
        ({ seconds, predictedSeconds }) => Math.max(seconds, predictedSeconds ?? 0) >= WORTH_A_BAR_SECONDS,
      )
      .map(
        ({ name, startedAt, seconds, predictedSeconds }): Line => ({
          what: name,
          level: "step",
          startedAt,
          endedAt: null,
          seconds,
          predictedSeconds,
          by: "",
        }),
      );
  });
}

export function offBy({
  seconds,
  predictedSeconds,
  by,
}: Pick<Line, "seconds" | "predictedSeconds" | "by">): string {
  if (seconds === null || !predictedSeconds || by !== "") return "";
  if (Math.max(seconds, predictedSeconds) < WORTH_A_BAR_SECONDS) return "";
  const percent = Math.round((seconds / predictedSeconds - 1) * 100);
  return `${percent > 0 ? "+" : percent < 0 ? "−" : ""}${Math.abs(percent)} %`;
}
