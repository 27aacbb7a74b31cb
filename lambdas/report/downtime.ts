import type { Facts } from "./facts.ts";
import { machineTimeOfGate } from "./machine-time.ts";
import { predictionsOf } from "./predictions.ts";
import type { Report } from "./schema.ts";
import { timelineOf, waitedBetween } from "./timeline.ts";
import { count, secondsBetween, toMilliseconds } from "./words.ts";

/** How long the application is kept out: predicted from the same parts as the timeline, and as it was. */
export function downtimeOf(facts: Facts): Report["downtime"] {
  const { plan, request } = facts;
  const { phases } = timelineOf(facts);
  const predictions = predictionsOf(facts);
  const part = (what: string, id: string) => {
    const prediction = predictions.get(id);
    return prediction ? [{ what, ...prediction }] : [];
  };
  const rehearsal = phases.find(({ id, endedAt }) => id === "rehearse" && endedAt !== null);
  const parts = [
    ...part(facts.backup?.by === "point-in-time" ? "Record" : "Record and snapshot", "fence"),
    ...(request?.rehearse === "inside" && rehearsal
      ? [{ what: "Rehearsal", seconds: rehearsal.seconds ?? 0, by: "rehearsal" as const }]
      : []),
    ...plan.migrations.flatMap(({ version }) => part(`Migrate ${version}`, `migrate-${version}`)),
    ...part("Prove", "prove"),
    ...gatesOf(facts),
  ];
  // Without a fence the application is not kept out.
  const fences = [facts.fence, facts.fenceAgain]
    .filter((fence) => fence?.mode === "connect")
    .filter((fence) => fence !== null);
  const total = (of: (from: string, to: string) => number) =>
    fences.length === 0
      ? null
      : toMilliseconds(fences.reduce((sum, { at, liftedAt }) => sum + of(at, liftedAt ?? facts.asOf), 0));
  return {
    fencedAt: fences[0]?.at ?? null,
    openedAt: fences.at(-1)?.liftedAt ?? null,
    seconds: total(secondsBetween),
    waitedSeconds: total((from, to) => waitedBetween(facts, from, to)),
    predictedSeconds: toMilliseconds(parts.reduce((sum, { seconds }) => sum + seconds, 0)),
    parts,
  };
}

/** What the gates behind the fence take, even where each is answered at once. */
function gatesOf(facts: Facts): Report["downtime"]["parts"] {
  const gate = machineTimeOfGate(facts);
  if (gate === null) return [];
  const asked = facts.plan.migrations.filter(({ unasked }) => !unasked).length;
  const gates = asked + (facts.request?.rehearse === "inside" ? 2 : 1);
  return [
    {
      what: `${count(gates, "gate")}, opened and confirmed`,
      seconds: toMilliseconds(gates * gate),
      by: "rehearsal",
    },
  ];
}
