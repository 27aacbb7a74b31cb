import type { Environment } from "./environment.ts";
import type { Ended, Executions } from "./executions.ts";
import { INSTANCE } from "./production.ts";

export interface Played extends Ended {
  /** Gates that opened, in order. */
  gates: string[];
}

export interface Play {
  run: string;
  /** Gates that are answered with No-Go. */
  noGo?: readonly string[];
  /** What happens while a gate is open, before it is answered. False: it is not answered at all. */
  atGate?: Readonly<Record<string, () => Promise<boolean>>>;
  /** The execution's input, without who started it and why. */
  input?: object;
  /** The longest that it may take. */
  seconds?: number;
}

const EVERY_MS = 300;

/** Starts a run, answers its gates by the links that are published, and follows it to its end. */
export async function play(environment: Environment, script: Play): Promise<Played> {
  const input = { startedBy: "Ada", reason: "an end-to-end test", ...script.input };
  const execution = await environment.runs.start(script.run, input);
  return await follow(environment, environment.runs, execution, script);
}

/** The same for an execution that runs already. */
export async function follow(
  { people }: Environment,
  executions: Executions,
  execution: string,
  { run, noGo = [], atGate = {}, seconds }: Play,
): Promise<Played> {
  const gates: string[] = [];
  const already = people.linksOf(run).length;
  const ended = executions.end(execution, seconds).finally(() => {
    over = true;
  });
  let over = false;
  while (!over) {
    const next = people.linksOf(run)[already + gates.length];
    if (next) {
      gates.push(next.gate);
      if ((await atGate[next.gate]?.()) ?? true) {
        const decision = noGo.includes(next.gate) ? "NoGo" : "Go";
        const page = await people.decide(next.link, decision, "Grace Hopper", INSTANCE);
        if (page.status !== 200)
          throw new Error(`The answer to ${next.gate} got ${page.status}: ${page.body.slice(0, 2_000)}`);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  return { ...(await ended), gates };
}
