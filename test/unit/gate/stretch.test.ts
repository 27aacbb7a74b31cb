import { describe, expect, test } from "vitest";
import { consequences } from "../../../lambdas/gate/consequences.ts";
import { checklistOf } from "../../../lambdas/gate/task.ts";
import type { CompiledPlan } from "../../../lambdas/shared/plan.ts";
import type { RunSettings } from "../../../lambdas/shared/settings.ts";
import { planOf } from "../../support/plans.ts";

/** Five migrations, 101 to 105, each with one thing to tick; gates open after some of them. */
function asking(...versions: string[]): CompiledPlan {
  const plan = planOf(5);
  const migrations = plan.migrations.map((migration) => ({
    ...migration,
    checklist: [`{version} is looked at`],
    ...(versions.includes(migration.version) ? {} : { unasked: true as const }),
  }));
  return { ...plan, migrations };
}

const SETTINGS = { rehearse: "before", fence: "connect", alarms: [] } as unknown as RunSettings;
const go = (plan: CompiledPlan, kind: "rehearsal" | "after", version: string | null) =>
  consequences(kind, version, plan, SETTINGS).go;

describe("where no gate opens after some migrations", () => {
  test("their ticks are requested at the next gate", () => {
    const plan = asking("102", "104");
    expect(checklistOf(plan, "after", "102")).toEqual(["it is so", "101 is looked at", "102 is looked at"]);
    expect(checklistOf(plan, "after", "104")).toEqual(["it is so", "103 is looked at", "104 is looked at"]);
    expect(checklistOf(plan, "open", null)).toEqual(["it is so", "105 is looked at"]);
  });

  test("nothing is ticked twice if a gate opens after the last one", () => {
    expect(checklistOf(asking("105"), "open", null)).toEqual(["it is so"]);
  });

  test("everything is ticked before the opening if no gate opens between", () => {
    expect(checklistOf(asking(), "open", null)).toHaveLength(6);
    expect(checklistOf(asking(), "rehearsal", null)).toEqual(["it is so"]);
  });

  test("a Go shows how far it leads", () => {
    const plan = asking("102", "104");
    const many = /2 migrations, 101 \(.*\) to 102 \(.*\), are applied .* No gate opens in between/;
    expect(go(plan, "rehearsal", null)).toMatch(many);
    expect(go(plan, "after", "102")).toMatch(/^2 migrations, 103 \(.*\) to 104 /);
    expect(go(plan, "after", "104")).toMatch(
      /^Migration 105 \(.*\) is applied to production and validated\./,
    );
    expect(go(asking("105"), "after", "105")).toMatch(/^Data integrity/);
  });
});
