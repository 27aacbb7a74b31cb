import { beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { usualAnswer } from "../../docs/make/usual-run.ts";
import { decide } from "../../lambdas/gate/decide.ts";
import { gateTask } from "../../lambdas/gate/task.ts";
import { type Decision, docName, type GateDecisionDoc } from "../../lambdas/shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../../lambdas/shared/evidence.ts";
import { stateInWords } from "../../lambdas/shared/names.ts";
import { invoke, type Task } from "../../lambdas/shared/task.ts";
import type { Definition } from "../../local/definition.ts";
import { interpret } from "../../local/interpreter.ts";
import { synthesize } from "../../local/synthesize.ts";
import { planOf } from "../support/plans.ts";
import { type MemoryPorts, memoryPorts } from "../support/ports.ts";

const RUN = "run-1";
const PLAN = planOf(1);
const FIRST = "readiness";
const BEYOND_IT = "Snapshot production";

/** Stands for the task before the gate, which here only returns the gate's time. */
const BEFORE: Task<unknown> = {
  name: "preflight",
  event: z.unknown(),
  run: async () => ({ status: "done" }),
};

let definition: Definition;
beforeAll(async () => {
  definition = await synthesize(PLAN, { rehearse: "before" });
});

interface Played {
  end: string;
  states: string[];
  ports: MemoryPorts;
  evidence: RunEvidence;
}

/**
 * Plays the machine with the real gate at its first question; the other states do no work. Waiting takes a second, which
 * stands for the gate's hour.
 */
async function play(options: {
  /** Minutes from the start to the end of the maintenance window. */
  window?: number;
  /** What people do when the gate opens. */
  onGate?: (attempt: number, play: { ports: MemoryPorts; answer: typeof decide }) => Promise<void>;
  /** Called in each state; it throws where the state is to fail. */
  fail?: (state: string) => void;
  /** The state at which the play ends. */
  until?: string;
}): Promise<Played> {
  const ports = memoryPorts({ plan: PLAN });
  const evidence = evidenceOf(ports.evidence, RUN);
  const start = ports.clock.now().getTime();
  const window =
    options.window === undefined
      ? undefined
      : {
          begins: "2026-11-03T00:00:00.000Z",
          ends: new Date(start + options.window * 60_000).toISOString(),
          override: null,
        };
  await evidence.createOnce(docName("request"), {
    run: RUN,
    execution: "arn:x",
    startedBy: "Ada",
    ...(window ? { window } : {}),
  });
  const waiting = new Map<string, (answer: unknown) => void>();
  ports.callbacks.succeed = async (token, output) => {
    if (ports.callbacks.behaviour === "fails") throw new Error("lost");
    waiting.get(token)?.(output);
    return waiting.delete(token);
  };
  const states: string[] = [];
  let attempts = 0;
  const end = await interpret({
    definition,
    input: {},
    run: RUN,
    execution: "arn:x",
    retryPauseMs: 0,
    async task(name, event) {
      const state = stateInWords(String(event.state), event.version as string | undefined);
      states.push(state);
      options.fail?.(state);
      if (state === options.until) throw Object.assign(new Error("the play is over"), { name: "Stopped" });
      if (event.asks === FIRST) return { ...(await invoke(BEFORE, event, ports)), seconds: 1 };
      if (!state.endsWith(FIRST)) return usualAnswer(definition.capabilities.get(name), event, PLAN);
      const answer = invoke(gateTask, event, ports);
      if (typeof event.token !== "string") return { ...(await answer), seconds: 1 };
      const answered = new Promise((resolve) => waiting.set(String(event.token), resolve));
      await answer;
      attempts += 1;
      await options.onGate?.(attempts, { ports, answer: decide });
      ports.clock.pass(60 * 60_000);
      return await answered;
    },
    onEvent: () => undefined,
  });
  return { end, states, ports, evidence };
}

const say = (decision: Decision, attempt = 1) => ({
  run: RUN,
  gate: "readiness",
  attempt,
  decision,
  by: "Grace Hopper",
  comment: "because",
  from: "prompt",
});
const decisionOf = ({ evidence }: Played, attempt = 1) =>
  evidence.read(docName<GateDecisionDoc>(`gates/readiness-${attempt}/decision`));
const ofTheGate = ({ states }: Played) => states.filter((state) => state.endsWith(FIRST));

// Each waits for seconds, and none for another.
describe.concurrent("a gate in the machine", () => {
  test("that is answered leads on", async () => {
    const played = await play({
      until: BEYOND_IT,
      onGate: async (_, { ports, answer }) => void (await answer(ports, say("Go"))),
    });
    expect(ofTheGate(played)).toEqual([`Gate: ${FIRST}`, `Confirm: ${FIRST}`]);
    expect(played.states).toContain(BEYOND_IT);
  });

  test("that nobody answers is asked of the escalation contacts, and then is a No-Go", async () => {
    const played = await play({});
    expect(ofTheGate(played)).toEqual([
      `Gate: ${FIRST}`,
      `Confirm: ${FIRST}`,
      `Escalate: ${FIRST}`,
      `Confirm: ${FIRST}`,
    ]);
    expect(played.end).toBe("Refused");
    expect(played.states).not.toContain(BEYOND_IT);
    expect(played.ports.notices.map(({ audience }) => audience)).toEqual(["approvers", "escalation"]);
    expect(await decisionOf(played, 2)).toMatchObject({ decision: "NoGo", by: "Sluice" });
  });

  test("that the escalation contacts answer leads on", async () => {
    const played = await play({
      until: BEYOND_IT,
      onGate: async (attempt, { ports, answer }) => {
        if (attempt === 2) await answer(ports, say("Go", 2));
      },
    });
    expect(played.states).toContain(BEYOND_IT);
  });

  test("that is open when the maintenance window ends is a No-Go, and nobody else is asked", async () => {
    const played = await play({ window: 30 });
    expect(ofTheGate(played)).toEqual([`Gate: ${FIRST}`, `Confirm: ${FIRST}`]);
    expect(played.end).toBe("Refused");
    expect((await decisionOf(played))?.comment).toContain("when the maintenance window ended");
  });

  test("that is escalated when the maintenance window ends is a No-Go", async () => {
    const played = await play({ window: 90 });
    expect(ofTheGate(played)).toContain(`Escalate: ${FIRST}`);
    expect(played.end).toBe("Refused");
    expect((await decisionOf(played, 2))?.comment).toContain("when the maintenance window ended");
  });

  test("that would be asked after the window's end is not asked: the run goes back", async () => {
    const refused = await play({ window: 0 });
    expect(ofTheGate(refused)).toEqual([]);
    expect(refused.end).toBe("Refused");
    const back = await play({
      until: "Proving is not reached",
      onGate: async (_, { ports, answer }) => void (await answer(ports, say("Go"))),
      fail: (state) => {
        if (state === "Validate 101 on production")
          throw Object.assign(new Error("it has ended"), { name: "WindowClosed" });
      },
    });
    expect(back.end).toBe("RolledBack");
    expect(back.states).not.toContain("Gate: after 101");
    expect(back.states).toContain("Roll back 101");
  });

  test("whose Go was stored, and the call lost, leads on when its time is over", async () => {
    const played = await play({
      until: BEYOND_IT,
      onGate: async (_, { ports, answer }) => {
        ports.callbacks.behaviour = "fails";
        await answer(ports, say("Go"));
      },
    });
    expect(played.states).toContain(BEYOND_IT);
    expect(ofTheGate(played)).not.toContain(`Escalate: ${FIRST}`);
  });

  test("whose Go was for facts that have changed opens again, with its full time", async () => {
    const played = await play({
      until: BEYOND_IT,
      onGate: async (attempt, { ports, answer }) => {
        await answer(ports, say("Go", attempt));
        if (attempt === 1)
          await evidenceOf(ports.evidence, RUN).createOnce(docName("benchmarks/staging"), {});
      },
    });
    const once = [`Gate: ${FIRST}`, `Confirm: ${FIRST}`];
    expect(ofTheGate(played)).toEqual([...once, ...once]);
    expect(played.states).toContain(BEYOND_IT);
  });
});
