import { day, list, moment } from "../shared/text.ts";
import type { Report } from "./schema.ts";

/** Returns what people still have to do, the most urgent first; each entry is a sentence or two. */
export function leftToDo(report: Omit<Report, "leftToDo">): string[] {
  if (report.request?.copyOf !== undefined && report.end !== "running")
    return [...report.leftBehind, ...afterRehearsal(report, report.request.copyOf)];
  return [
    ...open(report),
    ...report.leftBehind,
    ...back(report),
    ...forward(report),
    ...others(report),
    ...backups(report),
    ...unknown(report),
  ];
}

/** Changes by others, such as production's own maintenance. They stay, and people must look at them. */
function others({ end, proofs }: Omit<Report, "leftToDo">): string[] {
  if (end !== "Succeeded") return [];
  return proofs
    .filter(({ name }) => name === "production-data")
    .flatMap(({ others = [] }) =>
      others.length > 0
        ? [
            `Look at the changes by others: ${others.slice(0, 5).join("; ")}${others.length > 5 ? `; and ${others.length - 5} more` : ""}.`,
          ]
        : [],
    );
}

function open({ end, gates, asOf }: Omit<Report, "leftToDo">): string[] {
  const last = gates.at(-1);
  if (end !== "running" || !last || last.decision || last.expiresAt <= asOf) return [];
  return [
    `Answer gate ${last.gate} (${last.question}) by ${moment(last.expiresAt)}. If nobody answers, that counts as a No-Go.`,
  ];
}

/** After a rehearsal on copies: the copies are gone, so nothing must be kept, restored or watched. */
function afterRehearsal(report: Omit<Report, "leftToDo">, copyOf: string | null): string[] {
  const { end, afterOpening, criteria } = report;
  switch (end) {
    case "Succeeded":
      return [
        ...criteria
          .filter(({ status }) => status === "not met")
          .map(({ title, detail }) => `Look into what is not met: ${title} (${detail}).`),
        ...afterOpening
          .filter(({ passed }) => !passed)
          .map(({ title, message }) => `Look into what failed after the opening: ${title} (${message}).`),
        ...others(report),
        ...unknown(report),
        ...(copyOf === null ? [] : [`${copyOf} is unchanged; \`--apply\` migrates it.`]),
      ];
    case "NeedsOperator":
      return [
        "Find out why neither the rollback nor the restore brought the copy back, before you migrate a real database.",
      ];
    case "Restored":
      return [beforeANewRun(report.rollback)];
    default:
      return ["Fix the cause, then start a new run: it rehearses everything again."];
  }
}

function back({
  end,
  restore,
  snapshots,
  backup,
  rollback,
  loss,
  hooks,
}: Omit<Report, "leftToDo">): string[] {
  const final = snapshots.find(({ purpose }) => purpose === "final");
  switch (end) {
    case "Refused":
      return ["Fix the cause, then start a new run: it rehearses everything again."];
    case "RolledBack":
      return [
        "Fix the cause, then start a new run: it rehearses everything again.",
        ...(rollback?.seconds != null && rollback.seconds > rollback.sloSeconds
          ? ["Find out why the rollback took longer than the plan allows."]
          : []),
      ];
    case "Restored":
      return [
        ...(restore
          ? [
              loss && loss.tables.length === 0 && !loss.applicationWasIn
                ? `Nothing was written to ${restore.aside} after the record. Make sure that nobody needs that instance, then delete it.`
                : `Look at the rows that were written to ${restore.aside} after the ${restore.moment === undefined ? "snapshot" : "moment"} and are missing in production. Then delete that instance.`,
              ...restore.handOver,
            ]
          : []),
        beforeANewRun(rollback),
      ];
    case "NeedsOperator":
      return [
        'Bring production back by hand: see docs/operator-runbook.md, "NeedsOperator". Let nothing write to production before that.',
        ...(wasStopped(hooks)
          ? ["The application is still stopped: start it once production is proven back."]
          : []),
        ...(final ? [`Keep snapshot ${final.id} until production is proven back.`] : []),
        ...(backup?.moment
          ? [
              backup.moment.copy === null
                ? `Keep the automated backups, and the instance that has them, until production is proven back: they hold ${moment(backup.moment.at)}.`
                : `Keep the copy ${backup.moment.copy} until production is proven back.`,
            ]
          : []),
        ...(restore ? [`Keep instance ${restore.aside}, if it exists: it is the former production.`] : []),
      ];
    default:
      return [];
  }
}

/** Where no rollback was tried, only the cause must be fixed. */
function beforeANewRun(rollback: Report["rollback"]): string {
  return rollback?.restoreFrom === undefined
    ? "Find out why the rollback was not enough before you start a new run."
    : "Fix the cause, then start a new run: it rehearses everything again.";
}

/** Whether the last request that the application answered was a stop. */
function wasStopped(hooks: Report["hooks"]): boolean {
  const answered = hooks
    .filter(({ name, results }) => /^st(op|art)/.test(name) && results.some(({ passed }) => passed === true))
    .sort((a, b) => (a.at < b.at ? -1 : 1));
  return answered.at(-1)?.name.startsWith("stop") ?? false;
}

function forward(report: Omit<Report, "leftToDo">): string[] {
  const { end, afterOpening, criteria, watch, backups: automated, verifiedAgain, left } = report;
  if (end !== "Succeeded") return [];
  const notMet = criteria.filter(({ status }) => status === "not met");
  return [
    ...notMet.map(({ title, detail }) => `Look into what is not met: ${title} (${detail}).`),
    ...(verifiedAgain?.failed ?? []).map(
      ({ name, expected, seen }) =>
        `Look into a check that fails now: ${name} (expected ${expected}, seen ${seen}).`,
    ),
    ...(watch?.metrics ?? [])
      .filter(({ standing, worst }) => standing === "alert" || (worst?.alerts ?? 0) > 0)
      .map(
        ({ title, first, alert, worst, runbook }) =>
          `Look into the watch's alert: ${title} was ${worst?.standing === "alert" ? worst.value : first}, alert at ${alert} (${runbook}).`,
      ),
    ...afterOpening
      .filter(({ passed }) => !passed)
      .map(({ title, message }) => `Run by hand: ${title} (${message}).`),
    ...(left?.notValid ?? []).map(
      (name) => `Validate constraint ${name}: it is NOT VALID, so older rows were not checked.`,
    ),
    ...(automated?.passed === false ? [`Turn the instance's automated backups on: ${automated.seen}.`] : []),
    ...(watch && watch.at !== null && !watch.schedule
      ? ["No schedule reads the watch here. Run `sluice watch --database-url URL` yourself."]
      : []),
  ];
}

/** Returns the plan's reminders by date, earliest first. */
export function remindersByDate({
  reminders,
}: Pick<Report, "reminders">): { by: string; titles: string[] }[] {
  const days = [...new Set(reminders.flatMap(({ by }) => (by === null ? [] : [day(by)])))].sort();
  return days.map((by) => ({
    by,
    titles: reminders.filter((one) => one.by !== null && day(one.by) === by).map(({ title }) => title),
  }));
}

function backups({ end, snapshots, backup }: Omit<Report, "leftToDo">): string[] {
  if (end === "running") return [];
  const kept = snapshots.filter(({ purpose }) => purpose !== "rehearsal");
  const past =
    end === "Succeeded" && backup?.moment?.copy === null
      ? [
          `To keep the state before the migration longer than the automated backups do, restore production to ${moment(backup.moment.at)} as a new instance, and take a snapshot of it.`,
        ]
      : [];
  return [
    ...past,
    ...kept.flatMap(({ id, keepUntil, copies }) => [
      // For NeedsOperator the snapshot is listed above, as the way back.
      ...(end === "NeedsOperator"
        ? []
        : [`Keep snapshot ${id} until ${keepUntil ?? "you are sure"}, then delete it.`]),
      ...copies.map(({ kind, where, id }) => `Make sure that the ${kind} to ${where} is complete: ${id}.`),
    ]),
  ];
}

function unknown({ end, criteria, preflight, request }: Omit<Report, "leftToDo">): string[] {
  const checks = preflight?.checks.filter(({ passed }) => passed === null) ?? [];
  const notKnown = end === "Succeeded" ? criteria.filter(({ status }) => status === "not known") : [];
  const benchmarks = notKnown.filter(({ id }) => id.startsWith("benchmark:"));
  return [
    ...(benchmarks.length > 0
      ? [
          `Measure when there are data: ${list(benchmarks.map(({ title }) => title))}. A benchmark that is not measured on production has not passed.`,
        ]
      : []),
    ...notKnown
      .filter((criterion) => !benchmarks.includes(criterion))
      .map(({ title, detail }) => `Check by hand: ${title} (${detail}).`),
    ...(checks.length > 0 && (end === "Succeeded" || end === "running")
      ? [
          `Check by hand on ${request?.instance ?? "production"} what preflight could not decide: ${checks.map(({ name }) => name).join(", ")}.`,
        ]
      : []),
  ];
}
