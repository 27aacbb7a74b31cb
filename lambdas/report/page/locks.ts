import { type Html, html } from "../../shared/html.ts";
import type { MigrationReport, Report } from "../schema.ts";
import { count, duration, lockText } from "../words.ts";
import { section, table } from "./parts.ts";

/** What production's steps held that others would have waited for. Behind the fence nobody does. */
export function locksSection({ locks, migrations, fence }: Report): Html | false {
  if (!locks) return false;
  const { longest, heldSeconds, gaveWay, waitedSeconds } = locks;
  const behind = fence?.mode === "connect" ? ", with the application behind the fence" : "";
  return section(
    "locks",
    "Locks and blocked time",
    html`<p>${
      longest
        ? html`<strong>At most ${duration(longest.seconds)}</strong> at a time was anybody kept waiting by a step${behind}: ${lockText(longest)}, by “${longest.step}” of ${longest.version}. In all ${duration(heldSeconds)}.`
        : html`No step held a lock that others would have waited for.`
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
