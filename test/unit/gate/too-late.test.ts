import { describe, expect, test } from "vitest";
import { gatherFacts } from "../../../lambdas/report/facts.ts";
import { Doc, docName } from "../../../lambdas/shared/documents.ts";
import { decisionOf, GO, NO_GO, type Scene, scene, shownOn } from "./scene.ts";

const EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:sluice:run-1";

/** The page was open when somebody else said Go. */
async function afterAGo(
  execution = EXECUTION,
): Promise<{ s: Scene; say: (fields: object) => ReturnType<Scene["post"]> }> {
  const s = scene();
  await s.evidence.createOnce(docName(Doc.request), { execution });
  const { path, key } = await s.open();
  const shown = shownOn((await s.get(path, key)).body);
  await s.answerAs(path, key, { ...GO, by: "Ada Lovelace" });
  return { s, say: (fields) => s.post(path, { key, shown, ...(fields as Record<string, string>) }) };
}

describe("a No-Go that follows a Go", () => {
  test("changes nothing, is kept, and its page shows how to stop the run", async () => {
    const { s, say } = await afterAGo();
    const answered = await say(NO_GO);
    expect(answered.status).toBe(409);
    expect(answered.body).toContain("Your No-Go does not stop the run");
    expect(answered.body).toContain("It is stored, and the report shows it.");
    expect(answered.body).toContain(`aws stepfunctions stop-execution --execution-arn ${EXECUTION}`);
    expect(await decisionOf(s)).toMatchObject({ decision: "Go", by: "Ada Lovelace" });
    expect(await s.evidence.read(Doc.gateObjection("readiness", 1, 1))).toMatchObject({
      by: "Grace Hopper",
      comment: "Not tonight.",
      from: "192.0.2.7",
    });
    expect(s.ports.callbacks.calls).toEqual([{ token: expect.any(String), output: { decision: "Go" } }]);
  });

  test("is in the report", async () => {
    const { s, say } = await afterAGo();
    await say(NO_GO);
    await s.evidence.createOnce(docName(Doc.plan), {});
    const [gate] = (await gatherFacts(s.evidence)).gates;
    expect(gate?.objections).toEqual([
      expect.objectContaining({ by: "Grace Hopper", comment: "Not tonight." }),
    ]);
  });

  test("sent twice is kept once, beside those of others", async () => {
    const { s, say } = await afterAGo();
    for (const by of ["Grace Hopper", "Grace Hopper", "Katherine Johnson"]) await say({ ...NO_GO, by });
    expect(await s.evidence.list("gates/readiness-1/no-go-")).toHaveLength(2);
  });

  test.each([
    ["no reason", { ...NO_GO, comment: " " }, "Give the reason"],
    ["no name", { ...NO_GO, by: "..." }, "Type your name"],
  ])(
    "with %s is not kept; the page reports that, and still shows how to stop the run",
    async (_, fields, message) => {
      const { s, say } = await afterAGo();
      const { body } = await say(fields);
      expect(body).toContain(`It is not stored: ${message}`);
      expect(body).toContain("stop-execution");
      expect(await s.evidence.list("gates/readiness-1/no-go-")).toEqual([]);
    },
  );

  test("of a local run shows which key stops it", async () => {
    const { say } = await afterAGo("local:4711:rehearsal-1");
    expect((await say(NO_GO)).body).toContain("press Ctrl-C once in its terminal");
  });

  test("a Go that follows a No-Go does not show how to stop the run", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const shown = shownOn((await s.get(path, key)).body);
    await s.answerAs(path, key, NO_GO);
    const { body } = await s.post(path, { key, shown, ...GO, by: "Ada Lovelace" });
    expect(body).not.toContain("stop-execution");
  });
});

test("after a race of answers, nobody whose Go counts reads that it may have had no effect", async () => {
  const s = scene();
  const { path, key } = await s.open();
  const shown = shownOn((await s.get(path, key)).body);
  const ticks = [
    ["tick", "0"],
    ["tick", "1"],
  ] as const;
  // The machine takes one and refuses the others before the first is noted.
  let heard = false;
  s.ports.callbacks.succeed = async () => {
    const first = !heard;
    heard = true;
    if (first) await new Promise((resolve) => setTimeout(resolve, 50));
    return first;
  };
  const people = ["Ada Lovelace", "Grace Hopper", "Katherine Johnson", "Mary Jackson"];
  const answers = await Promise.all(
    people.map((by) =>
      s.post(path, [
        ["key", key],
        ["shown", shown],
        ["decision", "Go"],
        ["by", by],
        ["instance", "orders-prod"],
        ...ticks,
      ]),
    ),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
  for (const { body } of answers) expect(body).not.toContain("no effect");
});
