import { beforeEach, describe, expect, test } from "vitest";
import { confirmGate } from "../../../lambdas/gate/confirm.ts";
import { openGate } from "../../../lambdas/gate/task.ts";
import { flawsWithin } from "../../../lambdas/gate/wave-answer.ts";
import {
  Doc,
  docName,
  type GateDecisionDoc,
  type GateDoc,
  type RequestDoc,
} from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import type { MomentState } from "../../../lambdas/shared/ports.ts";
import { rolloutRun } from "../../../lambdas/shared/rollout-documents.ts";
import { ofItsDatabase } from "../../../lambdas/shared/settings.ts";
import { Catalog, linkOf } from "../gate/scene.ts";
import { ROLLOUT, RolloutScene } from "./rollout-scene.ts";

const MINUTES = 60;

let instances: RolloutScene;
/** One end per database, by its place. */
let catalogs: Catalog[];

/** The first wave's database was migrated, with a person's Go at its rehearsal gate, and people said Go to the second. */
beforeEach(() => canaryWith(async () => undefined));

/** @param found puts into its evidence what was found about it */
async function canaryWith(found: (canary: string) => Promise<void>): Promise<void> {
  instances = new RolloutScene(4);
  catalogs = Array.from({ length: 4 }, () => new Catalog());
  await instances.admit({ waves: [1, "rest"] });
  await instances.next();
  const canary = await started(1, 0);
  await checked(canary, true);
  await found(canary);
  expect(await ask(canary, 0)).toBe("people");
  await answer("Go", "tenant-0/app0");
  expect(await confirm(canary, 0)).toEqual({ decision: "Go" });
  await instances.finish(canary, "Succeeded");
  await instances.end(1, 0);
  await instances.next(1);
  await instances.decide("start", 2, "Go");
}

describe("a run's gate is answered by the Go for its wave", () => {
  test("if the database equals one that people approved: with their names, and with what matched", async () => {
    const run = await started(2, 1);
    await checked(run, true);
    expect(await ask(run, 1)).toBe("the wave");
    expect(await decisionOf(run)).toMatchObject({
      decision: "Go",
      by: "Grace Hopper",
      comment: expect.stringContaining(
        "Answered by the Go for wave 2 of rollout spring (gate start-2, attempt 1)",
      ),
      byWave: {
        rollout: ROLLOUT,
        wave: 2,
        gate: "start-2",
        attempt: 1,
        likeness: expect.stringMatching(/^\w{64}$/),
      },
    });
    expect(await confirm(run, 1)).toEqual({ decision: "Go" });
  });

  test("not if its catalog differs: its own gate opens, and shows why", async () => {
    const run = await started(2, 1);
    await checked(run, true);
    catalogs[1]?.objects.push({ kind: "table", name: "public.own", definition: "one column" });
    expect(await ask(run, 1)).toBe("people");
    expect((await gateOf(run)).warnings).toEqual([
      expect.stringContaining("This database differs from every one"),
    ]);
  });

  test("not if a check fails that passed for the approved one", async () => {
    const run = await started(2, 1);
    await checked(run, false);
    expect(await ask(run, 1)).toBe("people");
  });

  test.each(["pending", "available"] as const)(
    "also while the backups that reached the moment of the approved one are %s for its own",
    async (status) => {
      await canaryWith((canary) => backsUp(canary, { status: "available", statusText: "reached" }));
      const run = await started(2, 1);
      await checked(run, true);
      await backsUp(run, { status, statusText: "so far" });
      expect(await ask(run, 1)).toBe("the wave");
      expect(await confirm(run, 1)).toEqual({ decision: "Go" });
    },
  );

  test.each(["orders", "reports.cluster-custom-1.eu-central-1", "arn:aws:rds:eu-central-1:1:db:orders"])(
    "also if what surrounds it has other names: %s",
    async (name) => {
      await canaryWith((canary) => withReplicas(canary, ["tenant-0-reports"]));
      const run = await started(2, 1);
      await checked(run, true);
      await withReplicas(run, [name]);
      expect(await ask(run, 1)).toBe("the wave");
    },
  );

  test("also if RDS was still working on the storage of its staging", async () => {
    const run = await started(2, 1);
    await checked(run, true);
    await evidenceOf(instances.ports.evidence, run).createOnce(docName("staging"), {
      storage: { doing: "Initializing", percent: 12 },
    });
    expect(await ask(run, 1)).toBe("the wave");
  });

  test("not if it has more replicas than the approved one", async () => {
    await canaryWith((canary) => withReplicas(canary, ["tenant-0-reports"]));
    const run = await started(2, 1);
    await checked(run, true);
    await withReplicas(run, ["tenant-1-reports", "tenant-1-search"]);
    expect(await ask(run, 1)).toBe("people");
  });

  test("not if it can never be restored to its moment", async () => {
    await canaryWith((canary) => backsUp(canary, { status: "available", statusText: "reached" }));
    const run = await started(2, 1);
    await checked(run, true);
    await backsUp(run, { status: "failed", statusText: "backups are off" });
    expect(await ask(run, 1)).toBe("people");
  });

  test("not if production was changed between the answer and its effect", async () => {
    const run = await started(2, 1);
    await checked(run, true);
    expect(await ask(run, 1)).toBe("the wave");
    catalogs[1]?.objects.push({ kind: "table", name: "public.own", definition: "one column" });
    expect(await confirm(run, 1)).toMatchObject({ decision: "Ask" });
  });
});

describe("a folder of evidence alone shows whether a wave's answer is the run's own", () => {
  const of = { gate: "rehearsal", attempt: 1, kind: "rehearsal" } as const;
  const answered = async () => {
    const run = await started(2, 1);
    await checked(run, true);
    await ask(run, 1);
    const { byWave } = (await decisionOf(run)) ?? {};
    if (!byWave) throw new Error("The wave did not answer");
    return { byWave, evidence: evidenceOf(instances.ports.evidence, run) };
  };

  test("it is, as the run wrote it", async () => {
    const { byWave, evidence } = await answered();
    expect(await flawsWithin(of, byWave, evidence)).toEqual([]);
  });

  test("it is not, with another digest of what was compared", async () => {
    const { byWave, evidence } = await answered();
    expect(await flawsWithin(of, { ...byWave, likeness: "0".repeat(64) }, evidence)).toHaveLength(1);
    expect(await flawsWithin(of, { ...byWave, likeness: null }, evidence)).toHaveLength(1);
  });

  test.each([{ wave: 3 }, { rollout: "autumn" }])("it is not, with %j", async (other) => {
    const { byWave, evidence } = await answered();
    expect(await flawsWithin(of, { ...byWave, ...other }, evidence)).toHaveLength(1);
  });
});

describe("no decision on a wave answers the gate of a run that the rollout did not start", () => {
  const forged = async (
    change: (request: RequestDoc) => Partial<RequestDoc>,
    run = rolloutRun(ROLLOUT, 2, 1),
  ) => {
    const real = rolloutRun(ROLLOUT, 2, 1);
    const begun = await instances.begin(2, 1);
    expect(begun.name).toBe(real);
    const request: RequestDoc = {
      run,
      execution: instances.executionOf(run),
      startedAt: "2026-11-03T02:00:00.000Z",
      plan: { name: "tiny", title: "A tiny plan", checksum: instances.ports.plan.checksum },
      instance: "tenant-1",
      database: "app1",
      rehearse: "before",
      fence: "connect",
      rollout: { name: ROLLOUT, wave: 2, index: 1, held: true },
    };
    await evidenceOf(instances.ports.evidence, run).createOnce(Doc.request, {
      ...request,
      ...change(request),
    });
    await checked(run, true);
    return run;
  };

  test.each<[string, (request: RequestDoc) => Partial<RequestDoc>]>([
    ["without a rollout in its request", () => ({ rollout: undefined })],
    ["of another database", () => ({ instance: "tenant-3", database: "app3" })],
    ["of another plan", () => ({ plan: { name: "other", title: "Other", checksum: "f".repeat(64) } })],
    ["by another execution", () => ({ execution: "arn:aws:states:eu-central-1:1:execution:Other:spring" })],
    ["with the index of another", ({ rollout }) => ({ rollout: rollout && { ...rollout, index: 2 } })],
    ["of a future wave", ({ rollout }) => ({ rollout: rollout && { ...rollout, wave: 3 } })],
    ["of a missing rollout", ({ rollout }) => ({ rollout: rollout && { ...rollout, name: "none" } })],
  ])("%s", async (_, change) => {
    const run = await forged(change);
    expect(await ask(run, 1)).toBe("people");
  });

  test("nor one with that name's place in its input and a name of its own", async () => {
    expect(await ask(await forged(() => ({}), "mine"), 1)).toBe("people");
  });

  test("and a decision in the wave's name is forged if the wave did not take it", async () => {
    const run = await forged(({ rollout }) => ({ rollout: rollout && { ...rollout, index: 2 } }));
    expect(await ask(run, 1)).toBe("people");
    const { gate, attempt, checklist } = await gateOf(run);
    await evidenceOf(instances.ports.evidence, run).createOnce(Doc.gateDecision(gate, attempt), {
      gate,
      attempt,
      decision: "Go",
      by: "Grace Hopper",
      comment: "",
      at: instances.ports.clock.now().toISOString(),
      from: "",
      ticked: checklist,
      shown: "",
      byWave: { rollout: ROLLOUT, wave: 2, gate: "start-2", attempt: 1, likeness: "0".repeat(64) },
    });
    await expect(confirm(run, 1)).rejects.toMatchObject({ name: "DecisionForged" });
  });

  test("nor is any answered if the list of the wave was changed after people said Go", async () => {
    const run = await started(2, 1);
    await checked(run, true);
    const key = `runs/${ROLLOUT}/waves/2/items.json`;
    instances.ports.evidence.files.set(key, `${instances.ports.evidence.files.get(key)} `);
    expect(await ask(run, 1)).toBe("people");
  });
});

describe("a run that is held", () => {
  const held = async (index: number) => {
    const run = await started(2, index);
    const evidence = evidenceOf(instances.ports.evidence, run);
    await evidence.createOnce(Doc.hook("smoke"), {
      at: "2026-11-03T02:00:00.000Z",
      name: "smoke",
      results: [],
    });
    expect(await ask(run, index, "keep")).toBe("nobody");
    return run;
  };

  test("waits until people decide on its wave, and goes back with it", async () => {
    const runs = [await held(1), await held(2)];
    await instances.runs(2, 3, "Refused");
    expect(await instances.do("look", { wave: 2 })).toMatchObject({ ask: "yes" });
    expect(await instances.decide("keep", 2, "NoGo")).toMatchObject({ confirmed: { decision: "NoGo" } });
    await instances.do("release", { wave: 2 });
    for (const [at, run] of runs.entries()) {
      expect(await decisionOf(run, "keep")).toMatchObject({ decision: "NoGo", by: "Grace Hopper" });
      expect(await confirm(run, at + 1, "keep")).toEqual({ decision: "NoGo" });
    }
    expect(
      instances.ports.callbacks.calls.filter(({ token }) => token.startsWith("token of spring-w2")),
    ).toHaveLength(2);
    expect(await instances.next(2)).toMatchObject({ next: "done" });
  });

  test("stays if nobody decides on its wave: only a person rolls it back", async () => {
    const run = await held(1);
    const until = new Date(instances.ports.clock.now().getTime() + 3600_000).toISOString();
    await instances.do("open", { gate: "keep", wave: 2, token: "token", escalation: "yes", until });
    const unanswered = { escalation: "yes", unanswered: { Error: "States.Timeout" } };
    expect(await instances.do("confirm", { gate: "keep", wave: 2, answer: unanswered })).toEqual({
      decision: "NoGo",
    });
    await instances.do("release", { wave: 2 });
    expect(await decisionOf(run, "keep")).toMatchObject({ decision: "Go", by: "Sluice" });
    expect(await confirm(run, 1, "keep")).toEqual({ decision: "Go" });
  });

  test("opens its own gate if its smoke tests failed", async () => {
    const run = await started(2, 1);
    await evidenceOf(instances.ports.evidence, run).createOnce(Doc.hook("smoke"), {
      at: "2026-11-03T02:00:00.000Z",
      name: "smoke",
      results: [{ title: "Notes", passed: false, expected: "200", seen: "500" }],
    });
    expect(await ask(run, 1, "keep")).toBe("people");
    expect(await instances.do("look", { wave: 2 })).toMatchObject({ status: "running" });
  });
});

async function started(wave: number, index: number): Promise<string> {
  const begun = await instances.begin(wave, index);
  await instances.start(begun);
  return String(begun.name);
}

/** What the rehearsal of that run showed. */
async function checked(run: string, passed: boolean): Promise<void> {
  await evidenceOf(instances.ports.evidence, run).createOnce(docName("checks/staging-002-1"), {
    at: "2026-11-03T02:00:00.000Z",
    target: "staging",
    version: "002",
    seconds: 1,
    results: [{ name: "a check", at: "validate.sql:1", as: null, passed, expected: "1", seen: "1" }],
  });
}

/** What RDS reports about that run's production, which has these replicas. */
async function withReplicas(run: string, names: readonly string[]): Promise<void> {
  const forGates = [`After a restore the read replicas stay: ${names.join(", ")}. Create new ones then.`];
  const findings = { refusals: [], checks: [], forGates, names, leavesOut: [], afterRestore: [] };
  await evidenceOf(instances.ports.evidence, run).createOnce(docName("production"), { findings });
}

/** How far the backups of that run's production reached when they were last looked at. */
async function backsUp(run: string, state: MomentState): Promise<void> {
  const evidence = evidenceOf(instances.ports.evidence, run);
  const at = "2026-11-03T02:00:00.000Z";
  await evidence.createOnce(docName("production"), { at, moments: { by: "log", baseAt: null } });
  await evidence.createOnce(docName("moments/final"), { at, moment: { at } });
  await evidence.createOnce(docName("moments/seen-1"), { at, state });
}

type Kind = "rehearsal" | "keep";

const environmentOf = async (run: string) => {
  const evidence = evidenceOf(instances.ports.evidence, run);
  return { evidence, ports: ofItsDatabase(instances.ports, await evidence.read(Doc.request)) };
};

/** Opens a gate of a run. @returns the recipients */
async function ask(
  run: string,
  index: number,
  kind: Kind = "rehearsal",
): Promise<"people" | "the wave" | "nobody"> {
  const { evidence, ports } = await environmentOf(run);
  const before = instances.ports.notices.length;
  const until = new Date(instances.ports.clock.now().getTime() + MINUTES * 60_000).toISOString();
  const event = { gate: kind, kind, version: null, token: `token of ${run}`, escalation: false, until };
  try {
    await openGate(event, ports, evidence, catalogs[index]?.read);
  } catch (error) {
    if ((error as Error).name === "AnsweredByWave") return "the wave";
    throw error;
  }
  return instances.ports.notices.length > before ? "people" : "nobody";
}

async function answer(decision: "Go", instance: string): Promise<void> {
  const { path, key } = linkOf(instances.ports);
  const page = await instances.scene.answerAs(path, key, { decision, by: "Grace Hopper", instance });
  expect(page.status).toBe(200);
}

async function confirm(run: string, index: number, kind: Kind = "rehearsal") {
  const { evidence, ports } = await environmentOf(run);
  const event = { gate: kind, kind, minutes: MINUTES, heard: "Go" } as const;
  return confirmGate(event, ports, evidence, catalogs[index]?.read);
}

async function gateOf(run: string, kind: Kind = "rehearsal"): Promise<GateDoc> {
  return await evidenceOf(instances.ports.evidence, run).require(Doc.gate(kind, 1));
}

async function decisionOf(run: string, kind: Kind = "rehearsal"): Promise<GateDecisionDoc | undefined> {
  return await evidenceOf(instances.ports.evidence, run).read(Doc.gateDecision(kind, 1));
}
