import { FOUND_ROLES, NOBODY_KEPT_OUT } from "../preflight/find-roles.ts";
import { OUTSIDE_STEPS } from "../preflight/inspect-outside.ts";
import { onlyOthers } from "../proof/made.ts";
import { restoredOtherwise } from "../restore/restored-instance.ts";
import { Doc, docName, type StepDoc, type StepsDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { GateKind } from "../shared/gates.ts";
import { stagingNow } from "../shared/places.ts";
import { noticeText } from "../shared/plan.ts";
import { duration, milliseconds } from "../shared/text.ts";

const MOST = 12;
const SHOWN = 5;

/** Returns what an approver must read first: what a Go leads to, as staging showed it. A line each. */
export async function warningsFor(kind: GateKind, evidence: RunEvidence): Promise<string[]> {
  if (kind === "restore") return [...(await found(evidence)), ...(await notByPlan(evidence))];
  // Before the rehearsal nothing else is known. The question of the gate "keep" already names what matters.
  if (kind === "readiness")
    return shortened([
      ...(await keptOut(evidence)),
      ...(await outside(evidence)),
      ...(await readOtherwise(evidence)),
    ]);
  if (kind === "keep") return [];
  const lines = [
    ...(kind === "rehearsal"
      ? [
          ...(await keptOut(evidence)),
          ...(await found(evidence)),
          ...(await restoredSo(evidence)),
          ...(await outside(evidence)),
          ...(await readOtherwise(evidence)),
        ]
      : []),
    ...(kind === "open" ? await notByPlan(evidence) : []),
    ...(await benchmarks(evidence)),
    ...(kind === "open" ? [] : await rewrites(evidence)),
    ...(await notValid(evidence, kind)),
  ];
  return shortened(lines);
}

function shortened(lines: readonly string[]): string[] {
  const more = lines.length - MOST;
  return more > 0 ? [...lines.slice(0, MOST), `and ${more} more, in the report`] : [...lines];
}

/** The roles that the fence keeps out, if the plan does not name them: a Go confirms them. */
async function keptOut(evidence: RunEvidence): Promise<string[]> {
  const checks = (await evidence.read(Doc.preflight))?.checks ?? [];
  return checks.flatMap(({ name, seen, mend }) => {
    if (name === FOUND_ROLES)
      return `The plan does not name the application's roles. Sluice found these roles and keeps them out during the migration: ${seen}. A Go confirms that the application connects only as these.`;
    return name === NOBODY_KEPT_OUT ? `No role is kept out during the migration: ${seen}. ${mend}` : [];
  });
}

/** Files of the plan that Sluice reads differently from their text. */
async function readOtherwise(evidence: RunEvidence): Promise<string[]> {
  const notices = (await evidence.read(Doc.plan))?.notices ?? [];
  return notices.map((notice) => `Read differently from the file's text: ${noticeText(notice)}.`);
}

/** What surrounds production and affects a migration or a restore. */
async function found(evidence: RunEvidence): Promise<string[]> {
  return (await evidence.read(Doc.production))?.findings?.forGates ?? [];
}

/** How the restored staging differs from the settings: a restore of production would differ in the same way. */
async function restoredSo(evidence: RunEvidence): Promise<string[]> {
  return restoredOtherwise(await stagingNow(evidence), await evidence.read(Doc.stagingStorage));
}

/** Steps that the plan allows to act outside the database; they also do so in the rehearsal. */
async function outside(evidence: RunEvidence): Promise<string[]> {
  const checks = (await evidence.read(Doc.preflight))?.checks ?? [];
  return checks
    .filter(({ name, passed }) => name === OUTSIDE_STEPS && passed === null)
    .map(
      ({ seen }) => `Acts outside the database, in the rehearsal too, and no rollback undoes that: ${seen}.`,
    );
}

/** Differences in the last proof of production that this plan did not make. */
async function notByPlan(evidence: RunEvidence): Promise<string[]> {
  const names = ["production-rolled-back", "production-data"] as const;
  for (const name of names) {
    const proof = await evidence.read(Doc.proof(name));
    if (!proof?.others?.length) continue;
    const others = proof.others.map((line) => line.replace(/[,;] not made by this plan.*$/, ""));
    const shown = others.slice(0, SHOWN).join("; ");
    const more = others.length > SHOWN ? `; and ${others.length - SHOWN} more` : "";
    const alone =
      name === "production-rolled-back" && onlyOthers(proof)
        ? " What the plan made is rolled back. A restore would undo only what others changed meanwhile."
        : "";
    return [`Not made by this plan: ${shown}${more}.${alone}`];
  }
  return [];
}

/** Benchmarks that staging missed: production has the same limits. Empty once production was measured. */
async function benchmarks(evidence: RunEvidence): Promise<string[]> {
  if (await evidence.read(Doc.benchmarks("production"))) return [];
  const missed = ((await evidence.read(Doc.benchmarks("staging")))?.results ?? []).filter(
    ({ passed }) => passed === false,
  );
  if (missed.length === 0) return [];
  const figures = missed.map(
    ({ title, p95Ms, sloMs, note }) =>
      `${title} ${p95Ms === null ? (note ?? "not measured") : milliseconds(p95Ms)}, limit ${milliseconds(sloMs)}`,
  );
  const what =
    missed.length === 1 ? "a benchmark exceeds its limit" : `${missed.length} benchmarks exceed their limits`;
  return [
    `A Go ends in a rollback unless production is faster than staging, where ${what} (${figures.join("; ")}).`,
  ];
}

/** Rewritten tables, from the latest pass of each step and of its rollback. */
async function rewrites(evidence: RunEvidence): Promise<string[]> {
  const docs: StepsDoc[] = [];
  for (const name of await evidence.list("steps/staging-"))
    docs.push(await evidence.require(docName<StepsDoc>(name)));
  docs.sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  const lines = new Map<string, string>();
  for (const { version, direction, steps } of docs)
    for (const [index, step] of steps.entries()) {
      if (!step.rewrites) continue;
      const of = direction === "rollback" ? `The rollback of ${version}` : version;
      lines.set(
        `${version} ${direction} ${index}`,
        `${of}, step ${index + 1} ("${step.name}"), rewrites ${rewritten(step)}.`,
      );
    }
  return [...lines.values()];
}

/** Adds how long each table cannot be read, as the rehearsal measured it. */
function rewritten({ rewrites, locks, seconds }: StepDoc): string {
  return (rewrites?.tables ?? [])
    .map((table) => {
      const lock = locks.find(
        ({ relation, mode }) =>
          mode === "AccessExclusiveLock" && (relation === table || `public.${relation}` === table),
      );
      return `${table}: locked for about ${duration(lock?.seconds ?? seconds)}`;
    })
    .join(", ");
}

async function notValid(evidence: RunEvidence, kind: GateKind): Promise<string[]> {
  const left =
    (kind === "open" ? await evidence.read(Doc.left("production")) : undefined) ??
    (await evidence.read(Doc.left("staging")));
  return (left?.notValid ?? []).map(
    (name) => `Constraint ${name} stays NOT VALID: older rows are not checked.`,
  );
}
