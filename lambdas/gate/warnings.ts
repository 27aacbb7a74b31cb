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

/** What a person must read before anything else at a gate: what a Go leads to, as staging showed it. A line each. */
export async function warningsFor(kind: GateKind, evidence: RunEvidence): Promise<string[]> {
  if (kind === "restore") return [...(await found(evidence)), ...(await notByPlan(evidence))];
  // Before the rehearsal nothing else is known; at keep, what matters is asked in its own words.
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

/** Whom the fence keeps out, where the plan does not say so: a Go confirms that. */
async function keptOut(evidence: RunEvidence): Promise<string[]> {
  const checks = (await evidence.read(Doc.preflight))?.checks ?? [];
  return checks.flatMap(({ name, seen, mend }) => {
    if (name === FOUND_ROLES)
      return `The plan does not name the application's roles. These were found, and are kept out while it migrates: ${seen}. A Go confirms that the application connects as these and as no other.`;
    return name === NOBODY_KEPT_OUT ? `Nobody is kept out while it migrates: ${seen}. ${mend}` : [];
  });
}

/** How files of the plan are read otherwise than they are written. */
async function readOtherwise(evidence: RunEvidence): Promise<string[]> {
  const notices = (await evidence.read(Doc.plan))?.notices ?? [];
  return notices.map((notice) => `Read otherwise than written: ${noticeText(notice)}.`);
}

/** What is around production, and what a Go for it or for a restore has to reckon with. */
async function found(evidence: RunEvidence): Promise<string[]> {
  return (await evidence.read(Doc.production))?.findings?.forGates ?? [];
}

/** How staging was restored otherwise than wished for: production would be, too. */
async function restoredSo(evidence: RunEvidence): Promise<string[]> {
  return restoredOtherwise(await stagingNow(evidence), await evidence.read(Doc.stagingStorage));
}

/** Steps that the plan lets reach out of the database: a rehearsal does so too. */
async function outside(evidence: RunEvidence): Promise<string[]> {
  const checks = (await evidence.read(Doc.preflight))?.checks ?? [];
  return checks
    .filter(({ name, passed }) => name === OUTSIDE_STEPS && passed === null)
    .map(
      ({ seen }) =>
        `Reaches out of the database, in the rehearsal too, and no rollback takes that back: ${seen}.`,
    );
}

/** What the last proof of production saw that this plan did not make. */
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
        ? " What the plan made is rolled back: a restore would take away only what others did meanwhile."
        : "";
    return [`Not made by this plan: ${shown}${more}.${alone}`];
  }
  return [];
}

/** Production is held to the limits that staging exceeds; once it has met them there is nothing to say. */
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
    `A Go ends in a rollback, unless production is faster than staging: ${what} there (${figures.join("; ")}).`,
  ];
}

/** By the last time that each step was applied, and by its rollback. */
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

/** With the time for which nobody can read each table, as the rehearsal measured it. */
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
    (name) => `Constraint ${name} is left NOT VALID: rows that were there before are not checked.`,
  );
}
