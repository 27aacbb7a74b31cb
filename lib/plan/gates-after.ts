import type { GivenPlan } from "./folder.ts";
import { PlanError } from "./plan-error.ts";

/** With more migrations than these, the gate after each of them opens only if the plan states so. */
const MOST_ASKED_AFTER_EACH = 5;

/**
 * The folders of the migrations that a gate follows.
 * @throws PlanError if a migration contradicts `gates.after`
 */
export function askedAfter({
  gates,
  migrations,
}: Pick<GivenPlan, "gates" | "migrations">): ReadonlySet<string> {
  const ask = gates.after.ask ?? (migrations.length <= MOST_ASKED_AFTER_EACH ? "each" : "marked");
  for (const [index, { folder, gate }] of migrations.entries()) {
    const given = `${folder} has gate: ${gate}`;
    if (gate === true && ask === "none")
      throw new PlanError("plan.yaml", `migrations[${index}].gate`, `${given}, but gates.after is none`);
    if (gate === false && ask === "each")
      throw new PlanError(
        "plan.yaml",
        `migrations[${index}].gate`,
        `${given}, but a gate follows each migration. For a gate after some only, write gates: { after: marked }, and gate: true at those`,
      );
  }
  return new Set(
    migrations.filter(({ gate }) => ask === "each" || (ask === "marked" && gate)).map(({ folder }) => folder),
  );
}
