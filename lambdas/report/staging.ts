import { restoredOtherwise } from "../restore/restored-instance.ts";
import { count, milliseconds } from "../shared/text.ts";
import { FOUND, mistakesOf } from "../validate/mistakes.ts";
import type { Facts } from "./facts.ts";
import type { Report } from "./schema.ts";

/** Returns the plan's staging results: completed, issues, rollback tested, approved for production and the approvers. */
export function stagingOf(facts: Facts): Report["staging"] {
  const { plan, staging, stagingVerified, stagingDeletedAt } = facts;
  const rollbacks = plan.migrations
    .filter(({ restoreOnly }) => !restoreOnly)
    .map(({ version }) => ({ version, equal: rolledBack(facts, version) }));
  const ways = [
    ...rollbacks.map(({ equal }) => equal),
    ...(rollbacks.length < plan.migrations.length ? [restored(facts)] : []),
  ];
  return {
    instance: staging?.id ?? null,
    verified: stagingVerified && {
      tables: stagingVerified.tables,
      rows: stagingVerified.rows,
      equal: stagingVerified.equal,
      differences: stagingVerified.differences,
    },
    deletedAt: stagingDeletedAt,
    completedAt: completedAt(facts),
    issues: issuesOf(facts),
    rollbackTested: ways.some((equal) => equal === false)
      ? "fail"
      : ways.length > 0 && ways.every((equal) => equal)
        ? "success"
        : "not yet",
    rollbacks,
    ...approval(facts),
  };
}

/** True if all proofs of that version's rollback found staging back; null if there is no proof yet. */
function rolledBack({ proofs }: Facts, version: string): boolean | null {
  const mine = proofs.filter(
    ({ name }) => name === `staging-${version}` || name === `staging-${version}-again`,
  );
  return mine.length === 0 ? null : mine.every(({ equal }) => equal);
}

/** Whether the rehearsed restore brought staging back; null: not tried. */
function restored({ proofs }: Facts): boolean | null {
  return proofs.findLast(({ name }) => name === "restore-rehearsed")?.equal ?? null;
}

/** When the last migration was validated on staging and the benchmarks were measured. */
function completedAt({ plan, checks, benchmarks }: Facts): string | null {
  const last = plan.migrations.at(-1);
  const validated = checks.findLast((doc) => doc.target === "staging" && doc.version === last?.version);
  if (!validated?.results.every(({ passed }) => passed)) return null;
  if (plan.benchmarks.length > 0 && !benchmarks.staging) return null;
  return [validated.at, benchmarks.staging?.at ?? validated.at].sort().at(-1) ?? null;
}

function issuesOf(facts: Facts): string[] {
  const mistakes = mistakesOf({ ...facts, left: facts.left.staging });
  const gaveWay = facts.steps
    .filter(({ target }) => target === "staging")
    .flatMap(({ version, steps }) =>
      steps
        .filter((step) => step.gaveWay > 0)
        .map((step) => `Step '${step.name}' of ${version} gave way to a lock ${count(step.gaveWay, "time")}`),
    );
  const notes = facts.steps
    .filter(({ target }) => target === "staging")
    .flatMap(({ version, steps }) =>
      steps.flatMap(({ name, notes }) => notes.map((note) => `Step '${name}' of ${version}: ${note}`)),
    );
  const slow = (facts.benchmarks.staging?.results ?? [])
    .filter(({ passed }) => passed === false)
    .map(
      ({ title, p95Ms, sloMs, note }) =>
        `${title}: p95 ${p95Ms === null ? "not measured" : milliseconds(p95Ms)}, limit ${milliseconds(sloMs)}${note ? ` (${note})` : ""}`,
    );
  return [
    ...restoredOtherwise(facts.stagingAgain ?? facts.staging, facts.stagingStorage),
    ...(facts.stagingVerified?.differences ?? []),
    ...failuresOf(facts),
    ...mistakes,
    ...slow,
    ...gaveWay,
    ...new Set(notes),
    ...(facts.left.staging?.notValid ?? []).map((name) => `Constraint ${name} stays NOT VALID`),
    ...facts.proofs.filter(({ name }) => name.startsWith("staging-")).flatMap(({ moved }) => moved ?? []),
  ];
}

/** Failures during the rehearsal, including those that a retry fixed. */
function failuresOf({ failures, staging, snapshots, gates }: Facts): string[] {
  const from = snapshots.find(({ purpose }) => purpose === "rehearsal")?.at ?? staging?.at;
  const to = gates.find(({ request }) => request.kind === "rehearsal")?.request.openedAt;
  if (!from) return [];
  return failures
    .filter(({ at, message }) => at >= from && (to === undefined || at < to) && !message.startsWith(FOUND))
    .map(({ state, message }) => `${state}: ${message}`);
}

function approval({ gates }: Facts): Pick<Report["staging"], "approved" | "approvedBy"> {
  const decision = gates.findLast(({ request }) => request.kind === "rehearsal")?.decision;
  if (!decision) return { approved: "not yet", approvedBy: null };
  return { approved: decision.decision === "Go" ? "yes" : "no", approvedBy: decision.by };
}
