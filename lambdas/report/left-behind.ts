import { type Caught, readCaught } from "../shared/caught.ts";
import { NAME_PREFIX, stagingName } from "../shared/names.ts";
import { nameInSql, sentence, shorten } from "../shared/text.ts";
import type { Facts } from "./facts.ts";

/** Returns one line for each clean-up that failed: what is left, why, and what to do about it. */
export function leftBehindOf(facts: Facts, unfinished: Readonly<Record<string, Caught>>): string[] {
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
