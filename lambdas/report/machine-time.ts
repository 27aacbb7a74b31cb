import { stateInWords } from "../shared/state-name.ts";
import type { Facts } from "./facts.ts";
import { secondsBetween, total } from "./words.ts";

// Beside the work itself a state takes time: the call, the session, the evidence, the step to the next state. With many
// migrations that is the most of a downtime, so the rehearsal measures it, and the prediction has it. All in seconds.

/** Of a migration on production, applied and validated, by the rehearsal; null while it has not shown it. */
export function machineTimeOfMigration(facts: Facts): number | null {
  const { plan, steps, checks } = facts;
  const versions = plan.migrations.map(({ version }) => version);
  // A rollback does what an apply does on production; an apply on staging also reads what the database holds.
  const rollbacks = versions.map((version) =>
    beside(
      spanOf(facts, stateInWords("Roll back on staging", version)),
      steps.find(
        (doc) => doc.target === "staging" && doc.version === version && doc.direction === "rollback",
      ),
    ),
  );
  const validations = versions.map((version) =>
    beside(
      spanOf(facts, stateInWords("Validate on staging", version)),
      checks.find((doc) => doc.target === "staging" && doc.version === version && doc.round === "1"),
    ),
  );
  const validated = middle(validations);
  return total([validated, middle(rollbacks) ?? validated]);
}

/** What it was of that migration; null while it is not done. */
export function machineTimeOn(facts: Facts, version: string): number | null {
  const applied = facts.steps.find(
    (doc) => doc.target === "production" && doc.version === version && doc.direction === "migrate",
  );
  const checked = facts.checks.find(
    (doc) => doc.target === "production" && doc.version === version && doc.round === "1",
  );
  return total([
    beside(spanOf(facts, stateInWords("Apply to production", version)), applied),
    beside(spanOf(facts, stateInWords("Validate on production", version)), checked),
  ]);
}

/**
 * Of a gate that is answered at once: opened and confirmed. The gate before production opens like those in the downtime.
 * Only the first gate is confirmed by then, and it looks at no catalog: what a catalog costs at the opening is added once
 * more for the confirmation. Null while the rehearsal has not shown it.
 */
export function machineTimeOfGate(facts: Facts): number | null {
  const opened = (kind: string): number | null => {
    const gate = facts.gates.find(({ request }) => request.kind === kind);
    const prepared = facts.states.find(({ state }) => state === `Time: ${kind}`);
    return gate && prepared ? secondsBetween(prepared.enteredAt, gate.request.openedAt) : null;
  };
  const [without, withCatalog] = [opened("readiness"), opened("rehearsal")];
  const confirmed = spanOf(facts, "Confirm: readiness");
  if (without === null || withCatalog === null || confirmed === null) return null;
  return withCatalog + confirmed + Math.max(0, withCatalog - without);
}

/** From when a state was entered until the one after it was; null where there is none yet. */
function spanOf({ states }: Facts, name: string): number | null {
  const place = states.findIndex(({ state }) => state === name);
  const [state, next] = [states[place], states[place + 1]];
  return state && next ? secondsBetween(state.enteredAt, next.enteredAt) : null;
}

function beside(span: number | null, work: { seconds: number } | undefined): number | null {
  return span === null || !work ? null : Math.max(0, span - work.seconds);
}

function middle(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? null;
}
