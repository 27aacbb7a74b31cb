import type { GivenPlan } from "./folder.ts";
import { PlanError } from "./plan-error.ts";

/** With more migrations than these, nobody is asked after each of them unless the plan says so. */
const MOST_ASKED_AFTER_EACH = 5;

/**
 * The folders of the migrations after which people are asked.
 * @throws PlanError where a migration says otherwise than `gates.after`
 */
export function askedAfter({
  gates,
  migrations,
}: Pick<GivenPlan, "gates" | "migrations">): ReadonlySet<string> {
  const ask = gates.after.ask ?? (migrations.length <= MOST_ASKED_AFTER_EACH ? "each" : "marked");
  for (const [index, { folder, gate }] of migrations.entries()) {
    const says = `${folder} says gate: ${gate}`;
    if (gate === true && ask === "none")
      throw new PlanError("plan.yaml", `migrations[${index}].gate`, `${says}, and gates.after says none`);
    if (gate === false && ask === "each")
      throw new PlanError(
        "plan.yaml",
        `migrations[${index}].gate`,
        `${says}, and people are asked after each migration. To ask after some only, write gates: { after: marked }, and gate: true at those`,
      );
  }
  return new Set(
    migrations.filter(({ gate }) => ask === "each" || (ask === "marked" && gate)).map(({ folder }) => folder),
  );
}
