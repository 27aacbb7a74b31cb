import { type ChildProcess, execFile, type SpawnOptions, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { promisify } from "node:util";

/** Runs a command to its end. @throws Error with what it printed last */
export async function run(
  command: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const [file, ...args] = command;
  try {
    const { stdout } = await promisify(execFile)(file, args, { env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as Error & { stdout?: string; stderr?: string };
    const said = `${stdout}\n${stderr}`.trim().split("\n").slice(-30).join("\n");
    throw new Error(`${command.join(" ").slice(0, 300)} failed: ${said || message}`, { cause: error });
  }
}

const PATIENCE_MS = 20_000;

/** A process that runs until it is stopped, and writes its output to a file. */
export class Background {
  private readonly child: ChildProcess;
  private readonly ended: Promise<string>;

  constructor(command: readonly [string, ...string[]], log: string, options: SpawnOptions = {}) {
    const [file, ...args] = command;
    const to = openSync(log, "a");
    this.child = spawn(file, args, { ...options, stdio: ["ignore", to, to] });
    this.ended = new Promise((resolve) => {
      this.child.on("error", (error) => resolve(error.message));
      this.child.on("exit", (code, signal) => resolve(`it ended with ${signal ?? code}`));
    });
  }

  /** Resolves when `ready` does; rejects when the process ends before. */
  async until(ready: () => Promise<boolean>, what: string, log: string): Promise<void> {
    const gone = this.ended.then((how) => {
      throw new Error(`${what} did not start: ${how}. Its log is ${log}.`);
    });
    gone.catch(() => undefined);
    await Promise.race([gone, eventually(ready, `${what} to answer; its log is ${log}`)]);
  }

  /** Ends it; by force where it does not end itself, such as MiniStack while a Map of it waits for an answer. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.child.kill(signal);
    const force = setTimeout(() => this.child.kill("SIGKILL"), PATIENCE_MS);
    await this.ended;
    clearTimeout(force);
  }
}

/** Polls until the condition holds. @throws Error naming the condition */
export async function eventually(
  isSo: () => Promise<boolean>,
  what: string,
  seconds = 120,
  everyMs = 200,
): Promise<void> {
  const until = Date.now() + seconds * 1000;
  while (!(await isSo())) {
    if (Date.now() > until) throw new Error(`Waited ${seconds} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
