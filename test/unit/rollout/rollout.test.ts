import { describe, expect, test } from "vitest";
import { docName } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import { ROLLOUT, RolloutScene } from "./rollout-scene.ts";

describe("a rollout is refused", () => {
  test.each([
    [
      { databases: ["tenant-0/app0", "nowhere", "tenant-0/app0"] },
      /no database "nowhere".*tenant-0\/app0 is in the list twice/s,
    ],
    [{ databases: ["tenant-0/app0", "app0"] }, /tenant-0\/app0 and app0 are the same database/],
    [{ databases: "orders-*" }, /No database of this deployment matches "orders-\*"/],
    [{ databases: "s3://bucket/runs/secret.json" }, /under lists\//],
    [{ databases: "s3://bucket/lists/none.json" }, /There is no list at s3:\/\/bucket\/lists\/none.json/],
    [{ waves: [1, 1] }, /leave out 1 of 3 databases/],
    [{ waves: ["a tenth"] }, /"a tenth" is none of/],
    [{ wave: 1 }, /not understood/],
    [{ startedBy: "-" }, /not understood/],
  ])("%j", async (input, why) => {
    const instances = new RolloutScene(3);
    await expect(instances.admit(input)).rejects.toThrow(why);
    // It leaves nothing that another start would continue.
    expect(await instances.evidence.read(docName("rollout"))).toBeUndefined();
  });

  test("whose name is a run's", async () => {
    const instances = new RolloutScene(1);
    await instances.evidence.createOnce(docName("request"), { run: ROLLOUT, execution: "a run" });
    await expect(instances.admit()).rejects.toThrow("A run is called spring");
  });

  test("that differs from the earlier one of its name, and the message shows how", async () => {
    const instances = new RolloutScene(3);
    await instances.admit();
    instances.execution = "start-2";
    await expect(instances.admit({ databases: ["app1"], waves: ["rest"], tolerated: 2 })).rejects.toThrow(
      /other databases \(3\); its waves is \[1,"10 %","rest"\]; its tolerated is 0/,
    );
  });

  test("while an earlier start is under way: two would decide about the same waves", async () => {
    const instances = new RolloutScene(3);
    await instances.admit();
    instances.running.add("start-1");
    instances.execution = "start-2";
    await expect(instances.admit()).rejects.toThrow("is under way, as start-1");
    instances.running.delete("start-1");
    expect(await instances.admit()).toMatchObject({ name: ROLLOUT });
  });
});

describe("the list of databases", () => {
  test("may be a file in the bucket's lists", async () => {
    const instances = new RolloutScene(3);
    await instances.ports.evidence.create("lists/two.json", '["app2", "tenant-0"]');
    await instances.admit({ databases: "s3://bucket/lists/two.json" });
    expect(await instances.evidence.require(docName("databases"))).toEqual({
      databases: [
        { name: "tenant-2/app2", instance: "tenant-2" },
        { name: "tenant-0/app0", instance: "tenant-0" },
      ],
    });
  });
});

describe("a wave", () => {
  test("starts no further run once more failed than is tolerated; its gate opens, and then the others are next", async () => {
    const instances = new RolloutScene(5);
    await instances.admit({ waves: ["rest"], tolerated: 1 });
    expect(await instances.next()).toMatchObject({ next: "run", number: 1 });
    await instances.runs(1, 0, "Refused");
    expect(await instances.runs(1, 1, "RolledBack")).toMatchObject({ start: "yes" });
    expect(await instances.runs(1, 2, "Succeeded")).toMatchObject({ start: "no" });
    expect(await instances.runs(1, 3, "Succeeded")).toMatchObject({ start: "no" });
    await instances.begin(1, 4);
    expect(await instances.do("look", { wave: 1 })).toMatchObject({ status: "done", ask: "no" });
    expect(await instances.next(1)).toMatchObject({ next: "ask", number: 2 });
    const items = JSON.parse((await instances.evidence.readFile("waves/2/items.json")) ?? "");
    expect(items.map(({ index }: { index: number }) => index)).toEqual([2, 3, 4]);
    expect(await instances.decide("start", 2, "Go")).toMatchObject({ confirmed: { decision: "Go" } });
    for (const index of [2, 3, 4]) await instances.runs(2, index, "Succeeded");
    // A database that failed in this start is not retried automatically.
    expect(await instances.next(2)).toMatchObject({ next: "done" });
    const answer = await instances.do("report", { failure: { Error: "", Cause: "" } });
    expect(answer).toMatchObject({ name: "Incomplete" });
    expect(answer.cause).toContain(
      "3 of 5 databases are migrated. Ended otherwise: tenant-0/app0 Refused, tenant-1/app1 RolledBack",
    );
    expect(await instances.evidence.readFile("rollout.html")).toContain(
      'href="../spring-w2-00004/report.html"',
    );
  });

  test("runs the databases of one instance one after the other, and is then not held", async () => {
    const instances = new RolloutScene(3, ["one", "one", "other"]);
    await instances.admit({ databases: "*", waves: ["rest"] });
    expect(await instances.next()).toMatchObject({ held: "no" });
    const first = await instances.begin(1, 0);
    await instances.start(first);
    expect(await instances.begin(1, 1)).toMatchObject({ status: "running", start: "no" });
    expect(await instances.begin(1, 2)).toMatchObject({ start: "yes" });
    await instances.finish(String(first.name), "Succeeded");
    expect(await instances.begin(1, 1)).toMatchObject({ start: "yes" });
  });

  test("that is larger than the number of parallel runs is not held, and its gate shows so first", async () => {
    const instances = new RolloutScene(4);
    await instances.admit({ waves: [1, "rest"], atATime: 2 });
    expect(await instances.next()).toMatchObject({ held: "yes" });
    await instances.runs(1, 0, "Succeeded");
    expect(await instances.next(1)).toMatchObject({ next: "ask", held: "no" });
    await instances.decide("start", 2, "NoGo");
    expect(await instances.evidence.require(docName("gates/start-2-1/request"))).toMatchObject({
      warnings: [expect.stringContaining("it has 3 databases, and 2 are under way at a time")],
    });
  });
});

describe("a rollout that was killed and is started again", () => {
  const killed = async () => {
    const instances = new RolloutScene(3);
    await instances.admit({ waves: ["rest"] });
    await instances.next();
    await instances.runs(1, 0, "Succeeded");
    await instances.start(await instances.begin(1, 1));
    instances.execution = "start-2";
    await instances.admit({ waves: ["rest"] });
    return instances;
  };

  test("continues with the wave that was under way, follows the run that is, and starts no database twice", async () => {
    const instances = await killed();
    expect(await instances.next()).toMatchObject({ next: "run", number: 1 });
    expect(await instances.begin(1, 0)).toMatchObject({ start: "no" });
    expect(await instances.begin(1, 1)).toMatchObject({ start: "follow", name: "spring-w1-00001" });
    expect(await instances.end(1, 1)).toMatchObject({ status: "running" });
    expect(await instances.runs(1, 2, "Succeeded")).toMatchObject({ start: "yes" });
    await instances.finish("spring-w1-00001", "Succeeded");
    await instances.end(1, 1);
    expect(await instances.next(1)).toMatchObject({ next: "done" });
    expect(await instances.do("report", { failure: { Error: "", Cause: "" } })).toMatchObject({
      name: "Succeeded",
    });
    expect(await instances.evidence.readFile("rollout-2.html")).toContain("Succeeded (3)");
  });

  test("starts the run whose name was noted, if the start itself was lost", async () => {
    const instances = new RolloutScene(1);
    await instances.admit({ waves: ["rest"] });
    await instances.next();
    const lost = await instances.begin(1, 0);
    expect(await instances.begin(1, 0)).toEqual(lost);
    instances.ports.clock.pass(3_700_000);
    expect(await instances.end(1, 0)).toMatchObject({ status: "done" });
    expect(await instances.evidence.list("ends/1/")).toEqual(["ends/1/00000-NotStarted"]);
  });

  test("continues if a database does not answer at all: it is left out, and comes with the next wave", async () => {
    const instances = new RolloutScene(2);
    await instances.admit({ waves: ["rest"] });
    await instances.next();
    await instances.runs(1, 0, "Succeeded");
    expect(await instances.end(1, 1)).toEqual({ status: "done" });
    expect(await instances.do("look", { wave: 1 })).toMatchObject({ status: "done", ask: "no" });
    expect(await instances.next(1)).toMatchObject({ next: "ask", number: 2 });
  });

  test("continues with the list of a half-made wave, and adds nothing", async () => {
    const instances = new RolloutScene(3);
    await instances.admit({ waves: [1, "rest"] });
    await instances.evidence.keepFile(
      "waves/1/items.json",
      '[{"index":2,"database":"tenant-2/app2"}]',
      "application/json",
    );
    expect(await instances.next()).toMatchObject({ next: "run", number: 1 });
    expect(await instances.runs(1, 2, "Succeeded")).toMatchObject({ start: "yes" });
    await instances.next(1);
    expect(await instances.evidence.readFile("waves/2/items.json")).toContain("tenant-0/app0");
  });

  test("tries failed databases once more, in a wave with a gate", async () => {
    const instances = new RolloutScene(2);
    await instances.admit({ waves: ["rest"] });
    await instances.next();
    await instances.runs(1, 0, "Succeeded");
    await instances.runs(1, 1, "Refused");
    expect(await instances.next(1)).toMatchObject({ next: "done" });
    instances.execution = "start-2";
    await instances.admit({ waves: ["rest"] });
    expect(await instances.next()).toMatchObject({ next: "ask", number: 2 });
    await instances.decide("start", 2, "Go");
    expect(await instances.runs(2, 1, "Succeeded")).toMatchObject({ start: "yes", name: "spring-w2-00001" });
    expect(await instances.next(2)).toMatchObject({ next: "done" });
  });
});

describe("a gate of a wave", () => {
  const asked = async (overrides = {}) => {
    const instances = new RolloutScene(2, [], overrides);
    await instances.admit({ waves: [1, "rest"] });
    await instances.next();
    await instances.runs(1, 0, "Succeeded");
    await instances.next(1);
    return instances;
  };

  test("shows the ends, the plan's checklist and the databases that a Go is for", async () => {
    const instances = await asked();
    const { page } = await instances.decide("start", 2, "Go");
    expect(page.status).toBe(200);
    expect(await instances.evidence.require(docName("gates/start-2-1/request"))).toMatchObject({
      checklist: ["the lead is on call", "the runbook was read", "the rehearsal's durations fit the window"],
      go: expect.stringContaining("1 run of wave 2 start: tenant-1/app1."),
    });
    const shown = (await instances.evidence.files()).find((name) => name.includes("shown-")) ?? "";
    expect(await instances.evidence.readFile(shown)).toContain("Succeeded: 1");
  });

  test("takes no Go from the person who started the rollout", async () => {
    const instances = await asked({ settings: { separateApprover: true } });
    const { page } = await instances.decide("start", 2, "Go", "Ada");
    expect(page.status).toBe(422);
    expect(page.body).toContain("Ada started this run");
  });

  test("lets no decision take effect that no page has accepted", async () => {
    const instances = await asked();
    const until = new Date(instances.ports.clock.now().getTime() + 3600_000).toISOString();
    await instances.do("open", { gate: "start", wave: 2, token: "token", escalation: "no", until });
    await instances.evidence.createOnce(docName("gates/start-2-1/decision"), {
      gate: "start-2",
      attempt: 1,
      decision: "Go",
      by: "Mallory Smith",
      comment: "",
      at: instances.ports.clock.now().toISOString(),
      from: "",
      ticked: [],
      shown: "",
    });
    await expect(instances.confirm("start", 2, { decision: "Go" })).rejects.toMatchObject({
      name: "DecisionForged",
    });
  });

  test("closes as No-Go if nobody answers, the escalation contacts included", async () => {
    const instances = await asked();
    const until = new Date(instances.ports.clock.now().getTime() + 3600_000).toISOString();
    await instances.do("open", { gate: "start", wave: 2, token: "token", escalation: "no", until });
    const unanswered = { escalation: "no", unanswered: { Error: "States.Timeout" } };
    const confirmed = await instances.do("confirm", { gate: "start", wave: 2, answer: unanswered });
    expect(confirmed).toMatchObject({ decision: "Ask", escalation: "yes" });
    await instances.do("open", {
      gate: "start",
      wave: 2,
      token: "token",
      escalation: "yes",
      until: confirmed.until,
    });
    expect(
      await instances.do("confirm", { gate: "start", wave: 2, answer: { ...unanswered, escalation: "yes" } }),
    ).toEqual({ decision: "NoGo" });
  });
});

describe("the coordinator", () => {
  test("answers in a few hundred bytes, whatever the number of databases", async () => {
    const instances = new RolloutScene(500);
    const admitted = await instances.admit();
    const answers = [admitted, await instances.next()];
    await instances.runs(1, 0, "Succeeded");
    answers.push(await instances.do("look", { wave: 1 }), await instances.next(1));
    for (const answer of answers) expect(JSON.stringify(answer).length).toBeLessThan(400);
    expect(evidenceOf(instances.ports.evidence, ROLLOUT).run).toBe(ROLLOUT);
  });
});
