import type { Caught } from "../shared/caught.ts";
import type { End, OutcomeDoc } from "../shared/documents.ts";
import { shorten } from "../shared/text.ts";
import { quantity, valueText } from "../watch/thresholds.ts";
import { causeOf } from "./cause.ts";
import type { Facts } from "./facts.ts";
import { leftBehindOf } from "./left-behind.ts";
import type { Report, WatchReport } from "./schema.ts";

/** Each end in words that say what it means for production. */
export const VERDICTS: Readonly<Record<Report["end"], { title: string; meaning: string }>> = {
  running: { title: "Still running", meaning: "This is how things stand so far." },
  Succeeded: { title: "Succeeded", meaning: "The migration is on production, and the application is in." },
  Refused: { title: "Refused", meaning: "Nothing was migrated. Production is as it was." },
  RolledBack: { title: "Rolled back", meaning: "Production is back, and proven to be what it was." },
  Restored: {
    title: "Restored from the backup",
    meaning: "Production is back from its backup, and proven to be what was in it.",
  },
  NeedsOperator: {
    title: "An operator is needed now",
    meaning: "Production is not proven back. Nobody but a person can mend this.",
  },
};

/** What an end means where copies stood for production. */
const ON_COPIES: Readonly<Record<End, string>> = {
  Succeeded: "The migration went through on the copy that stood for production.",
  Refused: "Nothing was migrated.",
  RolledBack: "The copy that stood for production was brought back, and proven to be what it was.",
  Restored:
    "The copy that stood for production was brought back from its backup, and proven to be what was in it.",
  NeedsOperator:
    "The copy that stood for production was not proven back: a real one would need a person now.",
};

/** What copies were made of, where copies stood for production. */
function scopeOf(copyOf: string | null): string {
  return copyOf === null
    ? "Rehearsed on embedded databases; no other was touched."
    : `Rehearsed on copies; ${copyOf} was only read.`;
}

/** The end of this run in words. Of a rehearsal, where copies stood for production, it says so first of all. */
export function verdictOf({ end, request }: Pick<Report, "end" | "request">): {
  title: string;
  meaning: string;
} {
  const copyOf = request?.copyOf;
  if (copyOf === undefined || end === "running") return VERDICTS[end];
  const title = end === "NeedsOperator" ? "The way back failed" : VERDICTS[end].title;
  return { title: `${title} (rehearsal)`, meaning: `${scopeOf(copyOf)} ${ON_COPIES[end]}` };
}

/** What a Fail state shows of a cause; operators read it at night, on a small screen. */
export const LONGEST_CAUSE = 2_000;

const LEFT_BEHIND = "LEFT BEHIND: ";

/** The cause for where its end is a headline already and what was left behind is listed beside it. */
export function causeAlone(cause: string, end: string): string {
  const alone = cause.startsWith(`${end}: `) ? cause.slice(end.length + 2) : cause;
  const at = alone.lastIndexOf(` ${LEFT_BEHIND}`);
  const text = at === -1 ? alone : alone.slice(0, at);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The end in words: why, what was done about it, and what was left behind. Decides nothing about the end itself. */
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
  // The excerpt of a statement ends in a line with a caret: what follows begins a line of its own.
  const then = why.includes("\n") ? "\n" : " ";
  return { at, end, cause: shorten(`${end}: ${why}${then}${done} ${left}`, LONGEST_CAUSE), leftBehind };
}

const DAY_MS = 24 * 3600 * 1000;

/** What follows a success: the backups, the watch, the checks that are run once more, and what is left to people. */
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

/** Every metric of the plan, read or not. */
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
