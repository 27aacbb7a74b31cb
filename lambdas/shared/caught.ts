import * as z from "zod";

/** What a Catch puts into the machine's state. */
export const caughtSchema = z.object({ Error: z.string().optional(), Cause: z.string().optional() });
export type Caught = z.infer<typeof caughtSchema>;

const lambdaCause = z.object({ errorMessage: z.string() });

/** The error as people may read it: a Lambda's Cause is JSON with a stack trace, others are plain text. */
export function readCaught({ Error: error = "Error", Cause: cause = "" }: Caught): {
  error: string;
  message: string;
} {
  return { error, message: messageOfCause(cause) || meaningOf(error) };
}

function messageOfCause(cause: string): string {
  if (!cause.trimStart().startsWith("{")) return cause.trim();
  // The service cuts a long Cause, so that it may be JSON no more.
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
  if (error === "States.Timeout") return "it did not answer in the time it has";
  return "it gave no reason; the execution's history has what there is";
}
