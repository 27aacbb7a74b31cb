import * as z from "zod";

/** What a Catch puts into the machine's state. */
export const caughtSchema = z.object({ Error: z.string().optional(), Cause: z.string().optional() });
export type Caught = z.infer<typeof caughtSchema>;

const lambdaCause = z.object({ errorMessage: z.string() });

/** Returns the error in readable form: a Lambda's Cause is JSON with a stack trace; other causes are plain text. */
export function readCaught({ Error: error = "Error", Cause: cause = "" }: Caught): {
  error: string;
  message: string;
} {
  return { error, message: messageOfCause(cause) || meaningOf(error) };
}

function messageOfCause(cause: string): string {
  if (!cause.trimStart().startsWith("{")) return cause.trim();
  // Step Functions cuts a long Cause, so it may no longer be valid JSON.
  const cut = /"errorMessage"\s*:\s*("(?:[^"\\]|\\.)*"?)/.exec(cause)?.[1];
  try {
    return lambdaCause.parse(JSON.parse(cause)).errorMessage.trim();
  } catch {
    return cut ? unquoted(cut) : "";
  }
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text.endsWith('"') && text.length > 1 ? text : `${text}"`)).trim();
  } catch {
    return "";
  }
}

function meaningOf(error: string): string {
  if (error === "States.Timeout") return "it did not answer within its time limit";
  return "it gave no reason; see the execution's history";
}
