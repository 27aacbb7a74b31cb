import type { End, OutcomeDoc } from "../shared/documents.ts";
import { type Caught, readCaught } from "../shared/errors.ts";
import { NAME_PREFIX, stagingName } from "../shared/names.ts";
import { nameInSql, sentence, shorten } from "../shared/text.ts";
import { quantity, valueText } from "../watch/thresholds.ts";
import { causeOf } from "./cause.ts";
import type { Facts } from "./facts.ts";
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

/** Returns one line for each clean-up that failed: what is left, why, and what to do about it. */
function leftBehindOf(facts: Facts, unfinished: Readonly<Record<string, Caught>>): string[] {
  const failed = Object.entries(unfinished).map(([capability, caught]) => {
    const { what, todo } = ADVICE[capability]?.(facts) ?? {
      what: `The clean-up by ${capability} is not done`,
      todo: "Look at its state in the execution's history, and do its work by hand.",
    };
    const { error, message } = readCaught(caught);
    return `${what} (${shorten(`${error}: ${message.replace(/\s+/g, " ")}`, 200)}). ${sentence(todo)}`;
  });
  return [...failed, ...halfRestored(facts)];
}

/** The backup was made behind the fence, so the restored instance has it too, and it cannot be lifted before it answers. */
function halfRestored(facts: Facts): string[] {
  const { restoring, restored, fence, request } = facts;
  if (!restoring || restored || fence?.mode !== "connect") return [];
  return [
    `The instance being restored as ${request?.instance ?? "production"} is behind the fence, because its backup was made behind it. ` +
      `When the instance answers: ${sentence(liftByHand(facts))}`,
  ];
}

function liftByHand(facts: Facts): string {
  const going = setGoingByHand(facts);
  return going === "" ? rightsByHand(facts) : `${rightsByHand(facts)}. ${going}`;
}

/** SQL that starts again what the fence stopped. */
function setGoingByHand({ stilled = [] }: Partial<Facts>): string {
  const statements = stilled.map((one) =>
    one.kind === "subscription"
      ? `ALTER SUBSCRIPTION ${nameInSql(one.name)} ENABLE`
      : `SELECT cron.alter_job(${one.job.id}, active := true) on database ${one.database}`,
  );
  const each = [...new Set(statements)];
  return each.length === 0
    ? ""
    : `Start again what the fence stopped, if it is still stopped: ${each.join("; ")}`;
}

function rightsByHand({ fence, request }: Facts): string {
  const roles = (fence?.taken ?? []).map(({ grantee }) => (grantee === null ? "PUBLIC" : `"${grantee}"`));
  const database = request?.database ?? "...";
  if (roles.length === 0) return "The fence took no rights: none is missing";
  const granted = (fence?.granted ?? []).map((role) => `"${role}"`);
  const back =
    granted.length === 0 ? "" : `; then REVOKE CONNECT ON DATABASE "${database}" FROM ${granted.join(", ")}`;
  return `As the database's owner: GRANT CONNECT ON DATABASE "${database}" TO ${roles.join(", ")}${back}. fence.json shows which of them had the grant option`;
}

/** Names both copies where the restore is rehearsed: the report's documents do not show whether the second was begun. */
function copiesOf(run: string, { migrations }: Facts["plan"]): string[] {
  const again = migrations.some(({ restoreOnly }) => restoreOnly) ? [stagingName(run, true)] : [];
  return [stagingName(run), ...again];
}

/** What is left and what to do, by the capability whose clean-up failed. */
export const ADVICE: Readonly<Record<string, (facts: Facts) => { what: string; todo: string }>> = {
  fence: (facts) => ({
    what: "The fence may still keep the application out of production",
    todo: liftByHand(facts),
  }),
  application: () => ({
    what: "The application may still be stopped",
    todo: "Start it by hand if production is proven back",
  }),
  alarms: () => ({
    what: "Alarms may still be silenced",
    todo: "Turn on the actions of the alarms that alarms-silenced.json names (aws cloudwatch enable-alarm-actions)",
  }),
  staging: ({ run, plan, quiet }) => ({
    what: `The staging instance ${copiesOf(run, plan).join(" or ")} may still exist. It costs money and holds a copy of production`,
    todo: `Delete it, without a final snapshot${quiet ? `; then its parameter group ${quiet.group}` : ""}`,
  }),
  admit: ({ request }) => ({
    what: `The lease of ${request?.instance ?? "the database"} is not released`,
    todo: "Nothing needs to be done: this execution has ended, so the next run takes the lease over",
  }),
  opening: () => ({
    what: "The post-migration tasks did not all run",
    todo: "Run by hand the tasks that after-opening.json does not list as passed",
  }),
  aftercare: () => ({
    what: "Production's backups were not checked, and the watch was not started",
    todo: `Look at the instance's automated backups, and read the metrics by hand for a day: ${NAME_PREFIX} watch --database-url URL`,
  }),
  watch: () => ({
    what: "The watch's first reading failed",
    todo: `Take one by hand: ${NAME_PREFIX} watch --once --database-url URL`,
  }),
  snapshot: ({ request }) => ({
    what: "The snapshot to keep was not taken",
    todo: `Take one of ${request?.instance ?? "the instance"} by hand`,
  }),
  report: () => ({
    what: "The report was not written",
    todo: `Create it from the run's evidence: ${NAME_PREFIX} report DIR`,
  }),
};
