import { valueText } from "../watch/reading-text.ts";
import { quantity } from "../watch/thresholds.ts";
import type { Facts } from "./facts.ts";
import type { Report, WatchReport } from "./schema.ts";

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
