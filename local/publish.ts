import * as z from "zod";
import { operatorInput } from "../lambdas/admit/task.ts";
import { messageOf } from "../lambdas/shared/errors.ts";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import { documentOf, planIn, planKey, storePlan } from "../lambdas/shared/plan-document.ts";
import type { EvidenceStore } from "../lambdas/shared/ports.ts";
import { type Identity, nameIn, notePublication } from "../lambdas/shared/publications.ts";
import { chosen, fullName } from "../lambdas/shared/settings.ts";
import { UsageError } from "./events.ts";

/** The deployment that a plan is published to, and the publisher's identity. */
export interface Deployment {
  stack: string;
  bucket: string;
  machine: string;
  /** Databases that a run's input may name, each as `instance/database`; empty for a stack of an older version. */
  databases: readonly string[];
  store: Pick<EvidenceStore, "create" | "read">;
  identity: Identity;
  /** Starts an execution with that input; resolves with its ARN. */
  start(input: string): Promise<string>;
}

export interface PublishOptions {
  dryRun: boolean;
  start: boolean;
  database?: string | undefined;
  startedBy?: string | undefined;
  reason?: string | undefined;
}

/** Publishes the plan, and returns lines for people: what was done or, for a dry run, what would be done. */
export async function publish(
  plan: CompiledPlan,
  deployment: Deployment,
  { dryRun, start, database, startedBy, reason }: PublishOptions,
): Promise<string[]> {
  const { bucket, store, identity, machine } = deployment;
  const { checksum } = plan;
  const text = documentOf(plan);
  const by = nameIn(identity.id, identity.arn);
  const place = `s3://${bucket}/${planKey(checksum)}`;
  const size = `${Math.ceil(Buffer.byteLength(text) / 1024)} KB`;
  const of = databaseFor(deployment.databases, database, start);
  const input = JSON.stringify({
    plan: checksum.slice(0, 12),
    ...(of === undefined ? {} : { database: of }),
    startedBy: startedBy ?? (start ? by : "your name"),
    ...(reason === undefined ? (start ? {} : { reason: "why" }) : { reason }),
  });
  const { error } = operatorInput.safeParse(JSON.parse(input));
  if (error) throw new UsageError(`A run would refuse its input: ${z.prettifyError(error)}`);
  const lines = [`${plan.title} (${plan.name}, ${checksum.slice(0, 12)})`];
  if (dryRun) {
    const there = await store.read(planKey(checksum));
    // A document under that name may differ, and then publishing would be refused.
    if (there !== undefined) planIn(there, checksum);
    lines.push(
      there !== undefined ? `It is already published: ${place}` : `It would be stored, ${size}, as ${place}`,
      `${by} (${identity.arn}) would be noted as its publisher`,
    );
  } else {
    // The note comes first: without it, gates would show that the publisher is unknown.
    await notePublication(store, checksum, identity, new Date());
    const stored = await storePlan(store, text, checksum);
    lines.push(
      stored === "stored" ? `Published, ${size}: ${place}` : `It was already published: ${place}`,
      `By ${by} (${identity.arn}), which each gate of its runs shows`,
    );
  }
  if (!start)
    return [
      ...lines,
      "",
      `A run of it starts with this input${of === ANY ? `, with one of these for ${ANY}: ${deployment.databases.join(", ")}` : ""}:`,
      `  ${input}`,
      `  aws stepfunctions start-execution --state-machine-arn ${machine} --input '${input.replaceAll("'", "'\\''")}'`,
    ];
  if (dryRun) return [...lines, `An execution of ${machine} would be started with ${input}`];
  return [...lines, "", `Started with ${input}:`, `  ${await deployment.start(input)}`];
}

/** Stands for one of several databases in an input that is only shown. It never starts a run. */
const ANY = "DATABASE";

/**
 * The database for the input; nothing if there is only one and none was named.
 * @throws UsageError for an unknown one, and if none was named and a run is to start
 */
function databaseFor(
  databases: readonly string[],
  named: string | undefined,
  start: boolean,
): string | undefined {
  if (named === undefined && (databases.length < 2 || !start)) return databases.length < 2 ? undefined : ANY;
  if (databases.length === 0) return named;
  const list = databases.map((name) => {
    const [instance = "", ...database] = name.split("/");
    return { instance, database: database.join("/") };
  });
  try {
    return fullName(chosen(list, named));
  } catch (error) {
    throw new UsageError(`--database: ${messageOf(error)}`);
  }
}

/** An output of the deployment's stack. @throws UsageError if it is missing: the stack is an older one, or not of Sluice */
export function outputOf(outputs: ReadonlyMap<string, string>, name: string, stack: string): string {
  const value = outputs.get(name);
  if (value === undefined)
    throw new UsageError(
      `The stack ${stack} has no output ${name}, so this version of Sluice did not deploy it. Deploy it with \`npx cdk deploy\`, or give --stack.`,
    );
  return value;
}
