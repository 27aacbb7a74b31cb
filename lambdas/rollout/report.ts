import { ErrorName } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Environment } from "../shared/ports.ts";
import { RolloutDocs, type RolloutOutcomeDoc, startOf } from "../shared/rollout-documents.ts";
import type { Answer } from "../shared/task.ts";
import { plain } from "../shared/text.ts";
import { rolloutPage } from "./page.ts";
import { allLines } from "./results.ts";

export interface ReportRollout {
  execution: string;
  /** What the machine caught last; its Error is empty when nothing was. */
  failure: { Error: string; Cause: string };
}

const REFUSALS: readonly string[] = [ErrorName.RequestInvalid, ErrorName.PlanUnusable];
const LONGEST_CAUSE = 2_000;

/** Writes the page, sends the last message, and returns how this start of the rollout ends. */
export async function reportRollout(
  { execution, failure }: ReportRollout,
  environment: Environment,
  evidence: RunEvidence,
): Promise<Answer> {
  const caught = causeOf(failure);
  const start = await startOf(evidence, execution).catch(() => undefined);
  // Another start's evidence, or none at all: there is nothing to write to.
  if (start === undefined)
    return {
      name: REFUSALS.includes(failure.Error) ? "Refused" : "Incomplete",
      cause: caught || "The rollout was not admitted.",
    };
  const at = environment.clock.now().toISOString();
  const { name, cause } = await evidence.getOrCreate(RolloutDocs.outcome(start), async () => ({
    at,
    ...(await outcomeOf(caught, environment, evidence)),
  }));
  const page = RolloutDocs.page(start);
  await evidence.keepFile(
    page,
    await rolloutPage(environment.evidence, evidence, at),
    "text/html; charset=utf-8",
  );
  await environment.notifier.send({
    subject: `Sluice: rollout ${evidence.run} ends ${name}`,
    text: `${plain(cause)}\n\nEvery database is in the evidence, in runs/${evidence.run}/${page}.\n`,
    audience: "approvers",
  });
  return { name, cause };
}

async function outcomeOf(
  caught: string,
  environment: Environment,
  evidence: RunEvidence,
): Promise<Pick<RolloutOutcomeDoc, "name" | "cause">> {
  const { name: rollout } = await evidence.require(RolloutDocs.rollout);
  const { databases } = await evidence.require(RolloutDocs.databases);
  const lines = await allLines(environment.evidence, evidence);
  const done = lines.filter(({ end }) => end === "Succeeded").length;
  if (done === databases.length)
    return { name: "Succeeded", cause: `All ${databases.length} databases are migrated.` };
  const others = lines.filter(({ end }) => end !== "Succeeded" && end !== "left out");
  const named = others.slice(0, 10).map(({ database, end }) => `${database} ${end}`);
  const more = others.length > named.length ? ` and ${others.length - named.length} more` : "";
  const cause = [
    `${done} of ${databases.length} databases are migrated.`,
    ...(named.length > 0 ? [`Ended otherwise: ${named.join(", ")}${more}.`] : []),
    ...(caught === "" ? [] : [`The rollout itself failed: ${caught}`]),
    `Start it again with the same input and the name ${rollout}: it continues with those that are not done.`,
  ].join(" ");
  return { name: "Incomplete", cause: cause.slice(0, LONGEST_CAUSE) };
}

/** What Lambda makes of an error is JSON in the cause. */
function causeOf({ Error: error, Cause: cause }: ReportRollout["failure"]): string {
  if (error === "") return "";
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: unknown };
    if (typeof errorMessage === "string") return errorMessage.slice(0, LONGEST_CAUSE);
  } catch {
    // It is text.
  }
  return `${error}: ${cause}`.slice(0, LONGEST_CAUSE);
}
