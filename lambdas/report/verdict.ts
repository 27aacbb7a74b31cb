import type { Caught } from "../shared/caught.ts";
import type { End, OutcomeDoc } from "../shared/documents.ts";
import { shorten } from "../shared/text.ts";
import { quantity, valueText } from "../watch/thresholds.ts";
import { causeOf } from "./cause.ts";
import type { Facts } from "./facts.ts";
import { leftBehindOf } from "./left-behind.ts";
import type { Report, WatchReport } from "./schema.ts";

/** Title of each end, and what it means for production. */
export const VERDICTS: Readonly<Record<Report["end"], { title: string; meaning: string }>> = {
  running: { title: "Still running", meaning: "This is the state so far." },
  Succeeded: { title: "Succeeded", meaning: "The migration is on production, and the application is in." },
  Refused: { title: "Refused", meaning: "Nothing was migrated. Production is unchanged." },
  RolledBack: { title: "Rolled back", meaning: "Production is rolled back and proven equal to the record." },
  Restored: {
    title: "Restored from the backup",
    meaning: "Production is restored from its backup and proven equal to the record.",
  },
  NeedsOperator: {
    title: "An operator is needed now",
    meaning: "Production is not proven back. Only a person can fix this.",
  },
};

/** What each end means for a rehearsal, where a copy stands in for production. */
const ON_COPIES: Readonly<Record<End, string>> = {
  Succeeded: "The migration succeeded on the stand-in for production.",
  Refused: "Nothing was migrated.",
  RolledBack: "The stand-in for production was rolled back and proven equal to the record.",
  Restored: "The stand-in for production was restored from its backup and proven equal to the record.",
  NeedsOperator:
    "The stand-in for production was not proven back. A real production would need an operator now.",
};

/** What the rehearsal ran on. */
function scopeOf(copyOf: string | null): string {
  return copyOf === null
    ? "Rehearsed on embedded databases; no other database was touched."
    : `Rehearsed on copies; ${copyOf} was only read.`;
}

/** Returns the end of this run as title and meaning. For a rehearsal on copies, it states that first. */
export function verdictOf({ end, request }: Pick<Report, "end" | "request">): {
  title: string;
  meaning: string;
} {
  const copyOf = request?.copyOf;
  if (copyOf === undefined || end === "running") return VERDICTS[end];
  const title = end === "NeedsOperator" ? "The way back failed" : VERDICTS[end].title;
  return { title: `${title} (rehearsal)`, meaning: `${scopeOf(copyOf)} ${ON_COPIES[end]}` };
}

/** Most characters of a cause in a Fail state; operators read it at night, on a small screen. */
export const LONGEST_CAUSE = 2_000;

const LEFT_BEHIND = "LEFT BEHIND: ";

/** Returns the cause without its end and without what was left behind, for places that show these separately. */
export function causeAlone(cause: string, end: string): string {
  const alone = cause.startsWith(`${end}: `) ? cause.slice(end.length + 2) : cause;
  const at = alone.lastIndexOf(` ${LEFT_BEHIND}`);
  const text = at === -1 ? alone : alone.slice(0, at);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Returns the outcome: the given end, why, what was done about it, and what was left behind. */
export function outcomeOf(
  facts: Facts,
  end: End,
  at: string,
  failure: Caught | undefined,
  unfinished: Readonly<Record<string, Caught>>,
): OutcomeDoc {
  const { why, done } = causeOf(facts, end, failure);
  const leftBehind = leftBehindOf(facts, unfinished);
  const left = leftBehind.length === 0 ? "Nothing was left behind." : `${LEFT_BEHIND}${leftBehind.join(" ")}`;
  // An excerpt of a statement ends in a line with a caret, so a new line follows it.
  const then = why.includes("\n") ? "\n" : " ";
  return { at, end, cause: shorten(`${end}: ${why}${then}${done} ${left}`, LONGEST_CAUSE), leftBehind };
}

const DAY_MS = 24 * 3600 * 1000;

/** Returns what follows a success: backups, the watch, the checks run once more, and reminders. */
export function aftermathOf(facts: Facts): Pick<Report, "backups" | "watch" | "verifiedAgain" | "reminders"> {
  const { aftercare, verifiedAgain, plan, outcome } = facts;
  const succeeded = outcome?.end === "Succeeded" ? outcome.at : null;
  return {
    backups: aftercare?.backups ?? null,
    watch: watchOf(facts),
    verifiedAgain: verifiedAgain && {
      at: verifiedAgain.at,
      migrations: verifiedAgain.migrations,
      passed: verifiedAgain.results.filter(({ passed }) => passed).length,
      failed: verifiedAgain.results.filter(({ passed }) => !passed),
    },
    reminders: (plan.reminders ?? []).map(({ title, days }) => ({
      title,
      days,
      by: succeeded && new Date(Date.parse(succeeded) + days * DAY_MS).toISOString(),
    })),
  };
}

/** Lists every metric of the plan, read or not. */
function watchOf({ plan, readings, stagingReading, aftercare }: Facts): Report["watch"] {
  if (!plan.watch) return null;
  const more = readings !== null && readings.last.soFar.readings > 1;
  return {
    readings: readings?.last.soFar.readings ?? 0,
    at: readings?.first.at ?? null,
    schedule: aftercare?.watch ?? null,
    connections: readings?.first.connections ?? null,
    metrics: plan.watch.metrics.map(({ name, title, target, alert }): WatchReport["metrics"][number] => {
      const first = readings?.first.values.find((value) => value.name === name);
      const worst = readings?.last.soFar.worst.find((value) => value.name === name);
      const staging = stagingReading?.values.find((value) => value.name === name);
      const unit = first?.unit ?? "";
      return {
        name,
        title,
        target,
        alert,
        first: first ? valueText(first) : null,
        note: first?.note ?? null,
        staging: staging && staging.value !== null ? valueText(staging) : null,
        standing: first?.standing ?? "unknown",
        runbook: first?.runbook ?? null,
        worst:
          more && worst
            ? {
                value: worst.value === null ? "not measured" : quantity(worst.value, unit),
                at: worst.at,
                standing: worst.standing,
                alerts: worst.alerts,
              }
            : null,
      };
    }),
  };
}
