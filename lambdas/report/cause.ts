import type { ContentMode } from "../proof/checksums.ts";
import { readAs } from "../proof/compare-contents.ts";
import { scopeInWords } from "../proof/scope.ts";
import type { End, GateDecisionDoc, ProofDoc } from "../shared/documents.ts";
import { type Caught, ErrorName, RETRYABLE, readCaught } from "../shared/errors.ts";
import { count, list, milliseconds, moment, sentence, shorten } from "../shared/text.ts";
import { FOUND, mistakesOf } from "../validate/mistakes.ts";
import { type Facts, fenceIsUp, type GateFacts, type WholeProof } from "./facts.ts";
import { backupOf, heldBy, lostInWords } from "./way-back.ts";

/** The cause of an end: why the run ended so, and what was done about it. Sentences. */
export interface Cause {
  why: string;
  done: string;
}

/** Most characters of the reason, of 2,000 for the whole cause: a long error must leave room for what was done. */
const LONGEST_WHY = 1_100;

/**
 * Returns why the run ended so, from its evidence. `caught` is the last error that the machine caught: a worker that was
 * killed from outside leaves no failure in the evidence.
 */
export function causeOf(facts: Facts, end: End, caught: Caught | undefined): Cause {
  return {
    why: end === "Succeeded" ? succeeded(facts) : shorten(sentence(whyOf(facts, caught)), LONGEST_WHY),
    done: doneAbout(facts, end),
  };
}

function succeeded({ plan, request }: Facts): string {
  const versions = list(plan.migrations.map(({ version }) => version));
  if (request?.copyOf !== undefined)
    return `${versions} ${plan.migrations.length === 1 ? "is" : "are"} on the stand-in for production, and the application had access.`;
  const where = request && request.instance !== "production" ? ` (${request.instance})` : "";
  return `${versions} ${plan.migrations.length === 1 ? "is" : "are"} on production${where}, and the application has access.`;
}

/** The first event that ended the way forward. Later ones are its consequences. */
function whyOf(facts: Facts, caught: Caught | undefined): string {
  const reasons = [
    ...facts.failures
      .filter(({ error, state }) => !RETRYABLE.some((name) => name === error) && !mended(facts, state))
      .map((failure) => ({ at: failure.at, text: () => failureText(facts, failure) })),
    ...facts.gates.flatMap((gate) => {
      if (gate.request.kind === "restore") return [];
      if (gate.decision) {
        const { decision, withheld } = gate;
        if (withheld?.answer === "NoGo")
          return [{ at: withheld.at, text: () => withheldText(gate, decision, withheld.changed) }];
        return decision.decision === "NoGo"
          ? [{ at: decision.at, text: () => noGoText(gate, decision) }]
          : [];
      }
      return isLastOfItsGate(facts, gate)
        ? [{ at: gate.request.expiresAt, text: () => unansweredText(gate) }]
        : [];
    }),
  ].sort((a, b) => (a.at < b.at ? -1 : 1));
  const kept = facts.gates.findLast(({ request }) => request.kind === "keep")?.decision;
  const first = reasons.find(({ at }) => !(kept?.decision === "Go" && at < kept.at));
  if (first) return first.text();
  if (facts.rollback) return facts.rollback.why;
  if (caught?.Error) {
    const { error, message } = readCaught(caught);
    return `${error}: ${message}`;
  }
  const last = facts.failures.at(-1);
  return last ? failureText(facts, last) : "The evidence names no failure and no No-Go";
}

/** Whether the state succeeded on a later attempt. */
function mended({ states }: Facts, state: string): boolean {
  return states.some((found) => found.state === state && found.doneAt !== null);
}

function isLastOfItsGate({ gates }: Facts, gate: GateFacts): boolean {
  return gates.findLast(({ request }) => request.gate === gate.request.gate) === gate;
}

function failureText(facts: Facts, failure: Facts["failures"][number]): string {
  const text = detailed(facts, failure) ?? `${failure.state}: ${failure.message}`;
  const onStaging = !facts.steps.some(({ target }) => target === "production");
  const earlier = onStaging ? mistakesOf({ ...facts, left: facts.left.staging }) : [];
  return earlier.length === 0 || failure.message.startsWith(FOUND)
    ? text
    : `${sentence(shorten(text, LONGEST_WHY / 2))} Before that, the rehearsal had found: ${several(earlier)}`;
}

/** The failure with the figures of the evidence, which are more precise than the message; null: there are none. */
function detailed(facts: Facts, { error, message, at }: Facts["failures"][number]): string | null {
  if (error === ErrorName.CheckFailed && !message.startsWith(FOUND)) {
    const doc = facts.checks.findLast(
      (checks) => checks.at <= at && checks.results.some(({ passed }) => !passed),
    );
    const failed = doc?.results.filter(({ passed }) => !passed) ?? [];
    if (!doc || failed.length === 0) return null;
    return several(
      failed.map(
        ({ name, expected, seen, at }) =>
          `check '${name}' of ${doc.version} failed on ${doc.target} (expected ${expected}, seen ${seen}; ${at})`,
      ),
    );
  }
  if (error === ErrorName.PreflightFailed) {
    const failed = facts.preflight?.checks.filter(({ passed }) => passed === false) ?? [];
    if (failed.length === 0) return null;
    const problems = failed.map(
      ({ name, expected, seen, mend }) => `${name}: expected ${expected}, seen ${seen}. ${sentence(mend)}`,
    );
    return `preflight found ${count(failed.length, "problem")}. ${problems.join(" ")}`;
  }
  if (error === ErrorName.BenchmarkFailed) {
    const failed = [facts.benchmarks.production, facts.benchmarks.staging].flatMap((doc) =>
      (doc?.results ?? [])
        .filter(({ passed }) => passed === false)
        .map(
          ({ title, p95Ms, sloMs }) =>
            `${title} on ${doc?.target}: p95 ${p95Ms === null ? "not measured" : milliseconds(p95Ms)}, limit ${milliseconds(sloMs)}`,
        ),
    );
    return failed.length > 0 ? several(failed) : null;
  }
  return null;
}

function several(texts: readonly string[]): string {
  const shown = texts.slice(0, 3).join("; ");
  return texts.length > 3 ? `${shown}; and ${texts.length - 3} more` : shown;
}

function noGoText({ request }: GateFacts, { by, comment, at }: GateDecisionDoc): string {
  const said = comment ? `: "${comment}"` : ", without a comment";
  return `${by} said No-Go at gate ${request.gate} (${request.question}) on ${moment(at)}${said}`;
}

function withheldText({ request }: GateFacts, { by }: GateDecisionDoc, changed: readonly string[]): string {
  return `the Go of ${by} at gate ${request.gate} did not take effect: ${changed.join(" ")}`;
}

function unansweredText({ request }: GateFacts): string {
  const asked = request.attempt > 1 ? `, opened ${request.attempt} times` : "";
  return `nobody answered gate ${request.gate} (${request.question}) by ${moment(request.expiresAt)}${asked}, which counts as a No-Go`;
}

function doneAbout(facts: Facts, end: End): string {
  switch (end) {
    case "Succeeded":
      return proven(facts, "data", dataClaim(facts));
    case "Refused":
      return refused(facts);
    case "RolledBack":
      return rolledBackText(facts);
    case "Restored":
      return restoredText(facts);
    case "NeedsOperator":
      return needsOperator(facts);
  }
}

function refused(facts: Facts): string {
  if (facts.fence?.mode !== "connect") return "Production was not touched.";
  return fenceIsUp(facts)
    ? "Nothing was migrated on production, but the fence is still up and keeps the application out."
    : "Production was fenced, and the fence was lifted again. Nothing was migrated.";
}

function rolledBackText({ plan, steps, rollback, proofs }: Facts): string {
  const inOrder = plan.migrations.map(({ version }) => version).reverse();
  const undone = inOrder.filter((version) =>
    steps.some(
      (doc) => doc.target === "production" && doc.direction === "rollback" && doc.version === version,
    ),
  );
  const named = undone.length > 0 || !rollback?.from ? undone : inOrder.slice(inOrder.indexOf(rollback.from));
  const what =
    named.length === 0
      ? "No migration left changes on production, which is"
      : `${list(named)} ${named.length === 1 ? "was" : "were"} rolled back and`;
  const proof = proofs.findLast(({ name }) => name === "production-rolled-back");
  return proof?.equal
    ? `${what} proven back${proof.left ? `, except ${list(proof.left)}` : ""}${equalText(proof)}`
    : `${what} NOT proven back. ${notProven(proof, "rolled-back")}`;
}

function dataClaim({ proofs }: Facts): string {
  const agreed = proofs.findLast(({ name }) => name === "production-data")?.agreed ?? [];
  return agreed.length === 0
    ? "Its data are proven unchanged"
    : `Its data are proven: ${count(agreed.length, "table")} changed as the rehearsal showed, all others are unchanged`;
}

function proven({ proofs }: Facts, name: "data" | "restored", claim: string): string {
  const proof = proofs.findLast((found) => found.name === `production-${name}`);
  return proof?.equal ? `${claim}${equalText(proof)}` : notProven(proof, name);
}

/** The scope of a claim, to be appended to it. */
function equalText(proof: WholeProof): string {
  if (proof.scope)
    return `. ${[scopeInWords(proof.scope), ...[...(proof.grown ?? []), ...(proof.others ?? [])].map(sentence)].join(" ")}`;
  // Evidence of older runs.
  const unproven = proof.unproven.length;
  const tables = count(proof.tablesBefore.length - unproven - proof.agreed.length, "table");
  const written =
    unproven === 0
      ? ""
      : ` ${count(unproven, "table")} changed meanwhile, because there is no fence: not proven.`;
  return `: ${proof.fingerprintBefore === null ? "" : "catalog and "}${tables} equal${readInPart(proof.tablesBefore)}.${written}`;
}

/** What "equal" means for tables that the plan excludes from full reading. */
function readInPart(tables: WholeProof["tablesBefore"]): string {
  const of = (mode: ContentMode) => tables.filter((table) => readAs(table) === mode).length;
  const [counted, sampled] = [of("count"), of("sample")];
  const parts = [
    ...(counted > 0 ? [`${counted} only by row count`] : []),
    ...(sampled > 0 ? [`${sampled} by a sample`] : []),
  ];
  return parts.length === 0 ? "" : ` (${parts.join(", ")}, as the plan asks)`;
}

function notProven(proof: ProofDoc | undefined, name: string): string {
  return proof
    ? `It differs from the record: ${sentence(several(proof.differences))}`
    : `There is no proof: the evidence has no proofs/production-${name}.`;
}

function restoredText(facts: Facts): string {
  const { restore } = facts;
  const failed = laterFailure(facts) || onlyRestore(facts);
  const from = restore
    ? restore.moment === undefined
      ? `Production was restored from snapshot ${restore.snapshot}`
      : `Production was restored to ${moment(restore.moment)}`
    : "Production was restored";
  const aside = restore ? `; the former production is kept as ${restore.aside}.` : ".";
  return [failed, `${from}${aside}`, proven(facts, "restored", "It is proven back"), lostText(facts)]
    .filter((text) => text !== "")
    .reduce(afterEachOther);
}

/** Why nothing was rolled back. */
function onlyRestore({ rollback }: Facts): string {
  return rollback?.restoreFrom === undefined
    ? ""
    : `${rollback.restoreFrom} had begun and has no rollback, so only the restore leads back.`;
}

/** Joins two texts. An excerpt of a statement ends in a line of its own, so a new line follows it. */
function afterEachOther(said: string, next: string): string {
  return `${said}${said.includes("\n") && !/[.!?]$/.test(said) ? "\n" : " "}${next}`;
}

function lostText({ loss }: Facts): string {
  if (!loss || loss.tables.length === 0) return "";
  return sentence(
    `Rows written after the record are only in the former production: ${several(loss.tables.map(lostInWords))}`,
  );
}

/** Why rolling back was not enough: the first failure after the way back began, even before the first rollback. */
function laterFailure({ rollback, fenceAgain, failures, restore }: Facts): string {
  const began = fenceAgain?.at ?? rollback?.at;
  const failed = failures.find(
    ({ at, error }) =>
      began !== undefined &&
      at > began &&
      (!restore || at < restore.at) &&
      !RETRYABLE.some((name) => name === error),
  );
  return failed ? sentence(shorten(`Rolling back was not enough: ${failed.message}`, 350)) : "";
}

function needsOperator(facts: Facts): string {
  const { rollback, restore, restoring, snapshots, gates, failures } = facts;
  const parts = [
    facts.request?.copyOf === undefined
      ? "Production is NOT proven back; an operator must act now."
      : "The stand-in for production is NOT proven back.",
  ];
  const rolling = laterFailure(facts) || onlyRestore(facts);
  if (rolling) parts.push(rolling);
  const gate = gates.findLast(({ request }) => request.kind === "restore");
  const decision = gate?.decision ?? null;
  if (gate && decision && gate.withheld?.answer === "NoGo")
    parts.push(sentence(withheldText(gate, decision, gate.withheld.changed)));
  else if (gate && decision?.decision === "NoGo") parts.push(sentence(noGoText(gate, decision)));
  else if (restore || decision) {
    const failed = failures.findLast(({ at }) => at > (restore?.at ?? decision?.at ?? ""));
    parts.push(sentence(shorten(`The restore failed${failed ? `: ${failed.message}` : ""}`, 350)));
    if (restore)
      parts.push(
        restoring
          ? `The former production is ${restore.aside}.`
          : `The former production was not seen under its new name, ${restore.aside}: it may still have its old name.`,
      );
  } else if (gate) parts.push(sentence(unansweredText(gate)));
  const snapshot = snapshots.findLast(({ purpose }) => purpose === "final") ?? snapshots.at(-1);
  const held = backupOf(facts)?.moment;
  if (held) parts.push(`The state before the migration is in ${heldBy(held)}.`);
  else if (snapshot) parts.push(`The snapshot to restore from is ${snapshot.id}.`);
  if (fenceIsUp(facts)) parts.push("The fence is still up: nothing writes to production.");
  else if (rollback) parts.push("The fence is lifted: the application may be writing to production.");
  return parts.reduce(afterEachOther);
}
