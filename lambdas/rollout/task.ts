import * as z from "zod";
import { linked } from "../shared/chain.ts";
import { Doc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import type { Environment, Ports } from "../shared/ports.ts";
import { ofItsDatabase } from "../shared/settings.ts";
import { type Answer, DONE, withPlan } from "../shared/task.ts";
import { admitRollout } from "./admit.ts";
import { confirmWaveGate, openWaveGate } from "./gate.ts";
import { look, release } from "./held.ts";
import { next } from "./next.ts";
import { reportRollout } from "./report.ts";
import { begin, noteEnd } from "./runs.ts";

const fields = { run: z.string().min(1), execution: z.string().min(1) };
const wave = z.number().int().positive();
const item = z.strictObject({ index: z.number().int().nonnegative(), database: z.string().min(1) });
const failure = z.object({ Error: z.string(), Cause: z.string().default("") });
const gate = z.enum(["start", "keep"]);

// The page's role may send any answer, so only the evidence counts.
const answer = z
  .looseObject({
    escalation: z.string().default("no"),
    answer: z.unknown().optional(),
    unanswered: z.unknown().optional(),
  })
  .transform((said) => ({
    escalation: said.escalation,
    decision: z.object({ decision: z.enum(["Go", "NoGo"]) }).safeParse(said.answer).data?.decision,
    unanswered: said.unanswered !== undefined,
  }));

const event = z.discriminatedUnion("action", [
  z.strictObject({
    ...fields,
    action: z.literal("admit"),
    input: z.unknown(),
    started: z.string().min(1).optional(),
    runs: z.string().min(1),
  }),
  z.strictObject({ ...fields, action: z.literal("next"), ran: z.number().int().nonnegative() }),
  z.strictObject({ ...fields, action: z.literal("begin"), wave, item, runs: z.string().min(1) }),
  z.strictObject({ ...fields, action: z.literal("end"), wave, item, failure, runs: z.string().min(1) }),
  z.strictObject({ ...fields, action: z.literal("look"), wave }),
  z.strictObject({
    ...fields,
    action: z.literal("open"),
    gate,
    wave,
    token: z.string().min(1),
    escalation: z.enum(["yes", "no"]).transform((said) => said === "yes"),
    until: z.iso.datetime(),
  }),
  z.strictObject({ ...fields, action: z.literal("confirm"), gate, wave, answer }),
  z.strictObject({ ...fields, action: z.literal("release"), wave }),
  z.strictObject({ ...fields, action: z.literal("report"), failure }),
]);

type Event = z.infer<typeof event>;

/**
 * Does what a state of the rollout's machine asks for. Unlike a run, a rollout may be started several times: each start
 * is another execution, and all share one evidence.
 */
export async function runRollout(raw: unknown, environment: Environment): Promise<Answer> {
  const parsed = event.safeParse(raw);
  if (!parsed.success)
    throw new SluiceError(
      ErrorName.RequestInvalid,
      `The event of the rollout is not as agreed: ${z.prettifyError(parsed.error)}`,
    );
  const { data } = parsed;
  // Of thousands of items each would wait for all others to take the chain's next number: a run has a chain of its own.
  return data.action === "begin" || data.action === "end" || data.action === "look"
    ? await act(data, environment)
    : await linked(environment, (noted) => act(data, noted));
}

async function act(data: Event, environment: Environment): Promise<Answer> {
  const of = (name: string) => evidenceOf(environment.evidence, name);
  if (data.action === "admit")
    return { name: await admitRollout(data, environment, of), execution: data.execution };
  const evidence = of(data.run);
  if (data.action === "report") return await reportRollout(data, environment, evidence);
  const ports = await portsOf(environment, evidence);
  switch (data.action) {
    case "next":
      return await next(data, ports, evidence);
    case "begin":
      return await begin(data, ports, evidence);
    case "end":
      return await noteEnd(data, ports, evidence);
    case "look":
      return await look(data, ports, evidence);
    case "open":
      return await openWaveGate(data, ports, evidence);
    case "confirm":
      return await confirmWaveGate(data, ports, evidence);
    case "release":
      return await release(data, ports, evidence);
    default:
      return DONE;
  }
}

/** With the rollout's plan, and its own name in the place of a database's. */
async function portsOf(environment: Environment, evidence: RunEvidence): Promise<Ports> {
  const request = await evidence.require(Doc.request);
  const ports = await withPlan(environment, { run: evidence.run, planChecksum: request.plan.checksum });
  return ofItsDatabase(ports, request);
}
