import { count, day, list, moment } from "../shared/text.ts";
import type { Report } from "./schema.ts";

/** What people still have to do, the most urgent first; each a sentence. */
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

/** Production's own maintenance, or somebody at work on it: it stays where it is, and people must know of it. */
function others({ end, proofs }: Omit<Report, "leftToDo">): string[] {
  if (end !== "Succeeded") return [];
  return proofs
    .filter(({ name }) => name === "production-data")
    .flatMap(({ others = [] }) =>
      others.length > 0
        ? [
            `Look at what else changed meanwhile: ${others.slice(0, 5).join("; ")}${others.length > 5 ? `; and ${others.length - 5} more` : ""}.`,
          ]
        : [],
    );
}

function open({ end, gates, asOf }: Omit<Report, "leftToDo">): string[] {
  const last = gates.at(-1);
  if (end !== "running" || !last || last.decision || last.expiresAt <= asOf) return [];
  return [`Answer gate ${last.gate} (${last.question}) by ${moment(last.expiresAt)}; no answer is a No-Go.`];
}

/** The copies are gone, and nothing is to be kept, brought back or watched. */
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
        ...(copyOf === null ? [] : [`${copyOf} is as it was; \`--apply\` migrates it.`]),
      ];
    case "NeedsOperator":
      return [
        "Find out why neither rolling back nor restoring brought the copy back, before anything real is migrated.",
      ];
    case "Restored":
      return [beforeANewRun(report.rollback)];
    default:
      return ["Mend the cause, then start a new run: it rehearses everything again."];
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
      return ["Mend the cause, then start a new run: it rehearses everything again."];
    case "RolledBack":
      return [
        "Mend the cause, then start a new run: it rehearses everything again.",
        ...(rollback?.seconds != null && rollback.seconds > rollback.sloSeconds
          ? ["Look at why the rollback took longer than the plan allows."]
          : []),
      ];
    case "Restored":
      return [
        ...(restore
          ? [
              loss && loss.tables.length === 0 && !loss.applicationWasIn
                ? `Nothing was written to ${restore.aside} after the record: be sure that nobody needs it, then delete that instance.`
                : `Look at what was written to ${restore.aside} after the ${restore.moment === undefined ? "snapshot" : "moment"} and is not in production now; then delete that instance.`,
              ...restore.handOver,
            ]
          : []),
        beforeANewRun(rollback),
      ];
    case "NeedsOperator":
      return [
        'Bring production back by hand, as docs/operator-runbook.md says under "NeedsOperator"; let nothing write to it before that.',
        ...(wasStopped(hooks)
          ? ["The application was stopped and not started again: start it once production is proven back."]
          : []),
        ...(final ? [`Keep snapshot ${final.id} until production is proven back.`] : []),
        ...(backup?.moment
          ? [
              backup.moment.copy === null
                ? `Leave the automated backups on, and whatever instance has them, until production is proven back: they hold ${moment(backup.moment.at)}.`
                : `Keep the copy ${backup.moment.copy} until production is proven back.`,
            ]
          : []),
        ...(restore ? [`Keep instance ${restore.aside}, if there is one: it is the former production.`] : []),
      ];
    default:
      return [];
  }
}

/** Where no rollback was tried, it is the cause that is to be mended. */
function beforeANewRun(rollback: Report["rollback"]): string {
  return rollback?.restoreFrom === undefined
    ? "Find out why rolling back was not enough before a new run."
    : "Mend the cause, then start a new run: it rehearses everything again.";
}

/** The last that the application answered to was a request to stop. */
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
        `Look into what does not hold any more: ${name} (expected ${expected}, seen ${seen}).`,
    ),
    ...(watch?.metrics ?? [])
      .filter(({ standing, worst }) => standing === "alert" || (worst?.alerts ?? 0) > 0)
      .map(
        ({ title, first, alert, worst, runbook }) =>
          `Look into what the watch found: ${title} was ${worst?.standing === "alert" ? worst.value : first}, alert at ${alert} (${runbook}).`,
      ),
    ...afterOpening
      .filter(({ passed }) => !passed)
      .map(({ title, message }) => `Run by hand: ${title} (${message}).`),
    ...(left?.notValid ?? []).map(
      (name) =>
        `Validate constraint ${name}: it is NOT VALID, so rows that were there before were not checked.`,
    ),
    ...(automated?.passed === false ? [`Turn the instance's automated backups on: ${automated.seen}.`] : []),
    ...(watch && watch.at !== null && !watch.schedule
      ? ["Nothing watches on by itself here; `sluice watch --database-url URL` does."]
      : []),
  ];
}

/** What the plan leaves to people, what is due first coming first. */
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
          `Restore production to ${moment(backup.moment.at)} as an instance of its own, and take a snapshot of that, where what it was before is to be kept for longer than its automated backups are.`,
        ]
      : [];
  return [
    ...past,
    ...kept.flatMap(({ id, keepUntil, copies }) => [
      // Where an operator is needed it is told above, as the way back that is left.
      ...(end === "NeedsOperator"
        ? []
        : [`Keep snapshot ${id} until ${keepUntil ?? "you are sure"}, then delete it.`]),
      ...copies.map(
        ({ kind, where, id }) => `Make sure that the ${kind} to ${where} came to its end: ${id}.`,
      ),
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
          `Find out, when there are data: ${list(benchmarks.map(({ title }) => title))}. Not measured on production is not passed.`,
        ]
      : []),
    ...notKnown
      .filter((criterion) => !benchmarks.includes(criterion))
      .map(({ title, detail }) => `Find out for yourself: ${title} (${detail}).`),
    ...(checks.length > 0 && (end === "Succeeded" || end === "running")
      ? [
          `Look at ${count(checks.length, "thing")} that preflight leaves to you about ${request?.instance ?? "production"}: ${checks.map(({ name }) => name).join(", ")}.`,
        ]
      : []),
  ];
}
