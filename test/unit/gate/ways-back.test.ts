import { describe, expect, test } from "vitest";
import { consequences, waysBackFor } from "../../../lambdas/gate/consequences.ts";
import { inspectDeployment } from "../../../lambdas/preflight/inspect-deployment.ts";
import { Doc, docName, type ProductionDoc } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import type { GateKind } from "../../../lambdas/shared/gates.ts";
import { type CompiledPlan, RESTORE } from "../../../lambdas/shared/plan.ts";
import type { RunSettings } from "../../../lambdas/shared/settings.ts";
import { planOf } from "../../support/plans.ts";
import { MemoryEvidence, memoryPorts } from "../../support/ports.ts";

const LABEL = "enum public.state: label: archived";

/** Three migrations, 101 to 103: the first leaves a label, the second has no rollback. */
function plan(more: Partial<CompiledPlan> = {}): CompiledPlan {
  const three = planOf(3);
  return {
    ...three,
    migrations: three.migrations.map((migration, index) => ({
      ...migration,
      ...(index === 0 ? { leaves: [LABEL] } : {}),
      ...(index === 1 ? { rollback: RESTORE } : {}),
    })),
    ...more,
  };
}

const SETTINGS = { rehearse: "before", fence: "connect", alarms: [] } as unknown as RunSettings;
const without: RunSettings = { ...SETTINGS, restore: false };

const GATES: readonly GateKind[] = ["readiness", "rehearsal", "after", "open", "keep", "restore"];

describe("before a Go, each gate shows", () => {
  const said = async (kind: GateKind, settings: RunSettings, measured: boolean) => {
    const evidence = evidenceOf(new MemoryEvidence(), "run");
    if (measured) await evidence.createOnce(docName(Doc.wayBack), { restore: { seconds: 1500, parts: [] } });
    return await waysBackFor(kind, plan(), settings, evidence);
  };

  test.each(GATES)(
    "where on the way back the restore begins, how long it takes, and what it loses: %s",
    async (kind) => {
      expect((await said(kind, SETTINGS, true))[0]).toBe(
        "From 102 on the way back is the restore, about 25 min. It loses what is written after the opening.",
      );
    },
  );

  test("that this is not measured yet", async () => {
    expect((await said("readiness", SETTINGS, false))[0]).toContain("and the rehearsal will time it");
  });

  test("that without a fence everything written after the snapshot is lost", async () => {
    expect((await said("rehearsal", { ...SETTINGS, fence: "none" }, true))[0]).toContain(
      "It loses what is written after the final snapshot.",
    );
  });

  test("that there is no way back if a restore is not allowed", async () => {
    expect((await said("open", without, true))[0]).toMatch(/^From 102 on there is no way back/);
  });

  test("what a rollback leaves, except at the gate for the restore, which leaves nothing", async () => {
    expect((await said("rehearsal", SETTINGS, true))[1]).toBe(`The rollback of 101 leaves ${LABEL}.`);
    expect(await said("restore", SETTINGS, true)).toHaveLength(1);
  });

  test("nothing if each migration has a rollback that leaves nothing", async () => {
    const evidence = evidenceOf(new MemoryEvidence(), "run");
    for (const kind of GATES) expect(await waysBackFor(kind, planOf(3), SETTINGS, evidence)).toEqual([]);
  });
});

describe("a No-Go shows what it leads to:", () => {
  const noGo = (kind: GateKind, version: string | null, settings = SETTINGS) =>
    consequences(kind, version, plan(), settings).noGo;

  test("rollbacks, except for what they leave, before any migration without one has begun", () => {
    expect(noGo("after", "101")).toBe(
      `101 is rolled back, production is proven equal to the record, except ${LABEL}, the application's roles are let into the database again, and the run ends as RolledBack.`,
    );
  });

  test("the gate for the restore from there on", () => {
    for (const [kind, version] of [
      ["after", "102"],
      ["after", "103"],
      ["open", null],
    ] as const)
      expect(noGo(kind, version)).toBe(
        "102 has no rollback: what a restore would lose is counted, and a gate opens for the restore of the final snapshot. After that restore the run ends as Restored.",
      );
    expect(noGo("keep", null)).toContain("A restore loses everything written since the opening.");
  });

  test("nothing if a restore is not allowed", () => {
    expect(noGo("open", null, without)).toMatch(/production stays as it is, the run ends as NeedsOperator/);
  });
});

test("a Go at the opening shows that going back would lose everything written after it", () => {
  expect(consequences("open", null, plan(), SETTINGS).go).toContain(
    "After that the way back is the restore, which loses everything written since.",
  );
});

describe("preflight", () => {
  const checks = async (settings: Partial<RunSettings>, more: Partial<CompiledPlan> = {}) => {
    const ports = { ...memoryPorts(), plan: plan(more) };
    const production: Partial<ProductionDoc> = { freeBytes: null };
    const found = await inspectDeployment(
      { ...ports, settings: { ...ports.settings, ...settings } },
      production as ProductionDoc,
    );
    return found.filter(({ name }) => name === "a way back");
  };

  test("refuses a plan whose way back is a restore that is not allowed, and names what helps", async () => {
    expect(await checks({ restore: false })).toEqual([
      {
        name: "a way back",
        passed: false,
        expected: "a way back from each migration",
        seen: expect.stringMatching(/^the way back of 102_.* is the restore, and restores are off here/),
        mend: expect.stringMatching(/rollback\.sql.*Keep what you drop.*acceptNoWayBack: true/),
      },
    ]);
  });

  test("notes it if the plan accepts it, and reports nothing if a restore is allowed", async () => {
    expect(await checks({ restore: false }, { acceptNoWayBack: true })).toMatchObject([{ passed: null }]);
    expect(await checks({})).toEqual([]);
  });
});
