import { type Html, html } from "../../shared/html.ts";
import type { Report, WatchReport } from "../schema.ts";
import { count, moment } from "../words.ts";
import { bullets, mark, section, table } from "./parts.ts";

type Metric = WatchReport["metrics"][number];

/** The plan's dashboard as the run's own reading has it, and what else follows a success. */
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
        : "Nothing watches on by itself.",
      connections &&
        html`${mark(connections.most >= connections.minimum, { yes: "Room for the pool", no: "Too few connections", unknown: "" })}: ${connections.most} for clients, the plan asks for ${connections.minimum}.`,
      backups &&
        html`${mark(backups.passed, { yes: "Backed up", no: "Not backed up", unknown: "Backups not known" })}${backups.seen === "" ? "" : `: ${backups.seen}`}.`,
      verifiedAgain
        ? html`${mark(verifiedAgain.failed.length === 0, { yes: "Verified again", no: "Does not hold any more", unknown: "" })}, ${moment(verifiedAgain.at)}: ${count(verifiedAgain.passed, "check")} of ${verifiedAgain.migrations.join(", ")} passed${verifiedAgain.failed.length > 0 && `, ${verifiedAgain.failed.length} did not`}.`
        : false,
    ]),
  );
}

function facts(lines: readonly (Html | string | null | false)[]): Html {
  return bullets(lines.filter((line) => line !== null && line !== false));
}

const LOOKS = {
  target: [true, "Within target"],
  between: [null, "Short of target"],
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
