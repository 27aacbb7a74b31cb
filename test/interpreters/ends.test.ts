import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compilePlan } from "../../lib/plan/compile.ts";
import { definitionOf } from "../../local/definition.ts";
import { templateOf } from "../../local/synthesize.ts";
import { type Fault, fails, faultText } from "../support/matrix/faults.ts";
import { type Entry, entries, kindsOfFaults, withFault } from "../support/matrix/matrix.ts";
import { StandInWorld } from "../support/matrix/stand-in-world.ts";
import { BACKUP, type Ground, type Halt, type Walked, walk } from "../support/matrix/walk.ts";
import { TINY_PLAN } from "../support/rehearsal.ts";
import { Engine } from "./engine.ts";

let engine: Engine;
beforeAll(() => {
  engine = new Engine();
});
afterAll(async () => await engine.close());

const THROTTLED = "Lambda.TooManyRequestsException";

/** The same from the same state, with the same answers: what differs, or nothing. */
async function compare(machine: string, halt: Halt, walked: Walked, execution?: string): Promise<void> {
  const { input, state } = halt;
  const ran = await engine.run({
    machine,
    startAt: state,
    input,
    executionInput: input,
    execution,
    exchanges: walked.exchanges,
  });
  const text = walked.faults.map(faultText).join(" + ");
  const calls = walked.exchanges.map((exchange) => [exchange.state, seen(exchange.sent)]);
  expect(
    ran.sent.map(([name, event]) => [name, seen(event)]),
    text,
  ).toEqual(calls);
  expect([ran.end, ran.cause, ran.left], text).toEqual([walked.end, walked.cause, 0]);
}

/** As JSON, and without the token, which each interpreter makes. */
function seen(event: Record<string, unknown>): unknown {
  return JSON.parse(JSON.stringify({ ...event, ...("token" in event && { token: "" }) }));
}

describe.each(["before", "inside"] as const)("a run with the rehearsal %s the downtime", async (rehearse) => {
  const plan = await compilePlan(TINY_PLAN);
  const definition = definitionOf(await templateOf(plan, { rehearse, backup: BACKUP }));
  const ground: Ground = { definition, plan, rehearse };
  let found: Map<string, Entry>;
  beforeAll(async () => {
    found = await entries(ground, new StandInWorld());
    expect(await engine.load(rehearse, definition)).toEqual({ loaded: rehearse });
  });

  test.each([...definition.capabilities.keys()])(
    "ends equally in both, whatever fails at: %s",
    async (state) => {
      const entry = found.get(state);
      if (!entry) throw new Error(`No walk came to ${state}`);
      const kinds: Fault[] = [
        ...kindsOfFaults(ground, state),
        { ...fails(state, THROTTLED), tries: "first" } as Fault,
      ];
      for (const fault of kinds) {
        const walked = await walk(ground, entry.halt, withFault(entry.faults, fault));
        await compare(rehearse, entry.halt, walked);
      }
    },
  );
});
