import { type Caught, readCaught } from "../shared/caught.ts";
import { NAME_PREFIX, stagingName } from "../shared/names.ts";
import { nameInSql, sentence, shorten } from "../shared/text.ts";
import type { Facts } from "./facts.ts";

/** One line for each clean-up that failed: what is still there, why, and what to do about it. */
export function leftBehindOf(facts: Facts, unfinished: Readonly<Record<string, Caught>>): string[] {
  const failed = Object.entries(unfinished).map(([capability, caught]) => {
    const { what, todo } = ADVICE[capability]?.(facts) ?? {
      what: `The clean-up by ${capability} is not done`,
      todo: "Look at its state in the execution's history, and do by hand what it is there for.",
    };
    const { error, message } = readCaught(caught);
    return `${what} (${shorten(`${error}: ${message.replace(/\s+/g, " ")}`, 200)}). ${sentence(todo)}`;
  });
  return [...failed, ...halfRestored(facts)];
}

/** Nobody can lift a fence in an instance that does not answer, and the backup was made behind it. */
function halfRestored(facts: Facts): string[] {
  const { restoring, restored, fence, request } = facts;
  if (!restoring || restored || fence?.mode !== "connect") return [];
  return [
    `What was being restored as ${request?.instance ?? "production"} is behind the fence, as its backup is. ` +
      `When it can be used: ${sentence(liftByHand(facts))}`,
  ];
}

function liftByHand(facts: Facts): string {
  const going = setGoingByHand(facts);
  return going === "" ? rightsByHand(facts) : `${rightsByHand(facts)}. ${going}`;
}

/** What the fence stopped may stand still, too. */
function setGoingByHand({ stilled = [] }: Partial<Facts>): string {
  const statements = stilled.map((one) =>
    one.kind === "subscription"
      ? `ALTER SUBSCRIPTION ${nameInSql(one.name)} ENABLE`
      : `SELECT cron.alter_job(${one.job.id}, active := true) on database ${one.database}`,
  );
  const each = [...new Set(statements)];
  return each.length === 0
    ? ""
    : `Set going again what it stopped, where it stands still: ${each.join("; ")}`;
}

function rightsByHand({ fence, request }: Facts): string {
  const roles = (fence?.taken ?? []).map(({ grantee }) => (grantee === null ? "PUBLIC" : `"${grantee}"`));
  const database = request?.database ?? "...";
  if (roles.length === 0) return "The fence had nothing to take: no right is missing";
  const granted = (fence?.granted ?? []).map((role) => `"${role}"`);
  const back =
    granted.length === 0 ? "" : `; then REVOKE CONNECT ON DATABASE "${database}" FROM ${granted.join(", ")}`;
  return `As the database's owner: GRANT CONNECT ON DATABASE "${database}" TO ${roles.join(", ")}${back}. Which of them had it with the grant option is in fence.json`;
}

/** Whether the second copy, on which the restore is rehearsed, was begun does not show from what a report reads. */
function copiesOf(run: string, { migrations }: Facts["plan"]): string[] {
  const again = migrations.some(({ restoreOnly }) => restoreOnly) ? [stagingName(run, true)] : [];
  return [stagingName(run), ...again];
}

/** By the capability that should have cleaned up, as the state machine names it. */
export const ADVICE: Readonly<Record<string, (facts: Facts) => { what: string; todo: string }>> = {
  fence: (facts) => ({
    what: "The fence may still keep the application out of production",
    todo: liftByHand(facts),
  }),
  application: () => ({
    what: "The application may still be stopped",
    todo: "Start it by hand, unless production is not back",
  }),
  alarms: () => ({
    what: "Alarms may still be silenced",
    todo: "Turn on the actions of the alarms that alarms-silenced.json names (aws cloudwatch enable-alarm-actions)",
  }),
  staging: ({ run, plan, quiet }) => ({
    what: `The staging instance ${copiesOf(run, plan).join(" or ")} may still be there, and it costs money and holds a copy of production`,
    todo: `Delete it, without a final snapshot${quiet ? `; then its parameter group ${quiet.group}` : ""}`,
  }),
  admit: ({ request }) => ({
    what: `The run lock of ${request?.instance ?? "the database"} is not released`,
    todo: "Nothing is to be done now: the next run takes it over, as this execution has ended",
  }),
  opening: () => ({
    what: "The post-migration tasks did not all run",
    todo: "Run by hand what after-opening.json does not list as passed",
  }),
  aftercare: () => ({
    what: "Nobody looked whether production is backed up, and the watch was not started",
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
    todo: `Make it from the run's evidence: ${NAME_PREFIX} report DIR`,
  }),
};
