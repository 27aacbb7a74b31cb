import type { Decision, GateDoc } from "../../lambdas/shared/documents.ts";

/** How gates are answered without asking. */
export interface Answers {
  /** Go everywhere. */
  yes: boolean;
  /** No-Go at these, and Go at all others. */
  noGo: readonly string[];
  /** Name at the operating system of whoever gave the command. */
  user: string;
}

/** The answer that the command line gave beforehand; undefined: people are asked. */
export function answerBeforehand(
  { gate }: Pick<GateDoc, "gate">,
  { yes, noGo, user }: Answers,
): { decision: Decision; by: string; comment: string } | undefined {
  if (noGo.includes(gate)) return { decision: "NoGo", by: `--no-go (${user})`, comment: `--no-go ${gate}` };
  if (yes || noGo.length > 0)
    return { decision: "Go", by: `${yes ? "--yes" : "--no-go"} (${user})`, comment: "" };
  return undefined;
}
