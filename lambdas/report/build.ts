import { publishersAmong } from "../gate/approvals.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Publication, Published } from "../shared/publications.ts";
import { secondsBetween } from "../shared/text.ts";
import { benchmarksOf, criteriaOf } from "./criteria.ts";
import { downtimeOf } from "./downtime.ts";
import { type Facts, gatherFacts } from "./facts.ts";
import { leftToDo } from "./left-to-do.ts";
import { locksOf, migrationsOf } from "./migrations.ts";
import type { GateReport, Report } from "./schema.ts";
import { stagingOf } from "./staging.ts";
import { timelineOf } from "./timeline.ts";
import { aftermathOf, verdictOf } from "./verdict.ts";
import { backupOf, proofsOf } from "./way-back.ts";

/** Builds the report of a run from its current evidence, for a running run too. */
export async function buildReport(evidence: RunEvidence): Promise<Report> {
  return reportOf(await gatherFacts(evidence));
}

export function reportOf(facts: Facts): Report {
  const { plan, outcome, fence } = facts;
  const timeline = timelineOf(facts);
  const end = outcome?.end ?? ("running" as const);
  const request = requestOf(facts);
  const parts = {
    version: 1 as const,
    run: facts.run,
    asOf: facts.asOf,
    manifest: facts.manifest,
    end,
    verdict: verdictOf({ end, request }),
    cause: outcome?.cause ?? null,
    leftBehind: outcome?.leftBehind ?? [],
    now: nowOf(facts),
    request,
    plan: {
      name: plan.name,
      title: plan.title,
      checksum: plan.checksum,
      rollbackSloSeconds: plan.rollbackSloMinutes * 60,
      protect: [...plan.protect],
      ...(facts.request?.published ? { published: shownOf(facts.request.published) } : {}),
    },
    criteria: criteriaOf(facts),
    timeline,
    downtime: downtimeOf(facts),
    rollback: rollbackOf(facts),
    wayBack: facts.wayBack && {
      sloSeconds: facts.wayBack.sloSeconds,
      rollback: { ...facts.wayBack.rollback, leavesOut: facts.wayBack.rollback.leavesOut ?? [] },
      restore: { ...facts.wayBack.restore, leavesOut: facts.wayBack.restore.leavesOut ?? [] },
      ...(facts.wayBack.restoreFrom === undefined ? {} : { restoreFrom: facts.wayBack.restoreFrom }),
    },
    loss: facts.loss,
    restore: facts.restore && {
      at: facts.restore.at,
      snapshot: facts.restore.snapshot ?? null,
      ...(facts.restore.moment === undefined ? {} : { moment: facts.restore.moment }),
      aside: facts.restore.aside,
      handOver: [...handOverOf(facts), ...(facts.restored ? stillness(facts) : [])],
    },
    migrations: migrationsOf(facts),
    locks: locksOf(facts),
    proofs: proofsOf(facts),
    preflight: facts.preflight && {
      at: facts.preflight.at,
      checks: facts.preflight.checks.map(({ name, passed, expected, seen, mend }) => ({
        name,
        passed,
        expected,
        seen,
        mend,
      })),
    },
    backup: backupOf(facts),
    snapshots: facts.snapshots.map((snapshot) => ({
      purpose: snapshot.purpose,
      id: snapshot.id,
      instance: snapshot.instance,
      at: snapshot.at,
      createdAt: snapshot.createdAt,
      sizeBytes: snapshot.sizeBytes,
      engineVersion: snapshot.engineVersion,
      encrypted: snapshot.encrypted,
      kmsKey: snapshot.kmsKey,
      ...(snapshot.clone ? { clone: true as const } : {}),
      keepUntil: snapshot.keepUntil,
      copies:
        snapshot.purpose === "final"
          ? (facts.archived?.copies ?? []).map(({ kind, where, id }) => ({ kind, where, id }))
          : [],
      evidence: [snapshot.evidence],
    })),
    staging: stagingOf(facts),
    left: facts.left.production
      ? { invalidIndexes: facts.left.production.invalidIndexes, notValid: facts.left.production.notValid }
      : null,
    benchmarks: benchmarksOf(facts),
    hooks: facts.hooks.map(({ name, at, results, evidence }) => ({
      name,
      at,
      results: results.map(({ title, passed, expected, seen }) => ({ title, passed, expected, seen })),
      evidence: [evidence],
    })),
    gates: facts.gates.map((gate) => gateOf(gate, facts.request?.published?.by)),
    fence: fence && {
      mode: fence.mode,
      at: fence.at,
      liftedAt: fence.liftedAt,
      roles: fence.roles,
    },
    afterOpening: (facts.afterOpening?.results ?? []).map(({ title, passed, seconds, message }) => ({
      title,
      passed,
      seconds,
      message,
    })),
    ...aftermathOf(facts),
    // Reminders are due only where a real database was migrated.
    ...(request?.copyOf === undefined ? {} : { reminders: [] }),
    failures: facts.failures.map(({ at, state, error, message }) => ({ at, state, error, message })),
  };
  return { ...parts, leftToDo: leftToDo(parts) };
}

/** Leaves out the ids: they are useful only to readers of the evidence. */
function shownOf({ deployed, by }: Published): Report["plan"]["published"] {
  return { deployed, by: by.map(({ by, arn, at }) => ({ by, arn, at })) };
}

function nowOf(facts: Facts): Report["now"] {
  if (facts.outcome) return null;
  const last = facts.states.at(-1);
  return last && last.doneAt === null ? { state: last.state, since: last.enteredAt } : null;
}

function requestOf({ request, production }: Facts): Report["request"] {
  return (
    request && {
      execution: request.execution,
      startedAt: request.startedAt,
      startedBy: request.startedBy ?? null,
      reason: request.reason ?? null,
      ...(request.window && request.window.override !== null
        ? { outsideWindow: request.window.override }
        : {}),
      instance: request.instance,
      database: request.database,
      ...(request.copyOf === undefined ? {} : { copyOf: request.copyOf }),
      ...(request.copies === undefined
        ? {}
        : { copies: { ...request.copies, notes: [...request.copies.notes] } }),
      rehearse: request.rehearse,
      fence: request.fence,
      engineVersion: production?.engineVersion ?? null,
    }
  );
}

function rollbackOf({ rollback, proofs, plan }: Facts): Report["rollback"] {
  if (!rollback) return null;
  const back = proofs.find(({ name, equal }) => name === "production-rolled-back" && equal);
  return {
    startedAt: rollback.at,
    why: rollback.why,
    ...(rollback.restoreFrom === undefined ? {} : { restoreFrom: rollback.restoreFrom }),
    seconds: back ? secondsBetween(rollback.at, back.at) : null,
    sloSeconds: plan.rollbackSloMinutes * 60,
  };
}

// The sender's address and the hash of the link's key stay in the evidence, because reports are passed around.
function gateOf(
  { request, decision, withheld, objections }: Facts["gates"][number],
  published: readonly Publication[] = [],
): GateReport {
  const publishers = decision ? publishersAmong(published, decision) : [];
  return {
    gate: request.gate,
    attempt: request.attempt,
    escalation: request.escalation,
    question: request.question,
    checklist: request.checklist.map((item) => ({
      item,
      ticked: decision ? decision.ticked.includes(item) : null,
    })),
    openedAt: request.openedAt,
    expiresAt: request.expiresAt,
    changed: request.changed,
    withheld: withheld?.changed ?? null,
    decision: decision?.decision ?? null,
    by: decision?.by ?? null,
    ...(publishers.length > 0 ? { publishers } : {}),
    comment: decision?.comment || null,
    decidedAt: decision?.at ?? null,
    objections: objections.map(({ by, at, comment }) => ({ by, at, comment })),
    evidence: [
      request.evidence,
      ...(decision ? [decision.evidence] : []),
      ...objections.map(({ evidence }) => evidence),
    ],
  };
}

function handOverOf({ handedOver, restored, request, outcome }: Facts): string[] {
  const told = handedOver?.handOver ?? restored?.handOver;
  if (told) return told;
  return outcome?.end === "Restored"
    ? [
        `It is not known whether ${request?.instance ?? "production"} has all its settings again. Set those that docs/operator-runbook.md lists under "Restore by hand on RDS", from 4.`,
      ]
    : [];
}

/** Returns what to do about the former instance, whose subscriptions and jobs must not run beside production's. */
function stillness({ restore, quiet, notQuiet }: Facts): string[] {
  if (notQuiet)
    return [
      `Subscriptions and scheduled jobs on ${notQuiet.instance} could not be stopped (${notQuiet.why}). They may run beside production's and share a replication slot with it. Stop them, or the instance, now.`,
    ];
  return quiet && restore
    ? [`Parameter group ${quiet.group} keeps ${restore.aside} still: delete it after the instance.`]
    : [];
}
