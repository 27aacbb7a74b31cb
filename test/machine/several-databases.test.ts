import { beforeAll, describe, expect, test } from "vitest";
import { Doc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { synthesize } from "../../local/synthesize.ts";
import { PRODUCTION } from "../support/matrix/environment.ts";
import { StandInEnvironment } from "../support/matrix/stand-in-environment.ts";
import { ANOTHER, BACKUP, type Ground, RUN, walk } from "../support/matrix/walk.ts";
import { TINY_PLAN } from "../support/rehearsal.ts";

// All walks of the failure matrix use a deployment of two databases, too: a task that uses a database before the run has
// its own fails there.

let ground: Ground;
beforeAll(async () => {
  const plan = await compilePlan(TINY_PLAN);
  const definition = await synthesize(plan, { rehearse: "before", backup: BACKUP });
  ground = { definition, plan, rehearse: "before" };
});

// With a name: without one a Go for production takes two people.
const walked = (input: object) =>
  walk(
    { ...ground, input: { startedBy: "the starter", ...input } },
    { environment: new StandInEnvironment() },
    [],
  );

describe("an execution on a deployment of several databases", () => {
  test.each([
    ["names none", {}],
    ["names one that there is not", { database: "nowhere" }],
    ["names one by what both have", { database: "postgres" }],
  ])(
    "that %s ends Refused with those that there are, and holds nothing that is not given back",
    async (_, input) => {
      const { end, cause, exchanges, outcome, evidence } = await walked(input);
      expect(end).toBe("Refused");
      for (const instance of [PRODUCTION, ANOTHER]) expect(cause).toContain(`${instance}/postgres`);
      const failed = exchanges.filter(({ error }) => error !== undefined).map(({ state }) => state);
      expect(new Set(failed)).toEqual(new Set(["Admit the run"]));
      expect(outcome?.leftBehind).toEqual([]);
      for (const instance of [PRODUCTION, ANOTHER])
        expect((await evidence.readLease(instance))?.holder ?? null).toBeNull();
    },
  );

  test("that names one goes to its end on that one, and gives its lease back", async () => {
    const { end, evidence } = await walked({ database: PRODUCTION });
    expect(end).toBe("Succeeded");
    const request = await evidenceOf(evidence, RUN).require(Doc.request);
    expect(request).toMatchObject({ instance: PRODUCTION, settings: { label: PRODUCTION } });
    expect(await evidence.readLease(PRODUCTION)).toMatchObject({ holder: null });
    expect(await evidence.readLease(ANOTHER)).toBeUndefined();
  });
});
