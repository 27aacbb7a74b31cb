import type { Context } from "aws-lambda";
import { AnsweredByWave, messageOf } from "../errors.ts";
import { isPing } from "../ping.ts";
import { type Answer, DONE, invoke, type Task } from "../task.ts";
import { awsPorts, type Extras } from "./ports.ts";

export type TaskHandler = (event: unknown, context: Context) => Promise<Answer>;

/** Returns a task's Lambda handler. Each invocation logs one line of JSON, with only run and state from the event. */
// biome-ignore lint/suspicious/noExplicitAny: the task parses the event; its type does not matter here.
export function serve(task: Task<any>, extras: Extras = {}): TaskHandler {
  return async (event, context) => {
    if (isPing(event)) return DONE;
    const started = Date.now();
    const about = { task: task.name, ...whichOf(event), request: context.awsRequestId };
    const done = (outcome: Record<string, unknown>) =>
      log({ ...about, ...outcome, seconds: (Date.now() - started) / 1000 });
    const ports = awsPorts(context, (progress) => log({ ...about, progress }), extras);
    // `invoke` cuts errors to what the machine's state may carry; the log gets the original.
    let thrown: unknown;
    const watched = {
      ...task,
      run: async (...args: Parameters<typeof task.run>) => {
        try {
          return await task.run(...args);
        } catch (error) {
          thrown = error;
          throw error;
        }
      },
    };
    try {
      const answer = await invoke(watched, event, ports);
      done({ outcome: "answered", answer });
      return answer;
    } catch (error) {
      if (thrown instanceof AnsweredByWave) done({ outcome: "answered by the wave" });
      else done({ outcome: "failed", ...described(error), stack: stackOf(thrown ?? error) });
      throw error;
    }
  };
}

function whichOf(event: unknown): { run?: unknown; state?: unknown } {
  const { run, state } = (event ?? {}) as { run?: unknown; state?: unknown };
  return { run, state };
}

function described(error: unknown): { error: string; message: string } {
  return { error: error instanceof Error ? error.name : "Error", message: messageOf(error) };
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}

function log(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
