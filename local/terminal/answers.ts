import type { Decision, GateDoc } from "../../lambdas/shared/documents.ts";

/** How gates are answered without a question. */
export interface Answers {
  /** Go everywhere. */
  yes: boolean;
  /** No-Go at these gates, and Go at all others. */
  noGo: readonly string[];
  /** The user who started the command, at the operating system. */
  user: string;
}

/** The answer from the command line; undefined if there is none and the gate opens. */
export function answerBeforehand(
  { gate }: Pick<GateDoc, "gate">,
  { yes, noGo, user }: Answers,
): { decision: Decision; by: string; comment: string } | undefined {
  if (noGo.includes(gate)) return { decision: "NoGo", by: `--no-go (${user})`, comment: `--no-go ${gate}` };
  if (yes || noGo.length > 0)
    return { decision: "Go", by: `${yes ? "--yes" : "--no-go"} (${user})`, comment: "" };
  return undefined;
}
