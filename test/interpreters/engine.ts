import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Definition } from "../../local/definition.ts";
import { EXECUTION, type Exchange, STARTED_AT } from "../support/matrix/walk.ts";
import { pythonOfLocalStack } from "./needs.ts";

/** How a run went in LocalStack's engine. */
export interface Ran {
  end: string;
  cause: string;
  /** The Task states in the order of their calls, each with what it was sent. */
  sent: [state: string, event: Record<string, unknown>][];
  /** Answers that nobody asked for. */
  left: number;
}

export interface Asked {
  machine: string;
  startAt: string;
  input: unknown;
  /** What the execution was started with, by its context. */
  executionInput: unknown;
  execution?: string | undefined;
  exchanges: readonly Exchange[];
  /** States in branches, which come in any order. */
  beside: readonly string[];
}

/** LocalStack's Step Functions engine, in a process of its own; see engine.py. */
export class Engine {
  private readonly process: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private complaints = "";

  constructor() {
    const script = fileURLToPath(new URL("engine.py", import.meta.url));
    this.process = spawn(pythonOfLocalStack(), [script]);
    this.process.stderr.on("data", (data: Buffer) => {
      this.complaints += data.toString();
    });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async load(machine: string, { text }: Definition): Promise<{ refused?: string }> {
    return (await this.ask({ machine, definition: text })) as { refused?: string };
  }

  async run({ machine, exchanges, execution = EXECUTION, ...asked }: Asked): Promise<Ran> {
    const answers = exchanges.map(({ state, sent, answer = null, error, cause }) =>
      error === undefined ? { state, answer, waits: "token" in sent } : { state, error, cause },
    );
    return (await this.ask({ run: machine, ...asked, execution, started: STARTED_AT, answers })) as Ran;
  }

  async close(): Promise<void> {
    if (this.process.exitCode !== null) return;
    this.process.stdin.end();
    await once(this.process, "exit");
  }

  private async ask(document: unknown): Promise<unknown> {
    this.process.stdin.write(`${JSON.stringify(document)}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`LocalStack's engine ended:\n${this.complaints}`);
    return JSON.parse(value);
  }
}
