import { type Html, html } from "../../shared/html.ts";
import type { MigrationReport, Report } from "../schema.ts";
import { bytes, count, duration, grouped, list, lockText, moment } from "../words.ts";
import { mark, section, table } from "./parts.ts";

type Side = MigrationReport["production"];
type CheckRound = Side["checks"][number];
type Pass = Side["passes"][number];
type Step = Pass["steps"][number];

export function migrationsSection({ migrations }: Report): Html {
  return section("migrations", "Migrations and checks", migrations.map(migration));
}

function migration({ version, title, expectedSeconds, staging, production }: MigrationReport): Html {
  return html`<h3>${version} ${title} <small class="soft">the plan expects ${duration(expectedSeconds)}</small></h3>
${side("Production", production)}${side("Staging", staging)}`;
}

function side(name: string, { passes, checks }: Side): Html {
  if (passes.length === 0 && checks.length === 0)
    return html`<details><summary>${name}: <span class="soft">not applied</span></summary><p class="soft">There is no evidence of it.</p></details>`;
  const failed = checks.some(({ results }) => results.some(({ passed }) => !passed));
  return html`<details${failed && html` open`}><summary>${name}: ${summaryOf(passes, checks)}</summary>
${checks.map(checkTable)}
${passes.map(passTable)}</details>`;
}

function summaryOf(passes: readonly Pass[], checks: readonly CheckRound[]): Html {
  const applied = passes.filter(({ direction }) => direction === "migrate");
  const back = passes.filter(({ direction }) => direction === "rollback");
  const results = checks.at(-1)?.results ?? [];
  const failed = results.filter(({ passed }) => !passed).length;
  const durations = (some: readonly Pass[]) => some.map(({ seconds }) => duration(seconds)).join(" and ");
  return html`${applied.length > 0 && html`applied in ${durations(applied)}`}${
    back.length > 0 && html`, rolled back in ${durations(back)}`
  }${results.length > 0 && html`, ${mark(failed === 0, { yes: `${count(results.length, "check")} passed`, no: `${failed} of ${count(results.length, "check")} failed`, unknown: "" })}`}`;
}

function passTable({ direction, round, startedAt, steps }: Pass): Html {
  const what = direction === "migrate" ? "Applied" : "Rolled back";
  return html`<p class="small soft">${what}${round > 1 && ", again"}, ${moment(startedAt)}</p>${table(
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
        head: "Held others up by",
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
    steps,
  )}${steps.some(({ notes }) => notes.length > 0) && html`<ul class="small">${steps.flatMap(({ name, notes }) => notes.map((note) => html`<li>${name}: ${note}</li>`))}</ul>`}`;
}

function waitText({ waits }: Step): Html | false {
  const last = waits.at(-1);
  if (!last) return false;
  const whom = last.blockers.map(({ pid, user }) => `pid ${pid}${user ? ` of ${user}` : ""}`);
  const what = last.relation === null ? "older transactions" : `${last.mode} on ${last.relation}`;
  return html` <span class="soft">(${what}${whom.length > 0 && `, held by ${list(whom)}`})</span>`;
}

function growth(size: number | null): string {
  if (size === null) return "–";
  return size < 0 ? `−${bytes(-size)}` : bytes(size);
}

function checkTable({ at, results }: CheckRound): Html {
  const failedFirst = [...results].sort((a, b) => Number(a.passed) - Number(b.passed));
  return html`<p class="small soft">Checked, ${moment(at)}</p>${table(
    "Checks",
    [
      { head: "Check", cell: (check) => check.name },
      {
        head: "Result",
        plain: true,
        cell: (check) => mark(check.passed, { yes: "Passed", no: "Failed", unknown: "" }),
      },
      { head: "Expected", cell: (check) => check.expected },
      { head: "Seen", cell: (check) => check.seen },
      { head: "As", cell: (check) => check.as ?? "the migrating role" },
      { head: "In", cell: (check) => html`<code>${check.at}</code>` },
    ],
    failedFirst,
  )}`;
}
