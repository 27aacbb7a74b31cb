import { type Html, html } from "../../shared/html.ts";
import type { MigrationReport, Report } from "../schema.ts";
import { count, duration, moment } from "../words.ts";
import { mark, section, table } from "./parts.ts";

type Side = MigrationReport["production"];
type CheckRound = Side["checks"][number];
type Pass = Side["passes"][number];

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
        head: "Gave way to locks",
        number: true,
        cell: (step) => (step.gaveWay === 0 ? "never" : count(step.gaveWay, "time")),
      },
    ],
    steps,
  )}`;
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
