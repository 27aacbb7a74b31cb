import { runRollout } from "../../../lambdas/rollout/task.ts";
import { Doc, type End, type OfRollout } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import type { RunDatabase, RunSettings } from "../../../lambdas/shared/settings.ts";
import type { MemoryPorts, PortOverrides } from "../../support/ports.ts";
import { linkOf, type Scene, scene } from "../gate/scene.ts";

export const ROLLOUT = "spring";
export const RUNS = "arn:aws:states:eu-central-1:123456789012:stateMachine:Sluice";

type Answer = Readonly<Record<string, string | number | boolean | null>>;

/** A deployment with so many databases, and a rollout over them whose runs end as a test sets. */
export class RolloutScene {
  readonly scene: Scene;
  readonly ports: MemoryPorts;
  readonly running = new Set<string>();
  execution = "start-1";

  /** @param instances of each database, in order; an instance each unless given */
  constructor(databases: number, instances: readonly string[] = [], overrides: PortOverrides = {}) {
    const list = Array.from({ length: databases }, (_, i): RunDatabase => {
      const instance = instances[i] ?? `tenant-${i}`;
      return {
        label: `${instance}/app${i}`,
        instance,
        database: `app${i}`,
        applicationRoles: [],
        alarms: [],
      };
    });
    const settingsOf = (of: RunDatabase): RunSettings => ({ ...this.ports.settings, ...of });
    this.scene = scene(
      {
        ...overrides,
        executions: { isRunning: async (execution) => this.running.has(execution) },
        choice: { list, settingsOf, of: (settings) => ({ ...this.ports, settings }) },
      } as PortOverrides,
      ROLLOUT,
    );
    this.ports = this.scene.ports;
  }

  get evidence() {
    return this.scene.evidence;
  }

  do(action: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    return runRollout({ run: ROLLOUT, execution: this.execution, action, ...fields }, this.ports);
  }

  admit(input: object = {}): Promise<Answer> {
    return this.do("admit", { input: { databases: "tenant-*", startedBy: "Ada", ...input }, runs: RUNS });
  }

  next(ran = 0): Promise<Answer> {
    return this.do("next", { ran });
  }

  /** The item of that database in the newest wave that has it. */
  item(index: number) {
    const { list = [] } = this.ports.choice ?? {};
    return { index, database: list[index]?.label ?? "" };
  }

  begin(wave: number, index: number): Promise<Answer> {
    return this.do("begin", { wave, item: this.item(index), runs: RUNS });
  }

  end(wave: number, index: number): Promise<Answer> {
    const failure = { Error: "", Cause: "" };
    return this.do("end", { wave, item: this.item(index), failure, runs: RUNS });
  }

  executionOf(run: string): string {
    return `${RUNS.replace(":stateMachine:", ":execution:")}:${run}`;
  }

  /** What Step Functions does with the answer of `begin`: the run begins, and is admitted. */
  async start(begun: Answer): Promise<void> {
    const name = String(begun.name);
    const { database, rollout } = JSON.parse(String(begun.input)) as { database: string; rollout: OfRollout };
    const [instance = "", own = ""] = database.split("/");
    this.running.add(this.executionOf(name));
    await evidenceOf(this.ports.evidence, name).createOnce(Doc.request, {
      run: name,
      execution: this.executionOf(name),
      startedAt: this.ports.clock.now().toISOString(),
      plan: { name: "tiny", title: "A tiny plan", checksum: this.ports.plan.checksum },
      instance,
      database: own,
      rehearse: "before",
      fence: "connect",
      rollout,
    });
  }

  async finish(run: string, end: End): Promise<void> {
    await evidenceOf(this.ports.evidence, run).createOnce(Doc.outcome, {
      at: this.ports.clock.now().toISOString(),
      end,
      cause: `It ended ${end}.`,
      leftBehind: [],
    });
    this.running.delete(this.executionOf(run));
  }

  /** Begins the run of that database, and ends it as given. */
  async runs(wave: number, index: number, end: End): Promise<Answer> {
    const begun = await this.begin(wave, index);
    if (begun.start === "yes") {
      await this.start(begun);
      await this.finish(String(begun.name), end);
      await this.end(wave, index);
    }
    return begun;
  }

  /** Opens the gate of a wave, and answers on its own page. */
  async decide(gate: "start" | "keep", wave: number, decision: "Go" | "NoGo", by = "Grace Hopper") {
    const until = new Date(this.ports.clock.now().getTime() + 3600_000).toISOString();
    await this.do("open", { gate, wave, token: "token", escalation: "no", until });
    const { path, key } = linkOf(this.ports);
    const fields = { decision, by, ...(decision === "Go" ? { instance: ROLLOUT } : { comment: "Not now." }) };
    const page = await this.scene.answerAs(path, key, fields);
    return { page, confirmed: await this.confirm(gate, wave, { decision }) };
  }

  confirm(gate: "start" | "keep", wave: number, answer: unknown): Promise<Answer> {
    return this.do("confirm", { gate, wave, answer: { escalation: "no", answer } });
  }
}
