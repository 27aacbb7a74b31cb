import { describe, expect, test } from "vitest";
import {
  docName,
  type HookDoc,
  type ProofDoc,
  type StagingVerifiedDoc,
  type StepsDoc,
} from "../../lambdas/shared/documents.ts";
import { changedPlan, runPlan } from "../support/rehearsal.ts";

const SYNTAX_ERROR = (sql: string) => `${sql}\nSELEC 1;\n`;

describe("a run that succeeds", () => {
  test("rehearses every migration and its rollback before production is touched, then applies the same", async () => {
    const { end, states, evidence } = await runPlan({});
    expect(end.end).toBe("Succeeded");
    const firstOnProduction = states.indexOf("Apply 002 to production");
    for (const version of ["002", "003"])
      for (const state of [
        `Apply ${version} to staging`,
        `Validate ${version} on staging`,
        `Roll back ${version} on staging`,
        `Prove ${version} rolled back on staging`,
        `Apply ${version} to staging again`,
        `Validate ${version} on staging again`,
      ]) {
        expect(states).toContain(state);
        expect(states.indexOf(state)).toBeLessThan(firstOnProduction);
      }
    for (const version of ["002", "003"]) {
      expect(
        (await evidence.require(docName<StepsDoc>(`steps/production-${version}-1-migrate`))).steps,
      ).not.toHaveLength(0);
      expect((await evidence.require(docName<ProofDoc>(`proofs/staging-${version}`))).equal).toBe(true);
    }
    expect(await evidence.require(docName<StagingVerifiedDoc>("staging-verified"))).toMatchObject({
      equal: true,
      tables: 2,
      rows: "1001",
    });
    expect(await evidence.require(docName<HookDoc>("hooks/smoke"))).toMatchObject({
      results: [{ passed: true }],
    });
  });

  test("with the rehearsal inside the downtime, staging equals the record and one snapshot serves both", async () => {
    const { end, states, evidence } = await runPlan({ rehearse: "inside" });
    expect(end.end).toBe("Succeeded");
    expect(states.indexOf("Fence production")).toBeLessThan(states.indexOf("Restore staging"));
    expect(states).not.toContain("Snapshot production");
    expect(await evidence.list("snapshots/")).toEqual(["snapshots/final"]);
    expect(await evidence.require(docName<StagingVerifiedDoc>("staging-verified"))).toMatchObject({
      equal: true,
    });
  });

  test("reads every metric of the plan once on staging and once on production, and schedules nothing where nobody stays", async () => {
    const { states, evidence, end } = await runPlan({});
    expect(states.indexOf("Rehearse the watch")).toBeLessThan(states.indexOf("Fence production"));
    expect(states.indexOf("Take the watch's first reading")).toBeGreaterThan(
      states.indexOf("Run the post-migration tasks"),
    );
    expect(await evidence.list("watch/")).toHaveLength(1);
    const { watch, reminders } = end.report;
    expect(watch).toMatchObject({ readings: 1, schedule: null });
    expect(watch?.metrics.map(({ standing }) => standing)).toEqual([
      ...["target", "target", "target", "target", "unknown"],
    ]);
    expect(reminders.every(({ by }) => by !== null)).toBe(true);
  });

  test("leaves nothing behind: no staging, no fence, no lease", async () => {
    const { end, evidence } = await runPlan({ fence: "none" });
    expect(end).toMatchObject({ end: "Succeeded", leftBehind: [] });
    for (const done of ["staging-deleted", "fence-lifted", "alarms-on"])
      expect(await evidence.read(docName(done))).toBeDefined();
  });
});

describe("a watch that fails", () => {
  const BROKEN = async () =>
    await changedPlan({ "baseline/count.sql": (sql) => sql.replace("FROM note", "FROM nowhere") });

  test("on staging ends Refused: what is watched must be there to be read", async () => {
    const { end, states } = await runPlan({ plan: await BROKEN() });
    expect(end.end).toBe("Refused");
    expect(end.cause).toContain("Notes");
    expect(states).not.toContain("Fence production");
  });
});

describe("a No-Go", () => {
  test.each(["readiness", "rehearsal"])(
    "at %s ends Refused, and production was not touched",
    async (gate) => {
      const { end, states } = await runPlan({ noGo: [gate] });
      expect(end.end).toBe("Refused");
      expect(end.cause).toContain("the test wants it");
      expect(end.cause).toContain("Production was not touched");
      expect(states).not.toContain("Fence production");
      expect(states.some((state) => state.endsWith("to production"))).toBe(false);
    },
  );

  test.each(["after-002", "open"])(
    "at %s ends RolledBack, with fingerprint and every checksum equal",
    async (gate) => {
      const { end, evidence } = await runPlan({ noGo: [gate] });
      expect(end.end).toBe("RolledBack");
      const proof = await evidence.require(docName<ProofDoc>("proofs/production-rolled-back"));
      expect(proof.equal).toBe(true);
      expect(proof.fingerprintAfter).toBe(proof.fingerprintBefore);
      expect(proof.tablesAfter).toEqual(proof.tablesBefore);
      expect(proof.tablesBefore?.map(({ table }) => table)).toEqual(["public.note", "public.versions"]);
    },
  );
});

describe("what is broken is found on staging, and production is not touched", () => {
  test("a statement that is no SQL, with file, line and the server's words", async () => {
    const plan = await changedPlan({ "003_labels/migrate.sql": SYNTAX_ERROR });
    const { end, states } = await runPlan({ plan });
    expect(end.end).toBe("Refused");
    expect(end.cause).toContain("003_labels/migrate.sql:6");
    expect(end.cause).toContain('syntax error at or near "SELEC"');
    expect(states).not.toContain("Fence production");
  });

  test("a statement that fails, with file, line, statement and the server's words", async () => {
    const plan = await changedPlan({
      "003_labels/migrate.sql": (sql) => `${sql}\nALTER TABLE\n  nowhere ADD COLUMN x int;\n`,
    });
    const { end } = await runPlan({ plan });
    expect(end.end).toBe("Refused");
    expect(end.cause).toContain("003_labels/migrate.sql:6");
    expect(end.cause).toContain("ALTER TABLE");
    expect(end.cause).toContain('relation "nowhere" does not exist');
  });

  test("a check that fails, with what was expected and what was seen", async () => {
    const plan = await changedPlan({
      "002_notes/validate.sql": (sql) => sql.replace("count(*) = 0", "count(*) = 7"),
    });
    const { end } = await runPlan({ plan });
    expect(end.end).toBe("Refused");
    expect(end.cause).toContain("every note has an author");
    expect(end.cause).toContain("002_notes/validate.sql:1");
  });

  test("a rollback that leaves a function behind, by the function's name", async () => {
    const plan = await changedPlan({
      "003_labels/rollback.sql": (sql) =>
        sql
          .replace(/DROP FUNCTION.*\n/, "")
          .replace("DROP TABLE IF EXISTS label;", "DROP TABLE IF EXISTS label;"),
    });
    const { end } = await runPlan({ plan });
    expect(end.end).toBe("Refused");
    expect(end.cause).toContain("labels_of");
  });

  test("a post-migration task that fails", async () => {
    const plan = await changedPlan({
      "plan.yaml": (yaml) => yaml.replace("sql: ANALYZE note", "sql: ANALYZE nowhere"),
    });
    const { end, states } = await runPlan({ plan });
    expect(end.end).toBe("Refused");
    expect(end.cause).toContain('relation "nowhere" does not exist');
    expect(states).not.toContain("Fence production");
  });
});
