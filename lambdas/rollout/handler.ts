import type { Context } from "aws-lambda";
import { awsPorts } from "../shared/aws/serve.ts";
import { isPing } from "../shared/deployment.ts";
import { messageOf } from "../shared/errors.ts";
import { type Answer, DONE } from "../shared/task.ts";
import { runRollout } from "./task.ts";

// Causes travel through the machine's state.
const LONGEST_CAUSE = 2_000;

/** The Lambda handler of the rollout. One line of JSON in the log for each invocation; of the event only what it is about. */
export async function handler(event: unknown, context: Context): Promise<Answer> {
  if (isPing(event)) return DONE;
  const { run, action } = (event ?? {}) as { run?: unknown; action?: unknown };
  const about = { task: "rollout", run, action, request: context.awsRequestId };
  const started = Date.now();
  const log = (line: Record<string, unknown>) =>
    process.stdout.write(
      `${JSON.stringify({ ...about, ...line, seconds: (Date.now() - started) / 1000 })}\n`,
    );
  try {
    const answer = await runRollout(
      event,
      awsPorts(context, (progress) => log({ progress })),
    );
    log({ outcome: "answered", answer });
    return answer;
  } catch (error) {
    log({
      outcome: "failed",
      message: messageOf(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
    const short = new Error(messageOf(error).slice(0, LONGEST_CAUSE));
    short.name = error instanceof Error ? error.name : "Error";
    short.stack = "";
    throw short;
  }
}
