import type { Report } from "./schema.ts";
import { count, moment } from "./words.ts";

/** What people still have to do, the most urgent first; each a sentence. */
export function leftToDo(report: Omit<Report, "leftToDo">): string[] {
  return [
    ...open(report),
    ...report.leftBehind,
    ...back(report),
    ...forward(report),
    ...backups(report),
    ...unknown(report),
  ];
}

function open({ end, gates, asOf }: Omit<Report, "leftToDo">): string[] {
  const last = gates.at(-1);
  if (end !== "running" || !last || last.decision || last.expiresAt <= asOf) return [];
  return [`Answer gate ${last.gate} (${last.question}) by ${moment(last.expiresAt)}; no answer is a No-Go.`];
}

function back({ end, restore, snapshots, rollback }: Omit<Report, "leftToDo">): string[] {
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
              `Look at what was written to ${restore.aside} after the snapshot and is not in production now; then delete that instance.`,
              ...restore.handOver,
            ]
          : []),
        "Find out why rolling back was not enough before a new run.",
      ];
    case "NeedsOperator":
      return [
        "Bring production back by hand, following the operator runbook; let nothing write to it before that.",
        ...(final ? [`Keep snapshot ${final.id} until production is proven back.`] : []),
        ...(restore ? [`Keep instance ${restore.aside}: it is the former production.`] : []),
      ];
    default:
      return [];
  }
}

function forward({ end, afterOpening, criteria }: Omit<Report, "leftToDo">): string[] {
  if (end !== "Succeeded") return [];
  const notMet = criteria.filter(({ status }) => status === "not met");
  return [
    ...notMet.map(({ title, detail }) => `Look into what is not met: ${title} (${detail}).`),
    ...afterOpening
      .filter(({ passed }) => !passed)
      .map(({ title, message }) => `Run by hand: ${title} (${message}).`),
  ];
}

function backups({ end, snapshots }: Omit<Report, "leftToDo">): string[] {
  if (end === "running") return [];
  return snapshots
    .filter(({ purpose }) => purpose === "final")
    .flatMap(({ id, keepUntil, copies }) => [
      // Where an operator is needed it is told above, as the way back that is left.
      ...(end === "NeedsOperator"
        ? []
        : [`Keep snapshot ${id} until ${keepUntil ?? "you are sure"}, then delete it.`]),
      ...copies.map(
        ({ kind, where, id }) => `Make sure that the ${kind} to ${where} came to its end: ${id}.`,
      ),
    ]);
}

function unknown({ end, criteria, preflight, request }: Omit<Report, "leftToDo">): string[] {
  const checks = preflight?.checks.filter(({ passed }) => passed === null) ?? [];
  return [
    ...(end === "Succeeded"
      ? criteria
          .filter(({ status }) => status === "not known")
          .map(({ title, detail }) => `Find out for yourself: ${title} (${detail}).`)
      : []),
    ...(checks.length > 0 && (end === "Succeeded" || end === "running")
      ? [
          `Look at ${count(checks.length, "thing")} that preflight leaves to you about ${request?.instance ?? "production"}: ${checks.map(({ name }) => name).join(", ")}.`,
        ]
      : []),
  ];
}
